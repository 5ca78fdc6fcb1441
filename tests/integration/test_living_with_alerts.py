"""From what somebody says of an alert to who is told: claims that hold steps back, and planned silences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.alerts import handlings, silence_store
from alertd.alerts.handling import Asked, Office
from alertd.alerts.silences import Silenced
from alertd.calendars.clock import end_of
from alertd.cases.records import LONDON
from alertd.db.tables import Alert, Handling
from alertd.engine import sweep as sweeping
from alertd.errors import InputError
from tests.support.council import Council, Inline, council_at


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    monkeypatch.setattr(Inline, "dies_on", "")
    found = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    yield found
    found.house.engine.dispose()


THURSDAY, FRIDAY, MONDAY, TUESDAY = date(2026, 11, 26), date(2026, 11, 27), date(2026, 11, 30), date(2026, 12, 1)
"""The review is due on Friday; the first step of its ladder tells the worker and the team manager then."""


def say(council: Council, asked: Asked, on: date) -> handlings.Said:
    now = datetime.combine(on, time(11), LONDON)
    office = Office(council.house.staff.directory, council.house.calendar, now)
    with Session(council.house.engine) as session, session.begin():
        (said,) = handlings.handle(session, [1], asked, office, council.house.rulebook)
    return said


def alert(council: Council) -> Alert:
    with Session(council.house.engine, expire_on_commit=False) as session:
        return session.scalars(select(Alert)).one()


def test_a_claim_holds_the_step_of_the_due_day_and_when_it_lapses_the_manager_is_told(council: Council) -> None:
    council.looked_after()
    council.days(date(2026, 11, 11), THURSDAY)
    assert say(council, Asked("claim", "W1", "held today, minutes to be typed"), THURSDAY).refused == ""
    sent = council.days(FRIDAY, MONDAY)
    assert "cy" not in {to for people in sent.values() for to in people}
    assert (alert(council).stage, alert(council).level) == ("overdue", 0)
    assert "cy" in council.day(TUESDAY)
    assert council.events()[-1] == ("escalated", 1, False)


def test_what_was_claimed_and_is_then_recorded_tells_nobody_above(council: Council) -> None:
    council.looked_after()
    council.days(date(2026, 11, 11), THURSDAY)
    say(council, Asked("claim", "W1", "held today"), THURSDAY)
    council.day(FRIDAY)
    council.reviewed(THURSDAY)
    council.days(MONDAY, TUESDAY)
    assert "cy" not in {to for to, _, _ in council.mail.sent}
    with Session(council.house.engine) as session:
        assert session.scalars(select(Handling.ended_why)).one() == "closed"


def silence(council: Council, until: date, **changes: object) -> Silenced:
    house = council.house
    asked = Silenced(("cla.review.first",), ("T1",), council.now, end_of(until), "M1", "migration of the case system")
    with Session(house.engine) as session, session.begin():
        asked = replace(asked, **changes)  # type: ignore[arg-type]
        return silence_store.add(session, asked, house.staff.directory, house.rulebook, council.now)


def test_while_a_silence_stands_nobody_is_told_and_when_it_ends_all_is(council: Council) -> None:
    council.looked_after()
    council.days(date(2026, 11, 11), date(2026, 11, 25))
    begun = len(council.mail.sent)
    silence(council, MONDAY)
    council.days(THURSDAY, MONDAY)
    told = [(to, subject) for to, subject, _ in council.mail.sent[begun:]]
    assert told == [("cy", "Alerts are silent for a planned event"), ("cy", "Your silence ends soon")]
    assert not any("migration" in body for _, _, body in council.mail.sent)
    assert (alert(council).stage, alert(council).muted) == ("overdue", "silence 1 until Mon 30 Nov 2026")
    assert council.day(TUESDAY) == ["ade", "cy", "cy"]
    assert "A silence of alerts has ended" in [subject for _, subject, _ in council.mail.sent[-3:]]
    assert council.events()[-1][:2] == ("unmuted", 1)
    assert council.day(date(2026, 12, 2)) == []


def test_a_silence_ended_early_lets_its_alerts_speak_at_the_next_evaluation(council: Council) -> None:
    council.looked_after()
    council.days(date(2026, 11, 11), date(2026, 11, 25))
    made = silence(council, date(2026, 12, 4))
    council.days(THURSDAY, FRIDAY)
    with Session(council.house.engine) as session, session.begin():
        silence_store.end(session, made.id, "S1", council.house.staff.directory, council.now + timedelta(hours=1))
    assert council.day(MONDAY) == ["ade", "cy", "cy"]
    assert alert(council).muted == ""


def test_a_silence_of_teams_of_others_is_refused_and_writes_nothing(council: Council) -> None:
    council.evaluate(THURSDAY)
    with pytest.raises(InputError, match="would mute teams that M1 does not manage"):
        silence(council, MONDAY, teams=("T1", "SV"))
    with Session(council.house.engine) as session:
        assert silence_store.every(session) == []
