"""Every check of a simulated year finds the fault that is planted for it, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.calendars.calendar import calendar_for
from alertd.calendars.clock import shift
from alertd.calendars.durations import Duration
from alertd.engine.stages import step_moment
from alertd.rulebook.profiles import Step
from alertd.simulation import checks
from alertd.simulation.checks import Event, Has, Kept, Line, Mail
from alertd.simulation.days import moment_of, working_days, works
from alertd.simulation.steps import Checked, Claim, Life, Stand, claim_ends, wrong_steps
from alertd.synth.staff import Person

LONDON = ZoneInfo("Europe/London")


def at(day: int, hour: int = 8, minute: int = 5) -> datetime:
    """A London time in November 2026; the 2nd is a Monday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=LONDON)


PEOPLE = {
    p.id: p
    for p in (
        Person("W1", "Ade", "ade@council.example", "worker", "T1"),
        Person("W2", "Bo", "bo@council.example", "worker", "T1"),
        Person("W3", "Ed", "ed@council.example", "worker", "T2"),
        Person("M1", "Cy", "cy@council.example", "team_manager", "T1"),
        Person("S1", "Di", "di@council.example", "service_manager", "SV"),
        Person("I1", "Fa", "fa@council.example", "iro", "RV"),
    )
}
ABOVE = {"T1": "SV", "T2": "SV", "SV": None, "RV": None}
INBOXES = {"T1": "north@council.example", "T2": "east@council.example"}
DUTY = "duty@council.example"


def people(**changes: dict[str, Any]) -> dict[str, Person]:
    return {id_: replace(p, **changes.get(id_, {})) for id_, p in PEOPLE.items()}


def mail(person: str = "W1", *children: str, id_: str = "m1", when: datetime = at(3), **more: Any) -> Mail:
    address = PEOPLE[person].email if person in PEOPLE else f"{person}@council.example"
    return Mail(id_, when, person, address, frozenset(children), **more)


# Duplicates.


def told(*found: tuple[int, str]) -> list[Line]:
    """Lines of alert 1: (event, mail)."""
    return [Line(event, 1, "worker", "stage: due", in_) for event, in_ in found]


def test_one_event_in_two_messages_to_one_person_is_a_duplicate() -> None:
    mails = {"m1": mail(), "m2": mail(id_="m2", when=at(4))}
    events = [Event(1, 1, at(3, 6), "due", 0, "stage")]
    assert checks.duplicates(told((1, "m1")), events, mails) == []
    assert len(checks.duplicates(told((1, "m1"), (1, "m2")), events, mails)) == 1


def test_two_events_that_say_the_same_are_a_duplicate_unless_something_happened_between() -> None:
    mails = {"m1": mail(), "m2": mail(id_="m2", when=at(5))}
    first, second = Event(1, 1, at(3, 6), "due", 0, "stage"), Event(3, 1, at(5, 6), "due", 0, "stage")
    between = Event(2, 1, at(4, 6), "closed", 0, "met")
    lines = told((1, "m1"), (3, "m2"))
    assert len(checks.duplicates(lines, [first, second], mails)) == 1
    assert checks.duplicates(lines, [first, between, second], mails) == []
    assert checks.duplicates(lines, [first, replace(second, said="another date")], mails) == []


def test_a_message_that_leaves_twice_is_counted() -> None:
    assert len(checks.sent_twice([mail(), mail()])) == 1
    assert checks.sent_twice([mail(), mail(id_="m2")]) == []


# Leavers, the absent, and nobody.


def test_a_message_to_somebody_who_left_that_day_is_counted() -> None:
    for leaves, wrong in ((date(2026, 11, 3), 1), (date(2026, 11, 2), 1), (date(2026, 11, 4), 0), (None, 0)):
        now = people(W1={"leaves": leaves})
        assert len(checks.to_leavers([mail()], lambda _, now=now: now)) == wrong  # type: ignore[misc]


def test_a_message_to_somebody_away_is_counted() -> None:
    away = {"away_from": date(2026, 11, 2), "away_to": date(2026, 11, 3)}
    assert len(checks.to_absent([mail()], lambda _: people(W1=away))) == 1
    assert checks.to_absent([mail(when=at(4))], lambda _: people(W1=away)) == []
    assert len(checks.to_absent([mail(when=at(4))], lambda _: people(W1={**away, "away_to": None}))) == 1


def test_a_message_to_an_address_that_nobody_reads_is_counted() -> None:
    shared = [DUTY, *INBOXES.values()]
    assert checks.to_nobody([mail(), replace(mail(), address=DUTY)], lambda _: PEOPLE, shared) == []
    for address in ("", "gone@council.example"):
        assert len(checks.to_nobody([replace(mail(), address=address)], lambda _: PEOPLE, shared)) == 1


def test_a_promise_that_nobody_keeps_is_counted_after_a_week() -> None:
    line, events = Line(1, 1, "worker", "", None), {1: Event(1, 1, at(3), "due", 0, "stage")}
    found = checks.to_nobody([], lambda _: PEOPLE, [], [line], events, at(20))
    assert len(found) == 1
    assert checks.to_nobody([], lambda _: PEOPLE, [], [line], events, at(6)) == []
    assert checks.to_nobody([], lambda _: PEOPLE, [], [replace(line, dropped="closed")], events, at(20)) == []


# Disclosures.


def breaches(
    *mails: Mail,
    staff: dict[str, Person] = PEOPLE,
    held: Has | None = Has("W1", "T1"),
    roles: Sequence[str] = (),
    kept: Kept | None = None,
) -> int:
    kept_of = {"C1": kept} if kept else {}
    return len(
        checks.disclosures(mails, lambda _: staff, ABOVE, INBOXES, DUTY, lambda _c, _a: held, lambda _: roles, kept_of)
    )


def test_a_planted_word_in_a_message_is_a_breach() -> None:
    assert breaches(replace(mail("W1", "C1"), canaries=2)) == 1


@pytest.mark.parametrize(("person", "wrong"), [("W1", 0), ("M1", 0), ("S1", 0), ("W2", 1), ("W3", 1), ("I1", 1)])
def test_a_child_named_to_somebody_without_a_role_is_a_breach(person: str, wrong: int) -> None:
    assert breaches(mail(person, "C1")) == wrong


def test_a_deputy_has_a_role_only_while_the_other_is_not_here() -> None:
    deputy = {"deputy": "W2"}
    assert breaches(mail("W2", "C1"), staff=people(W1=deputy)) == 1
    away = {**deputy, "away_from": date(2026, 11, 2)}
    assert breaches(mail("W2", "C1"), staff=people(W1=away)) == 0
    assert breaches(mail("M1", "C1"), staff=people(M1={"team": "T2"})) == 1


def test_a_service_wide_role_counts_where_the_alerts_of_the_child_tell_it() -> None:
    assert breaches(mail("I1", "C1"), roles=["iro"]) == 0
    assert breaches(mail("I1", "C1"), roles=["cp_chair"]) == 1


def test_a_team_reads_of_its_own_children_alone() -> None:
    north = replace(mail("team:T1", "C1"), address=INBOXES["T1"])
    east = replace(mail("team:T2", "C1"), address=INBOXES["T2"])
    assert (breaches(north), breaches(east)) == (0, 1)


def test_that_an_alert_is_cleared_is_told_only_to_those_who_were_told_before() -> None:
    clear = mail("W3", "C1", id_="m2", when=at(5), cleared=frozenset({"C1"}))
    assert breaches(clear) == 1
    assert breaches(mail("W3", "C1"), clear) == 1  # the first was wrong, the second is not


def test_a_restricted_child_is_named_to_those_on_the_list_alone() -> None:
    assert breaches(mail("W1", "C1"), kept=Kept(only=frozenset({"S1"}))) == 1
    assert breaches(mail("S1", "C1"), kept=Kept(only=frozenset({"S1"}))) == 0
    assert breaches(mail("W1", "C1"), kept=Kept(never=frozenset({"W1"}))) == 1
    assert breaches(replace(mail("duty", "C1"), address=DUTY), kept=Kept(only=frozenset({"S1"}))) == 1


def test_a_child_of_whom_the_feed_knows_nothing_is_a_breach() -> None:
    assert breaches(mail("W1", "C1"), held=None) == 1


# Steps.

LADDERS = {
    "L": {
        "held_by": {"claim": "team_manager", "accept": "own level"},
        "steps": [
            {"tell": ["worker", "team_manager"]},
            {"after": "3 working days", "tell": ["service_manager"]},
        ],
    },
}
RUNS = [at(day, 6, 30) for day in range(2, 21)]
SENDS = [at(day, 8, 5) for day in range(2, 21)]
LIFE = Life(1, "L", (Stand(at(2, 6, 30), True, False, "upcoming", date(2026, 10, 1), date(2026, 11, 4)),))


def follow(*steps: tuple[int, int, str], life: Life = LIFE, sent: int = 0) -> Checked:
    """The check of a log in which (step, day of the run, role) were told, each ``sent`` days after."""
    events = {n: Event(n, 1, at(day, 6, 30), "due", step, "stage") for n, (step, day, _) in enumerate(steps)}
    lines = [Line(n, 1, role, f"step {step} of L", f"m{n}") for n, (step, _, role) in enumerate(steps)]
    mails = {f"m{n}": mail(id_=f"m{n}", when=at(day + sent)) for n, (_, day, _) in enumerate(steps)}
    return wrong_steps([life], LADDERS, RUNS, SENDS, events, lines, mails)


RIGHT = ((1, 4, "worker"), (1, 4, "team_manager"), (2, 9, "service_manager"))


def test_a_log_with_every_step_at_its_time_is_right() -> None:
    found = follow(*RIGHT)
    assert (found.owed, found.wrong) == (3, [])


def test_a_missing_step_a_late_one_and_an_early_one_are_counted() -> None:
    assert len(follow(*RIGHT[:2]).wrong) == 1
    assert len(follow(*RIGHT, sent=1).wrong) == 3
    # Told at an earlier run: not told when owed, and told when not owed.
    assert len(follow(*RIGHT[:2], (2, 6, "service_manager")).wrong) == 2


def test_a_step_to_somebody_else_is_counted_twice_as_missing_and_as_not_owed() -> None:
    assert len(follow(*RIGHT[:2], (2, 9, "director")).wrong) == 2


def test_a_step_of_an_alert_that_closed_is_not_owed() -> None:
    closed = Stand(at(6, 6, 30), False, False, "met", None, None)
    life = replace(LIFE, stands=(*LIFE.stands, closed))
    assert follow(*RIGHT[:2], life=life).wrong == []
    assert len(follow(*RIGHT, life=life).wrong) == 1


def test_a_claim_holds_the_steps_that_the_ladder_says_and_no_other() -> None:
    """It holds the team manager's step until it lapses; one made later does not hold the service manager's."""
    claim = Claim("claim", at(3, 10), at(6, 0, 0))
    life = replace(LIFE, claims=(claim,))
    late = ((1, 6, "worker"), (1, 6, "team_manager"), (2, 9, "service_manager"))
    found = follow(*late, life=life)
    assert (found.held, found.wrong) == (2, [])
    assert len(follow(*RIGHT, life=life).wrong) == 4
    longer = replace(LIFE, claims=(replace(claim, until=at(12, 0, 0)),))
    all_at_once = ((1, 9, "worker"), (1, 9, "team_manager"), (2, 9, "service_manager"))
    assert follow(*all_at_once, life=longer).wrong == []


def test_a_claim_ends_on_the_working_day_after_its_two() -> None:
    assert claim_ends("claim", at(5, 10), None) == at(10, 0, 0)  # Thursday, so Monday, and then Tuesday
    assert claim_ends("accept", at(5, 10), date(2026, 11, 20)) == at(23, 0, 0)


# The arithmetic here agrees with the house's own, though none of it is shared.

DAYS = st.dates(date(2015, 1, 1), date(2028, 12, 31))


@given(DAYS, st.integers(-70, 70))
def test_working_days_are_counted_as_the_calendar_counts(day: date, n: int) -> None:
    calendar = calendar_for("england-and-wales")
    assert works(day) == calendar.is_working(day)
    assert working_days(day, n) == calendar.add_working_days(day, n)


UNITS = ("working day", "calendar day", "week", "month", "hour")


@given(DAYS, st.integers(1, 30), st.sampled_from(UNITS), st.booleans())
def test_steps_come_when_the_house_says(due: date, n: int, unit: str, before: bool) -> None:
    name = "before" if before else "after"
    step = Step(tell=("worker",), **{name: Duration.parse(f"{n} {unit}s")})
    calendar = calendar_for("england-and-wales")
    start = due - timedelta(30)
    assert moment_of({name: f"{n} {unit}s"}, start, due) == step_moment(step, start, due, calendar)
    assert shift(due, Duration.parse("0 working days"), calendar) == due
