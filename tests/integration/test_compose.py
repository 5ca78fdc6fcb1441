"""From notices to messages: who gets which, when, and that nothing is told twice or lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from alertd.cases.holding import Holding
from alertd.db.tables import DeliveryAlert
from alertd.engine.findings import CannotTell
from alertd.outbox.compose import Composed
from alertd.outbox.deliver import tell_operator
from tests.support.databases import opened
from tests.support.office import BOOK, Office, at, review, visit

pytest_plugins = ["tests.support.databases"]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    engine = opened(f"sqlite:///{tmp_path / 'alertd.db'}")
    yield Office(engine)
    engine.dispose()


def test_what_is_urgent_goes_at_once_and_the_rest_at_the_digest_hour(office: Office) -> None:
    office.look(at(26, 6, 30), review("upcoming", "C1"), visit("due", "C2"), visit("upcoming", "C3"))
    assert office.compose(at(26, 6, 31)) == Composed(urgent=1)
    assert office.told() == [("W1", "Due today: Visit · ref C2 · due 27 Nov")]
    assert office.compose(at(26, 7, 59)) == Composed()
    assert office.compose(at(26, 8, 0)) == Composed(digests=1)
    assert office.told()[1][0] == "W1"
    assert all(ref in office.text() for ref in ("ref C1", "ref C2", "ref C3"))
    assert [settled for _, settled, _ in office.notices()] == ["m2", "m1", "m2"]


def test_a_person_gets_one_digest_a_working_day(office: Office) -> None:
    office.look(at(26, 6, 30), review("upcoming", "C1"))
    assert office.compose(at(26)).digests == 1
    office.look(at(26, 10), review("upcoming", "C1"), review("upcoming", "C2"))
    assert [office.compose(at(26, hour)).digests for hour in (10, 16, 23)] == [0, 0, 0]
    assert office.compose(at(27, 8)).digests == 1
    assert "New in this mail: 1 " in office.text()
    assert "ref C1" in office.text()
    assert "ref C2" in office.text()


def test_unchanged_data_says_nothing_new_until_the_week_begins_with_something_overdue(office: Office) -> None:
    world = [review("overdue", "C1"), review("upcoming", "C2")]
    for day in (24, 25, 26, 27, 28, 29):
        office.look(at(day, 6, 30), *world)
        assert office.compose(at(day)).digests == (1 if day == 24 else 0)
    office.look(at(30, 6, 30), *world)
    assert office.compose(at(30, 7)).digests == 0
    assert office.compose(at(30)).digests == 1  # Monday
    assert office.compose(at(30, 12)).digests == 0
    assert office.compose(at(1, month=12)).digests == 0


def test_the_week_begins_with_nothing_when_nothing_is_overdue(office: Office) -> None:
    office.look(at(26), review("upcoming"))
    assert office.compose(at(26)).digests == 1
    assert office.compose(at(30)).digests == 0


def test_after_a_bank_holiday_the_week_begins_on_the_next_working_day(office: Office) -> None:
    office.look(at(24, month=12), review("overdue"))
    assert office.compose(at(24, month=12)).digests == 1
    assert office.compose(at(28, month=12)).digests == 0  # Boxing Day, in lieu
    assert office.compose(at(29, month=12)).digests == 1


def test_a_day_off_brings_no_digest_but_what_is_urgent(office: Office) -> None:
    office.look(at(28), review("overdue", "C1"), visit("overdue", "C2"))
    assert office.compose(at(28)) == Composed(urgent=1)
    assert office.compose(at(30)) == Composed(digests=1)


@pytest.mark.parametrize(("children", "messages"), [(3, 3), (4, 1)])
def test_more_than_three_urgent_ones_go_as_one_message(office: Office, children: int, messages: int) -> None:
    office.look(at(26, 6), *(visit("due", f"C{n}") for n in range(children)))
    assert office.compose(at(26, 6, 1)) == Composed(urgent=messages)
    assert len(office.told()) == messages
    assert all(settled for _, settled, _ in office.notices())
    if messages == 1:
        assert all(f"ref C{n}" in office.text() for n in range(children))
    assert office.compose(at(26, 9)) == Composed()


def test_somebody_told_as_two_roles_is_told_once_as_the_one_who_can_act(office: Office) -> None:
    office.held["C1"] = Holding("W2", "T1")
    office.change("W2", away_from=date(2026, 11, 1))
    office.change("M1", away_from=date(2026, 11, 1), deputy="W1")
    office.look(at(26, 6), visit("due", "C1", level=1), review("due", "C1", level=1))
    assert office.compose(at(26, 6, 1)) == Composed(urgent=1)
    assert "the allocated worker: deputy of W2" in office.text()
    assert office.compose(at(26)) == Composed(digests=1)
    assert office.text().count("ref C1") == 2  # the visit and the review, once each
    assert len(office.told()) == 2
    assert all(settled for _, settled, _ in office.notices())


def test_an_alert_that_closed_before_anybody_was_told_tells_nobody(office: Office) -> None:
    office.look(at(26, 6), review("due", level=1))
    office.look(at(26, 7), review("met", met=date(2026, 11, 26)))
    assert office.compose(at(26)) == Composed(dropped=2)
    assert office.notices() == [
        ("worker", None, "the alert closed first"),
        ("team_manager", None, "the alert closed first"),
    ]
    assert office.told() == []


def test_what_was_dropped_is_told_when_the_alert_opens_again(office: Office) -> None:
    office.look(at(28, 6), review("overdue", level=2))  # a Saturday
    office.look(at(28, 7), review("met", met=date(2026, 11, 26)))
    assert office.compose(at(28)).dropped == 3
    office.look(at(30, 6), review("overdue", level=2))  # the review was entered for the wrong child
    assert office.compose(at(30)).digests == 3
    assert [person for person, _ in office.told()] == ["M1", "S1", "W1"]


@pytest.mark.parametrize(
    ("held", "changes", "address", "why"),
    [
        (Holding("W2", "T1"), {}, "bo@council.example", "the allocated worker"),
        (Holding("W2", "T1"), {"leaves": date(2026, 11, 26)}, "ade@council.example", "has left"),
        (Holding("W2", "T1"), {"away_from": date(2026, 11, 26)}, "ade@council.example", "is away"),
        (Holding("W2", "T1"), {"leaves": date(2026, 1, 1), "deputy": None}, "north@council.example", "has left"),
        (Holding(None, "T1"), {}, "north@council.example", "no worker is allocated"),
        (Holding("W9", "T1"), {}, "north@council.example", "not in the staff directory"),
        (Holding(None, "T2"), {}, "duty@council.example", "no worker is allocated"),
        (Holding(), {}, "duty@council.example", "no worker is allocated"),
    ],
)
def test_leavers_the_absent_and_the_unallocated_are_resolved_to_somebody_who_is_here(
    office: Office, held: Holding, changes: Mapping[str, Any], address: str, why: str
) -> None:
    office.held["C1"] = held
    office.change("W2", **changes)
    office.look(at(26, 6), review("upcoming"))
    assert office.compose(at(26)).digests == 1
    ((delivery, message),) = [(d, m) for d, m in office.messages() if d.digest_for == "2026-11-26"]
    assert delivery.address == address == message["To"].addresses[0].addr_spec
    assert why in delivery.resolved_by


def test_that_only_the_duty_address_was_left_is_told_to_whoever_runs_it_once_a_day(office: Office) -> None:
    office.held["C1"] = Holding()
    office.look(at(26, 6), review("upcoming"), visit("due", level=1))
    assert office.compose(at(26, 6, 30)).nobody.total() == 3
    office.compose(at(26))
    assert [person for person, _ in office.told()] == ["D1", "duty", "duty"]
    assert office.told()[0][1] == "alertd found nobody to tell of some alerts"
    assert "no team is recorded for the child" in office.text(0)
    assert "C1" not in office.text(0)


def test_more_urgent_alerts_in_a_day_than_anybody_reads_come_together_and_the_manager_hears_of_the_load(
    office: Office,
) -> None:
    office.composer = replace(office.composer, most_urgent=3)
    seen: list[str] = []
    for n in range(1, 7):
        office.look(at(26, 8, n), *(visit("due", f"C{k}") for k in range(n)))
        office.compose(at(26, 8, n))
        seen = [subject for person, subject in office.told() if person == "W1"]
    assert len(seen) == 4, "three one by one, and the first that is too many"
    assert [person for person, subject in office.told() if "in one day" in subject] == ["M1"]
    office.compose(at(26, 9, 30))
    assert "ref C4" in office.text()
    assert "ref C5" in office.text(), "what waited its hour comes together"
    assert all(settled for _, settled, _ in office.notices())
    assert len([1 for person, subject in office.told() if "in one day" in subject]) == 1


def test_a_manager_who_was_told_hears_once_that_it_is_cleared(office: Office) -> None:
    office.look(at(24, 6), review("overdue", level=1))
    office.compose(at(24))
    office.look(at(25, 6), review("met_late", met=date(2026, 11, 24)))
    office.compose(at(25))
    assert [person for person, _ in office.told()] == ["M1", "W1", "M1"], "the worker did it, and need not be told"
    assert "ref C1 · Review: done, after the date on Tue 24 Nov" in office.text()
    for day in (26, 27, 30):
        office.look(at(day, 6), review("met_late", met=date(2026, 11, 24)))
        assert office.compose(at(day)) == Composed()


def test_what_was_only_counted_in_a_mail_is_not_told_as_cleared_either(office: Office) -> None:
    """A manager is told of 45 at once, all named; a later mail shows 40 of them and tells of no other."""
    world = [review("overdue", f"C{n:02}", level=1) for n in range(45)]
    office.look(at(24, 6), *world)
    office.compose(at(24))
    (first,) = (d for d, _ in office.messages() if d.person == "M1")
    office.look(at(30, 6), *world)
    office.compose(at(30))  # a Monday: what is overdue
    second = next(d for d, _ in office.messages() if d.person == "M1" and d.id != first.id)
    with Session(office.engine) as session:
        told = {
            one.id: session.scalar(select(func.count()).where(DeliveryAlert.delivery_id == one.id))
            for one in (first, second)
        }
    assert told == {first.id: 45, second.id: 40}


def test_nobody_is_told_the_all_clear_of_what_they_never_heard_of(office: Office) -> None:
    office.look(at(24, 6), review("overdue", "C1", level=1), review("upcoming", "C2"))
    office.compose(at(24))
    office.look(at(25, 6), review("overdue", "C1", level=1), review("met", "C2", met=date(2026, 11, 24)))
    office.look(at(26, 6), review("overdue", "C1", level=2))
    office.compose(at(26))
    texts = {person: office.text(n) for n, (person, _) in enumerate(office.told())}
    assert "ref C2 · Review: new" in texts["W1"]
    assert "ref C2" not in texts["M1"]
    assert "ref C2" not in texts["S1"]


def test_a_teams_hours_and_days_off_move_its_digests_and_never_what_is_urgent(office: Office) -> None:
    teams = dict(office.composer.directory.teams)
    teams["T1"] = replace(teams["T1"], hours=(time(10), time(18)), closed=frozenset({date(2026, 11, 27)}))
    office.composer = replace(office.composer, directory=replace(office.composer.directory, teams=teams))
    office.look(at(26, 6), review("upcoming", "C1"))
    assert office.compose(at(26, 9, 59)) == Composed()
    assert office.compose(at(26, 10)) == Composed(digests=1)
    office.look(at(27, 6), review("upcoming", "C1"), review("upcoming", "C2"), visit("due", "C3"))
    assert office.compose(at(27, 12)) == Composed(urgent=1)
    assert office.compose(at(30, 10)) == Composed(digests=1)


def test_brothers_and_sisters_are_told_of_together(office: Office) -> None:
    office.families = {"C1": "F", "C3": "F"}
    office.look(at(26, 6), review("overdue", "C1"), review("overdue", "C2"), review("upcoming", "C3"))
    office.compose(at(26))
    text = office.text().partition("YOUR CHILDREN")[2]
    assert text.index("ref C1") < text.index("ref C3") < text.index("ref C2")


def test_who_came_back_is_told_of_what_is_new(office: Office) -> None:
    office.held["C1"] = Holding("W2", "T1")
    office.change("W2", away_from=date(2026, 11, 1), away_to=date(2026, 11, 26))
    office.look(at(26, 6), review("upcoming"))
    office.compose(at(26))
    office.look(at(27, 6), review("due", level=1))
    office.compose(at(27))
    assert [person for person, _ in office.told()] == ["W1", "M1", "W2"]


def test_a_message_that_cannot_be_made_is_reported_and_waits_and_holds_up_no_other(office: Office) -> None:
    broken = "C\x0b9"  # no subject may hold this
    office.look(at(26, 6), visit("due", broken), visit("due", "C2"), review("upcoming", "C3"))
    done = office.compose(at(26))
    assert (done.urgent, done.digests) == (1, 1)
    (held,) = done.held
    assert held.startswith("W1: ")
    assert "control character" in held
    assert "C\x0b9" not in held
    assert [settled for _, settled, _ in office.notices()] == [None, "m1", "m2"]
    assert office.compose(at(26, 10)).held == done.held


def test_an_alert_whose_line_seems_to_hold_something_personal_waits_alone(office: Office) -> None:
    """The other children of the same worker are told as ever."""
    spoilt = review("upcoming", "C1", explained="9434765919 is missing")  # an NHS number where none should be
    office.look(at(26, 6), spoilt, review("upcoming", "C2"), review("overdue", "C3"))
    done = office.compose(at(26))
    assert done.digests == 1
    assert [held.partition(": template")[0] for held in done.held] == ["W1: alert 1"]
    assert "9434765919" not in str(done.held)
    assert "ref C1" not in office.text()
    assert "ref C2" in office.text()
    assert "ref C3" in office.text()
    assert [settled for _, settled, _ in office.notices()].count(None) == 1


def test_a_person_whose_address_is_wrong_holds_up_nobody_else(office: Office) -> None:
    office.held["C2"] = Holding("W2", "T1")
    office.change("W2", address="bo at council")
    office.look(at(26, 6), review("upcoming", "C1"), review("upcoming", "C2"))
    done = office.compose(at(26))
    assert done.digests == 1
    assert len(done.held) == 1
    assert [person for person, _ in office.told()] == ["W1"]
    office.change("W2", address="bo@council.example")
    assert office.compose(at(26, 10)) == Composed(digests=1)


def test_a_date_that_moved_before_anybody_was_told_takes_the_urgency_away(office: Office) -> None:
    office.look(at(26, 6), visit("due"))
    office.look(at(26, 6, 1), visit("upcoming", due=date(2026, 12, 1)))
    assert office.compose(at(26, 7)) == Composed()
    assert office.compose(at(26)) == Composed(digests=1)
    assert "Overdue" not in office.text()


def test_the_data_owner_hears_no_more_of_what_can_be_told_again(office: Office) -> None:
    outside = CannotTell("window", "cla_review", "L1", "outside")
    office.look(at(26, 6), review("unknown", "C1", cannot_tell=outside), review("unknown", "C2", cannot_tell=outside))
    office.compose(at(26))
    assert [person for person, _ in office.told()] == ["D1"]
    office.look(at(27, 6), review("overdue", "C1", level=1), review("unknown", "C2"))
    office.compose(at(27))
    assert sorted(person for person, _ in office.told()) == ["D1", "M1", "W1"]
    assert "ref C2" in office.text(-1)  # what the worker can mend is the worker's now
    assert office.compose(at(30)).digests == 2  # overdue: the worker's and the manager's, not the data owner's


def test_a_new_worker_is_told_of_what_is_handed_over_and_the_old_one_hears_no_more(office: Office) -> None:
    office.look(at(24, 6), review("upcoming"))
    office.compose(at(24))
    office.held["C1"] = Holding("W2", "T1")
    office.look(at(25, 6), review("upcoming"))
    assert office.compose(at(25)) == Composed(digests=1)
    assert [person for person, _ in office.told()] == ["W1", "W2"]
    office.look(at(26, 6), review("overdue"))
    office.compose(at(26))
    assert [person for person, _ in office.told()] == ["W1", "W2", "W2"]


def test_the_digest_counts_what_was_cleared_since_the_last(office: Office) -> None:
    office.look(at(24, 6), review("upcoming", "C1"), review("upcoming", "C2"))
    office.compose(at(24))
    office.look(at(25, 6), review("met", "C1", met=date(2026, 11, 25)), review("due", "C2", level=1))
    office.compose(at(25))
    texts = {person: office.text(n) for n, (person, _) in enumerate(office.told())}
    assert "cleared since the last: 1, thank you" in texts["W1"]
    assert "cleared since the last: 0" in texts["M1"]  # never told of the one that closed


def test_a_manager_sees_the_load_of_the_team(office: Office) -> None:
    office.held["C2"] = Holding("W2", "T1")
    office.look(at(26, 6), review("overdue", "C1", level=1), review("overdue", "C2", level=1))
    office.compose(at(26))
    manager = next(n for n, (person, _) in enumerate(office.told()) if person == "M1")
    assert "Ade" in office.text(manager)
    assert "Bo" in office.text(manager)


def test_a_rule_that_is_gone_is_no_longer_told(office: Office) -> None:
    office.look(at(26, 6), review("upcoming"))
    office.composer = replace(office.composer, rulebook=BOOK.model_copy(update={"rules": BOOK.rules[1:]}))
    assert office.compose(at(26)) == Composed()


def test_a_digest_may_settle_more_notices_than_a_statement_takes_parameters(engine: Engine) -> None:
    office = Office(engine)
    office.look(at(26, 6), *(review("upcoming", f"C{n}") for n in range(200)))
    if engine.dialect.name == "sqlite":
        pooled = engine.raw_connection()
        pooled.driver_connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 100)  # type: ignore[union-attr]
        pooled.close()
    assert office.compose(at(26)).digests == 1
    assert {settled for _, settled, _ in office.notices()} == {"m1"}


def test_the_operator_is_told_once_a_day_of_each_thing(office: Office) -> None:
    def tell(now: datetime, about: str) -> bool:
        with Session(office.engine) as session, session.begin():
            return tell_operator(
                session, office.composer, now, about=about, subject=f"about {about}", lines=["<b>why</b>"]
            )

    assert [tell(at(26, hour), "feed") for hour in (6, 7, 23)] == [True, False, False]
    assert tell(at(26, 7), "engine")
    assert tell(at(27, 6), "feed")
    assert office.told() == [("D1", "about feed"), ("D1", "about engine"), ("D1", "about feed")]
    assert office.text(0).strip() == "<b>why</b>"
    html = office.messages()[0][1].get_body(("html",))
    assert html is not None
    assert "&lt;b&gt;why" in html.get_content()
    assert all(d.urgent for d, _ in office.messages())


def test_being_told_as_operator_does_not_use_up_the_days_digest(office: Office) -> None:
    with Session(office.engine) as session, session.begin():
        tell_operator(session, office.composer, at(26, 6), about="feed", subject="s", lines=["l"])
    office.look(at(26, 6), review("unknown", cannot_tell=CannotTell("window", "f", "w", "outside")))
    assert office.compose(at(26)).digests == 1


@pytest.mark.parametrize("fails", [True, False])
def test_a_digest_and_its_notices_are_settled_together_or_not_at_all(office: Office, fails: bool) -> None:
    office.look(at(26, 6), review("due", level=1))
    asked: list[str] = []
    make = office.composer.new_id

    def new_id() -> str:
        asked.append(make())
        if fails and len(asked) == 2:
            raise ZeroDivisionError
        return asked[-1]

    office.composer = replace(office.composer, new_id=new_id)
    with pytest.raises(ZeroDivisionError) if fails else nullcontext():
        office.compose(at(26))
    settled = [settled for _, settled, _ in office.notices()]
    assert (len(office.told()), settled.count(None)) == ((0, 2) if fails else (2, 0))
