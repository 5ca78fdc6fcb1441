"""What people said of alerts, and silences, on SQLite and PostgreSQL: written, ended, and never deleted."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from alert_samples import FINDING, finding
from living_samples import CALENDAR, NOW, asked, office
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from alertd.alerts import handlings, silence_store, store
from alertd.alerts.handling import Asked, Handled, Office
from alertd.alerts.reconcile import reconcile
from alertd.alerts.silences import Silenced
from alertd.cases.holding import Holding
from alertd.db.tables import Alert, Delivery, Handling, Notice, Silence
from alertd.engine.findings import Finding
from alertd.errors import InputError
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.load import load_rulebook

pytest_plugins = ["tests.support.databases"]

BOOK = load_rulebook([builtin_pack("england")], settings={"cp.visit.interval": "10 working days"})
T1 = {f"C{n}": Holding("W1", "T1") for n in range(3)}


def look(engine: Engine, *world: Finding, now: datetime = NOW, held: dict[str, Holding] = T1) -> None:
    """One evaluation, as the daemon makes it."""
    here = office(now)
    with Session(engine) as session, session.begin():
        handlings.lapse(session, now, CALENDAR, here.directory)
        done = reconcile(
            world,
            store.last_told(session),
            now,
            present=lambda *_: True,
            holdings=held,
            reached=handlings.reached(handlings.handled(session), here.directory, held, lambda _: BOOK),
        )
        store.apply(session, done, now, lambda _: (), held)


def say(engine: Engine, ask: Asked, *ids: int, here: Office | None = None, **more: Any) -> list[handlings.Said]:
    with Session(engine) as session, session.begin():
        return handlings.handle(session, ids, ask, here or office(), BOOK, **more)


def rows(engine: Engine) -> list[tuple[str, str, str | None, str | None]]:
    with Session(engine) as session:
        found = session.scalars(select(Handling).order_by(Handling.id))
        return [(h.kind, h.by, h.ended_by, h.ended_why) for h in found]


def standing(engine: Engine) -> dict[int, tuple[Handled, ...]]:
    with Session(engine) as session:
        return handlings.handled(session)


def level(engine: Engine) -> int:
    with Session(engine) as session:
        return session.scalars(select(Alert.level)).one()


def test_several_are_claimed_at_once_and_each_that_is_refused_says_why(engine: Engine) -> None:
    look(engine, *(finding("due", child=f"C{n}") for n in range(3)))
    say(engine, asked("claim"), 2)
    found = say(engine, asked("claim", reason=" visited both "), 1, 2, 3, 3, 99)
    assert [(one.alert_id, one.handling is not None) for one in found] == [
        (1, True),
        (2, False),
        (3, True),
        (99, False),
    ]
    assert "W1 has claimed it already" in found[1].refused
    assert found[3].refused == "There is no such alert"
    assert {one.reason for said in standing(engine).values() for one in said} == {"because", "visited both"}


def test_all_or_none_writes_nothing_where_one_is_refused(engine: Engine) -> None:
    look(engine, finding("due", child="C1"), finding("due", child="C2"))
    say(engine, asked("claim"), 1)
    found = say(engine, asked("claim", "M1"), 1, 2, all_or_none=True)
    assert [(bool(one.refused), one.handling) for one in found] == [(True, None), (False, None)]
    assert rows(engine) == [("claim", "W1", None, None)]


def test_a_claim_holds_the_steps_of_its_ladder_until_it_lapses_and_then_all_are_told(engine: Engine) -> None:
    look(engine, finding("due", level=0, rule="cin.visit"))
    say(engine, asked("claim"), 1)  # Thursday: it lapses as Tuesday begins
    for day, reached in ((1, 1), (4, 2)):
        look(engine, finding("overdue", level=reached, rule="cin.visit"), now=NOW + timedelta(days=day))
        assert level(engine) == 0
    look(engine, finding("overdue", level=2, rule="cin.visit"), now=NOW + timedelta(days=5))
    assert level(engine) == 2
    with Session(engine) as session:
        events = session.scalars(select(store.AlertEvent).order_by(store.AlertEvent.id))
        assert [(e.reason, e.level, e.late) for e in events] == [
            ("new", 0, False),
            ("stage", 0, True),  # the daemon was away on the day itself
            ("escalated", 1, False),
            ("escalated", 2, False),
        ]
    assert rows(engine) == [("claim", "W1", None, "lapsed")]
    assert standing(engine) == {}
    again = say(engine, asked("claim"), 1, here=office(NOW + timedelta(days=5)))
    assert "It was claimed before" in again[0].refused


def test_what_a_manager_accepts_is_held_up_to_that_manager_and_not_from_who_stands_outside_the_line(
    engine: Engine,
) -> None:
    look(engine, finding("due", level=0))
    say(engine, asked("accept", "S1", until=date(2026, 12, 18)), 1)
    look(engine, finding("overdue", level=1), now=NOW + timedelta(days=4))
    assert level(engine) == 0
    look(engine, finding("overdue", level=2), now=NOW + timedelta(days=9))
    assert level(engine) == 2  # the second step of L3 tells the service manager too, but the IRO waits for nobody


def test_what_is_undone_no_longer_holds(engine: Engine) -> None:
    look(engine, finding("due", level=0))
    say(engine, asked("accept", "S1", until=date(2026, 12, 18)), 1)
    look(engine, finding("overdue", level=1))
    assert level(engine) == 0
    with Session(engine) as session, session.begin():
        handlings.undo(session, 1, "S1", "a slip", office(), BOOK)
    look(engine, finding("overdue", level=1))
    assert level(engine) == 1


def test_undoing_says_who_and_why_and_a_stranger_may_not(engine: Engine) -> None:
    look(engine, finding("due"))
    (done,) = say(engine, asked("claim"), 1)
    assert done.handling
    with Session(engine) as session, session.begin():
        with pytest.raises(InputError, match="W3 may not undo it"):
            handlings.undo(session, done.handling, "W3", "x", office(), BOOK)
        with pytest.raises(InputError, match="there is no handling 99"):
            handlings.undo(session, 99, "W1", "x", office(), BOOK)
        handlings.undo(session, done.handling, "M1", "not visited", office(), BOOK)
    assert rows(engine) == [("claim", "W1", "M1", "undone: not visited")]


@pytest.mark.parametrize("upheld", [True, False])
def test_a_dispute_is_decided_once_and_outlives_its_alert(engine: Engine, upheld: bool) -> None:
    look(engine, finding("due"))
    (done,) = say(engine, asked("dispute"), 1)
    say(engine, asked("claim"), 1)
    look(engine, finding("ended"))
    assert rows(engine) == [("dispute", "W1", None, None), ("claim", "W1", None, "closed")]
    with Session(engine) as session, session.begin():
        handlings.resolve(session, done.handling or 0, "M1", upheld, office(), BOOK)
        with pytest.raises(InputError, match="ended already"):
            handlings.resolve(session, done.handling or 0, "S1", upheld, office(), BOOK)
    assert rows(engine)[0] == ("dispute", "W1", "M1", "upheld" if upheld else "rejected")


def test_a_hand_over_ends_when_the_feed_gives_the_child_to_another_worker(engine: Engine) -> None:
    look(engine, finding("due", child="C1"), finding("due", child="C2"))
    say(engine, asked("hand_over", to="W2"), 1, 2)
    look(engine, finding("due", child="C1"), finding("due", child="C2"))
    assert [h.to for said in standing(engine).values() for h in said] == ["W2", "W2"]
    look(engine, finding("due", child="C1"), finding("due", child="C2"), held={**T1, "C1": Holding("W3", "T2")})
    assert set(standing(engine)) == {2}
    assert rows(engine)[0][3] == "the feed allocates the child to somebody else"


def test_what_a_leaver_said_ends(engine: Engine) -> None:
    look(engine, FINDING)
    say(engine, asked("claim"), 1)
    gone = office(W1={"leaves": date(2026, 11, 26)})
    with Session(engine) as session, session.begin():
        assert handlings.lapse(session, NOW, CALENDAR, gone.directory) == 1
        assert handlings.lapse(session, NOW, CALENDAR, gone.directory) == 0
    assert rows(engine) == [("claim", "W1", None, "its author has left")]


def test_who_was_told_is_read_from_what_was_sent(engine: Engine) -> None:
    look(engine, FINDING)
    with Session(engine) as session, session.begin():
        assert handlings.told_of(session, 1) == frozenset()
        session.add(
            Delivery(
                id="m1", person="P1", address="a@council.example", resolved_by="", channel="email", message=b"",
                state="due", next_attempt_at=NOW, created_at=NOW,
            )
        )  # fmt: skip
        session.flush()
        event = session.scalars(select(store.AlertEvent)).one()
        session.add(Notice(event_id=event.id, alert_id=1, role="iro", composed_into="m1"))
        session.flush()
        assert handlings.told_of(session, 1) == {"P1"}
    assert say(engine, asked("dispute", "P1"), 1)[0].refused == ""


def test_a_silence_is_written_read_and_ended_and_stays_in_the_list(engine: Engine) -> None:
    here = office()
    wanted = Silenced(("cla.review.first",), ("T1",), NOW, NOW + timedelta(days=3), "M1", " migration ")
    with Session(engine) as session, session.begin():
        made = silence_store.add(session, wanted, here.directory, BOOK, NOW)
        assert silence_store.recent(session, NOW) == silence_store.every(session)
        assert (made.id, silence_store.every(session)[0].reason) == (1, "migration")
        with pytest.raises(InputError, match="M2 may not end it"):
            silence_store.end(session, 1, "M2", here.directory, NOW)
        with pytest.raises(InputError, match="there is no silence 9"):
            silence_store.end(session, 9, "M1", here.directory, NOW)
        silence_store.end(session, 1, "M1", here.directory, NOW + timedelta(days=1))
    with Session(engine) as session:
        (row,) = session.scalars(select(Silence))
        assert (row.ended_by, row.at) == ("M1", NOW)
        assert silence_store.recent(session, NOW + timedelta(days=30)) == []
        assert len(silence_store.every(session)) == 1
        with pytest.raises(InputError, match="A reason is required"):
            silence_store.add(session, Silenced((), ("T1",), NOW, NOW, "M1", ""), here.directory, BOOK, NOW)
