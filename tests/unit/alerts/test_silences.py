"""A planned quiet: what is refused, what it covers, and who hears when it begins and ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from living_samples import CALENDAR, DIRECTORY, NOW, office

from alertd.alerts.silences import Silenced, silence_notices, silencing, why_no_silence, why_not_end
from alertd.calendars.clock import begin_of, end_of
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.load import load_rulebook

BOOK = load_rulebook([builtin_pack("england")], settings={"cp.visit.interval": "10 working days"})
FRIDAY = end_of(date(2026, 12, 4))
SILENCE = Silenced(("cla.review.first",), ("T1",), NOW, FRIDAY, "M1", "migration", id=3)


def silence(**changes: Any) -> Silenced:
    return replace(SILENCE, **changes)


@pytest.mark.parametrize(
    "asked",
    [
        silence(),
        silence(starts=NOW + timedelta(days=40), until=NOW + timedelta(days=54)),
        silence(by="S1", teams=("T1", "T2", "SV")),
        silence(by="D1", teams=("OT",)),
        silence(by="H1", rules=(), teams=("T1",)),
        silence(by="D1", rules=("cp.visit",)),
    ],
)
def test_what_may_be_silenced(asked: Silenced) -> None:
    assert why_no_silence(asked, DIRECTORY, BOOK, NOW) == ""


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (silence(reason=" "), "name the planned event"),
        (silence(by="W9"), "not in the staff directory"),
        (silence(by="X1"), "X1 has left"),
        (silence(by="W1"), "manages no team: a team manager or somebody above"),
        (silence(until=NOW - timedelta(days=1)), "give a later end"),
        (silence(starts=NOW - timedelta(days=2), until=NOW), "give a later end"),
        (silence(until=NOW + timedelta(days=14, seconds=1)), "At most 14 days"),
        (silence(rules=("cla.review.frist",)), "Did you mean cla.review.first?"),
        (silence(teams=()), "name each of them"),
        (silence(teams=("T9",)), "There is no team 'T9'"),
        (silence(teams=("T1", "T2")), "It would mute teams that M1 does not manage (T2): ask whoever does"),
        (silence(teams=("SV",)), "does not manage (SV)"),
        (silence(by="H1", teams=("OT",)), "does not manage (OT)"),
        (silence(rules=("cp.visit",)), "Urgent rules are among them (cp.visit)"),
        (silence(by="S1", rules=()), "and others): name others, or ask a head of service"),
    ],
)
def test_what_may_not_be_silenced_and_why(asked: Silenced, why: str) -> None:
    assert why in why_no_silence(asked, DIRECTORY, BOOK, NOW)


def test_who_is_away_asks_for_no_silence() -> None:
    away = office(M1={"away_from": date(2026, 11, 20)}).directory
    assert "M1 is away" in why_no_silence(SILENCE, away, BOOK, NOW)


@pytest.mark.parametrize(
    ("by", "why"),
    [("M1", ""), ("S1", ""), ("D1", ""), ("M2", "M2 may not end it"), ("W1", "may not"), ("W9", "not in")],
)
def test_a_silence_is_ended_by_its_author_or_a_manager_of_all_its_teams(by: str, why: str) -> None:
    found = why_not_end(SILENCE, by, DIRECTORY, NOW)
    assert why in found and bool(why) == bool(found)


def test_what_has_ended_is_not_ended_again() -> None:
    assert why_not_end(SILENCE, "M1", DIRECTORY, FRIDAY) == "It has ended already"


@pytest.mark.parametrize(
    ("one", "rule", "team", "quiet"),
    [
        (SILENCE, "cla.review.first", "T1", True),
        (SILENCE, "cla.review.second", "T1", False),
        (SILENCE, "cla.review.first", "T2", False),
        (SILENCE, "cla.review.first", None, False),
        (silence(rules=()), "cla.review.second", "T1", True),
        (silence(teams=("SV",)), "cla.review.first", "T2", True),
        (silence(starts=NOW + timedelta(seconds=1)), "cla.review.first", "T1", False),
        (silence(until=NOW), "cla.review.first", "T1", False),
        (silence(ended_at=NOW), "cla.review.first", "T1", False),
    ],
)
def test_what_a_silence_covers(one: Silenced, rule: str, team: str | None, quiet: bool) -> None:
    found = silencing([one], rule, team, DIRECTORY, NOW)
    assert found == ("silence 3 until Fri 4 Dec 2026" if quiet else "")


def at(day: date, hours: int = 9) -> datetime:
    return begin_of(day) + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("one", "now", "events"),
    [
        (SILENCE, NOW - timedelta(seconds=1), []),
        (SILENCE, NOW, ["starts"]),
        (SILENCE, at(date(2026, 12, 2), 23), ["starts"]),
        (SILENCE, at(date(2026, 12, 3), 0), ["starts", "ends soon"]),  # a working day before Friday
        (silence(until=end_of(date(2026, 12, 6))), at(date(2026, 12, 4), 0), ["starts", "ends soon"]),  # a Sunday
        (SILENCE, FRIDAY, ["ended"]),
        (silence(ended_at=at(date(2026, 11, 30))), at(date(2026, 11, 30)), ["ended"]),
        (SILENCE, FRIDAY + timedelta(days=7), []),
        (silence(starts=NOW + timedelta(days=2), ended_at=NOW), NOW + timedelta(days=3), []),
    ],
)
def test_when_people_hear_of_a_silence(one: Silenced, now: datetime, events: list[str]) -> None:
    assert silence_notices([one], now, CALENDAR) == [(one, event) for event in events]
