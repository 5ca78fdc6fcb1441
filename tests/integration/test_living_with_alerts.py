"""What people say of alerts, as it reaches those who are told: who goes quiet, who does not, who is told instead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.alerts.handling import Asked
from alertd.alerts.handling import Office as Here
from alertd.alerts.handlings import handle
from alertd.db.tables import Alert, DeliveryAlert
from alertd.outbox.compose import Composed, compose
from tests.support.databases import opened
from tests.support.office import BOOK, CALENDAR, Office, at, review, visit


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    engine = opened(f"sqlite:///{tmp_path / 'alertd.db'}")
    yield Office(engine)
    engine.dispose()


def say(office: Office, now: datetime, kind: Any, by: str, child: str = "C1", **more: Any) -> None:
    """Somebody says something of all alerts of a child."""
    with Session(office.engine) as session, session.begin():
        ids = session.scalars(select(Alert.id).where(Alert.child == child, Alert.state == "open")).all()
        here = Here(office.composer.directory, CALENDAR, now)
        said = handle(session, ids, Asked(kind, by, more.pop("reason", "because"), **more), here, BOOK)
        assert [one.refused for one in said] == [""] * len(ids)


def told(office: Office, *, after: int = 0) -> list[str]:
    return [person for person, _ in office.told()][after:]


def test_once_somebody_manages_an_alert_the_others_go_quiet_and_its_manager_does_not(office: Office) -> None:
    office.look(at(24, 6), review("upcoming"))
    office.compose(at(24))
    say(office, at(24, 10), "claim", "W1")
    office.look(at(25, 6), review("due", level=1))
    office.compose(at(25))
    assert told(office, after=1) == ["W1"], "the team manager's step waits, and the claimant hears that it is due"
    said = " ".join(office.text().split())
    assert "Ade says it is done and not yet recorded; that holds until Fri 27 Nov" in said
    assert "If nothing changes: the team manager, Cy, is told Fri 27 Nov" in said, "when the claim is over"


def test_what_waited_is_told_when_the_claim_is_over(office: Office) -> None:
    office.look(at(24, 6), review("upcoming"))
    office.compose(at(24))
    say(office, at(24, 10), "claim", "W1")
    office.look(at(25, 6), review("due", level=1))
    office.compose(at(25))
    assert "M1" not in told(office)
    office.look(at(26, 6), review("due", level=1))
    office.compose(at(26))
    assert "M1" not in told(office)
    office.look(at(27, 6), review("due", level=1))  # the working day after its two working days
    office.compose(at(27))
    assert "M1" in told(office)


def test_a_step_that_the_ladder_lets_nobody_hold_is_told_although_claimed(office: Office) -> None:
    """What is urgent and has no policy is held by nobody: the manager hears at once."""
    office.look(at(24, 6), visit("upcoming"))
    office.compose(at(24))
    say(office, at(24, 10), "claim", "W1")
    office.look(at(25, 6), visit("due", level=1))
    office.compose(at(25, 6, 30))
    assert "M1" in told(office, after=1)


def test_whoever_is_handed_an_alert_is_told_and_the_worker_no_longer(office: Office) -> None:
    office.look(at(24, 6), review("upcoming"))
    office.compose(at(24))
    say(office, at(24, 10), "hand_over", "W1", to="W2")
    assert office.compose(at(25)) == Composed(digests=1)
    assert told(office) == ["W1", "W2"]
    assert "handed over to you" in office.text()
    assert "Ade handed it over to Bo." in office.text()
    office.look(at(26, 6), review("overdue"))
    office.compose(at(26))
    assert told(office, after=2) == ["W2"]


def test_a_snooze_is_quiet_for_its_author_alone_and_is_counted(office: Office) -> None:
    office.look(at(24, 6), review("due", "C1", level=1), review("upcoming", "C2"))
    office.compose(at(24))
    say(office, at(24, 10), "snooze", "W1", until=date(2026, 11, 30))
    office.look(at(25, 6), review("overdue", "C1", level=1), review("due", "C2", level=1))
    office.compose(at(25))
    mails = {d.person: m.get_body(("plain",)).get_content() for d, m in office.messages()[2:]}  # type: ignore[union-attr]
    assert "ref C1" not in mails["W1"]
    assert "snoozed: 1" in mails["W1"]
    assert "ref C1" in mails["M1"]
    office.look(at(30, 6), review("overdue", "C1", level=1), review("due", "C2", level=1))
    office.compose(at(30))
    assert "ref C1" in {d.person: m.get_body(("plain",)).get_content() for d, m in office.messages()}["W1"]  # type: ignore[union-attr]


@dataclass
class Line:
    alert_id: int
    why: str = "you subscribe to plain.*"
    role: str = "subscriber:1"
    urgent: bool = False


@dataclass
class Wants:
    person: str
    at_once: tuple[Line, ...] = ()
    digest: tuple[Line, ...] = ()
    channel: str = "email"


def compose_asked(office: Office, now: datetime, *asked: Wants) -> Composed:
    with Session(office.engine) as session, session.begin():
        return compose(session, office.composer, now, asked)


def test_a_subscriber_hears_although_somebody_manages_it_in_the_same_one_digest(office: Office) -> None:
    office.look(at(24, 6), review("upcoming"))
    office.compose(at(24))
    say(office, at(24, 10), "claim", "W1")
    office.look(at(25, 6), review("due", level=1))
    done = compose_asked(office, at(25), Wants("S1", digest=(Line(1),)))
    assert done == Composed(digests=2)
    assert told(office, after=1) == ["S1", "W1"]
    assert "YOU SUBSCRIBE TO" in office.text(-2).upper()


def test_what_is_asked_for_at_once_waits_for_working_hours_unless_it_is_urgent(office: Office) -> None:
    office.look(at(28, 6), review("upcoming", "C1"), review("upcoming", "C2"))  # a Saturday
    assert compose_asked(office, at(28, 10), Wants("S1", (Line(1),))) == Composed()
    assert compose_asked(office, at(28, 10), Wants("S1", (Line(2, urgent=True),))) == Composed(asked=1)
    assert compose_asked(office, at(30, 7), Wants("S1", (Line(1),))) == Composed(asked=1)
    assert told(office) == ["S1", "S1"]


def test_who_is_told_at_once_anyway_is_not_told_a_second_time_because_they_asked(office: Office) -> None:
    office.look(at(26, 6), visit("due", "C1", level=1), review("due", "C2"))
    asks = Wants("M1", (Line(1, urgent=True), Line(2)))
    assert compose_asked(office, at(26, 9, 1), asks) == Composed(urgent=2, asked=1, digests=1)
    at_once = [office.text(n) for n, (d, _) in enumerate(office.messages()) if d.person == "M1" and not d.digest_for]
    assert sorted(("ref C1" in text, "ref C2" in text) for text in at_once) == [(False, True), (True, False)]
    with Session(office.engine) as session:
        rows = session.execute(select(DeliveryAlert.alert_id).where(DeliveryAlert.kind == "subscribed"))
        assert sorted(rows.scalars()) == [1, 2], "both are told, as far as the subscription goes"


def test_the_next_step_names_who_would_be_told(office: Office) -> None:
    office.look(at(24, 6), review("overdue", level=1))
    office.compose(at(24))
    assert "the service manager, Di, is told" in " ".join(office.text().split())
    people = {
        id_: replace(p, name="Dilys") if id_ == "S1" else p for id_, p in office.composer.directory.people.items()
    }
    office.composer = replace(office.composer, directory=replace(office.composer.directory, people=people))
    office.look(at(25, 6), review("overdue", level=1, due=date(2026, 11, 23)))
    office.compose(at(25))
    assert "Dilys" in office.text()
