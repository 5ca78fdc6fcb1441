"""Subscriptions in a real database: kept, told once, ended, and the calendars that stand behind links."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from alertd.alerts.muting import SHADOW
from alertd.cases.holding import Holding
from alertd.db.tables import Alert, DeliveryAlert, FeedRun, Handling, Subscription
from alertd.engine.findings import Finding
from alertd.errors import InputError
from alertd.outbox import store as outbox
from alertd.people.restrictions import Restriction
from alertd.subscriptions import feeds, store
from alertd.subscriptions.asked import Asked, wanted_now
from alertd.subscriptions.model import STAGES_ASKED, Wanted
from tests.support.office import BOOK, CALENDAR, Office, at, review, visit
from tests.support.outbox import add

pytest_plugins = ["tests.support.databases"]


@pytest.fixture
def office(engine: Engine) -> Iterator[Office]:
    return Office(engine)


def ask(office: Office, person: str = "S1", **changes: object) -> Wanted:
    fields = {
        "id": 0, "person": person, "rules": ("*",), "teams": (), "stages": STAGES_ASKED,
        "severities": ("urgent", "routine"), "every": "daily", "channel": "email", "since": at(20),
    }  # fmt: skip
    with Session(office.engine) as session, session.begin():
        return store.add(session, Wanted(**fields | changes))  # type: ignore[arg-type]


def now_told(office: Office, now: datetime, *, digests: bool = True) -> list[Asked]:
    with Session(office.engine) as session:
        return wanted_now(session, office.composer.directory, BOOK, CALENDAR, now, digests=digests)


def deliver(office: Office, asked: Asked, id_: str, now: datetime) -> None:
    """What composing does with what is asked for."""
    with Session(office.engine) as session, session.begin():
        add(
            session, delivery_id=id_, person=asked.person, address="di@council.example", resolved_by="subscriber",
            channel=asked.channel, message=b"", now=now,
        )  # fmt: skip
        for line in (*asked.at_once, *asked.digest):
            session.add(
                DeliveryAlert(
                    delivery_id=id_, alert_id=line.alert_id, kind=store.SUBSCRIBED, role=line.role, how=line.why
                )
            )


def test_a_subscription_is_told_once_and_its_next_change_again(office: Office) -> None:
    ask(office)
    office.look(at(25, 6, 30), review("upcoming", "C1"), visit("overdue", "C2"))
    (asked,) = now_told(office, at(25, 8))
    assert [(line.why, line.urgent) for line in asked.digest] == [
        ("you subscribe to *: upcoming", False),
        ("you subscribe to *: overdue", True),
    ]
    deliver(office, asked, "d1", at(25, 8))
    assert now_told(office, at(26, 8)) == []
    office.look(at(27, 6, 30), review("due", "C1"), visit("overdue", "C2"))
    (asked,) = now_told(office, at(27, 8))
    assert [line.why for line in asked.digest] == ["you subscribe to *: due"]
    assert now_told(office, at(27, 8), digests=False) == []


def test_a_change_of_an_evaluation_under_way_while_a_digest_was_made_is_still_told(office: Office) -> None:
    ask(office)
    office.look(at(25, 6, 30), review("upcoming", "C1"))
    (asked,) = now_told(office, at(25, 8))
    deliver(office, asked, "d1", at(25, 8))
    office.look(at(25, 7, 59), review("due", "C1"))  # it began before the digest and was written after it
    (asked,) = now_told(office, at(26, 8))
    assert [line.why for line in asked.digest] == ["you subscribe to *: due"]


def test_nothing_is_looked_for_again_on_a_day_whose_digest_was_made(office: Office) -> None:
    ask(office)
    office.look(at(25, 6, 30), review("upcoming", "C1"))
    with Session(office.engine) as session, session.begin():
        add(
            session, delivery_id="d1", person="S1", address="di@council.example", resolved_by="", channel="email",
            message=b"", now=at(25, 8), digest_for="2026-11-25",
        )  # fmt: skip
    assert now_told(office, at(25, 9)) == []
    assert [len(one.digest) for one in now_told(office, at(26, 9))] == [1]


def test_what_was_taken_back_is_told_after_all(office: Office) -> None:
    ask(office)
    office.look(at(25, 6, 30), review("upcoming", "C1"))
    (asked,) = now_told(office, at(25, 8))
    deliver(office, asked, "d1", at(25, 8))
    with Session(office.engine) as session, session.begin():
        assert outbox.cancel(session, "d1", at(25, 9), "they left")
    assert now_told(office, at(26, 8)) == [asked]


def test_a_ladders_step_is_an_escalation_and_only_of_what_people_hear_of(office: Office) -> None:
    ask(office, stages=("escalated",), every="at_once")
    office.look(at(24, 6, 30), review("due", "C1", level=1), review("due", "C2", level=1))
    assert now_told(office, at(24, 6, 31), digests=False) == []
    office.look(at(25, 6, 30), review("overdue", "C1", level=1), review("overdue", "C2", level=1))
    assert now_told(office, at(25, 6, 31), digests=False) == []
    office.look(at(26, 6, 30), review("overdue", "C1", level=2), review("overdue", "C2", level=2))
    with Session(office.engine) as session, session.begin():
        session.scalars(select(Alert).where(Alert.child == "C2")).one().muted = f"{SHADOW}not adopted"
    (asked,) = now_told(office, at(26, 6, 31), digests=False)
    assert [line.why for line in asked.at_once] == ["you subscribe to *: escalated"]


def test_the_same_subscription_twice_is_refused_and_an_ended_one_stays_on_record(office: Office) -> None:
    first = ask(office)
    with pytest.raises(InputError, match=rf"S1 has that subscription already: it is number {first.id}\."):
        ask(office, stages=tuple(reversed(STAGES_ASKED)))
    ask(office, person="M1")
    with Session(office.engine) as session, session.begin():
        assert store.end(session, first.id, at(26)) == first
        with pytest.raises(InputError, match=r"has ended already\. alertd subscriptions list shows"):
            store.end(session, first.id, at(26))
        with pytest.raises(InputError, match="there is no subscription 999"):
            store.end(session, 999, at(26))
        assert [w.person for w in store.in_force(session)] == ["M1"]
    ask(office)
    with Session(office.engine) as session:
        assert [bool(row.ended_at) for row in session.scalars(select(Subscription).order_by(Subscription.id))] == [
            True, False, False,
        ]  # fmt: skip


def test_subscriptions_end_with_who_leaves_and_not_with_who_is_away(office: Office) -> None:
    ask(office)
    ask(office, person="M1")
    office.change("S1", leaves=date(2026, 11, 26))
    office.change("M1", away_from=date(2026, 11, 20))
    with Session(office.engine) as session, session.begin():
        assert store.end_of_leavers(session, office.composer.directory, at(25)) == []
        assert len(store.end_of_leavers(session, office.composer.directory, at(26, 0, 1))) == 1
        assert [w.person for w in store.in_force(session)] == ["M1"]


def test_the_past_is_read_whole_and_only_of_rules_asked_for(office: Office) -> None:
    office.look(at(24, 6, 30), review("due", "C1", level=1), visit("due", "C1", level=1))
    office.look(at(26, 6, 30), review("overdue", "C1", level=2))
    with Session(office.engine) as session, session.begin():
        (past,) = store.histories(session, BOOK, ["plain.*"], at(25), now_open=False)
        assert [(c.to_stage, c.climbed) for c in past.changes] == [("due", False), ("overdue", True)]
        assert (past.about.rule, past.about.urgent, past.told, past.quiet) == ("plain.review", False, True, False)
        assert len(store.histories(session, BOOK, ["*"], at(25), now_open=False)) == 2
        assert len(store.histories(session, BOOK, ["*"], at(25), now_open=True)) == 1
        assert store.histories(session, BOOK, ["plain_re*", "%*", "%"], at(25), now_open=False) == []
        assert store.watched_since(session) is None
        for on, outcome in ((3, "refused"), (4, "accepted"), (5, "accepted")):
            session.add(FeedRun(source="s", at=at(on), outcome=outcome, counts={}, feed="feed"))
        session.flush()
        assert store.watched_since(session) == at(4)


def shown(office: Office, subject: str, now: datetime = at(26)) -> list[str] | str:
    """The references in a calendar, or why there is none."""
    directory = office.composer.directory
    with Session(office.engine) as session:
        calendar, why = feeds.shown(session, subject, directory, now.date())
        if calendar is None:
            return why
        return [item.reference for item in feeds.items(session, calendar, BOOK, CALENDAR, now)]


@pytest.fixture
def fed(office: Office) -> Office:
    """C1 is with W1 of T1, C2 with W2 of T1, C3 with nobody in T2, C4 has no date."""
    office.held = {"C2": Holding("W2", "T1"), "C3": Holding(None, "T2"), "C4": Holding("W1", "T1")}
    no_date: dict[str, None] = {"due": None, "statutory": None}
    world: list[Finding] = [review("overdue", "C1", level=2), visit("upcoming", "C2"), review("due", "C3")]
    office.look(at(26, 6, 30), *world, review("unknown", "C4", **no_date))
    return office


def test_a_worker_sees_their_own_children_and_a_manager_the_teams_they_answer_for(fed: Office) -> None:
    assert shown(fed, feeds.of_person("W1")) == ["ref C1"]
    assert shown(fed, feeds.of_person("W2")) == ["ref C2"]
    assert shown(fed, feeds.of_team("T1", "M1")) == ["ref C1", "ref C2"]
    assert shown(fed, feeds.of_team("SV", "S1")) == ["ref C1", "ref C2"]
    assert shown(fed, feeds.of_team("T2", "Q1")) == ["ref C3"]
    assert shown(fed, feeds.of_team("T2", "M1")) == "M1 does not answer for T2"
    assert shown(fed, feeds.of_team("T1", "W1")) == "W1 is no manager and does not look at the whole service"
    assert shown(fed, feeds.of_team("T9", "Q1")) == "Q1 does not answer for T9"
    assert shown(fed, feeds.of_person("W9")) == "W9 is not in the staff directory"
    assert shown(fed, "what:is:this") == "nobody knows what this was a link to"


def test_an_alert_handed_over_is_in_the_calendar_of_who_answers_for_it_now(fed: Office) -> None:
    with Session(fed.engine) as session, session.begin():
        alert = session.scalars(select(Alert).where(Alert.child == "C1")).one()
        session.add(Handling(alert_id=alert.id, kind="hand_over", by="W1", at=at(26), reason="on leave", to="W2"))
    assert (shown(fed, feeds.of_person("W1")), shown(fed, feeds.of_person("W2"))) == ([], ["ref C1", "ref C2"])
    with Session(fed.engine) as session, session.begin():
        handed = session.scalars(select(Handling)).one()
        handed.ended_at, handed.ended_by, handed.ended_why = at(26), "W1", "undone"
    assert shown(fed, feeds.of_person("W1")) == ["ref C1"]


def test_a_calendar_stops_with_who_leaves_or_moves_and_hides_who_is_barred(fed: Office) -> None:
    directory = fed.composer.directory
    fed.composer = replace(
        fed.composer,
        directory=replace(directory, restrictions={"C1": Restriction("C1", never=frozenset({"M1", "W1"}))}),
    )
    assert shown(fed, feeds.of_team("T1", "M1")) == ["ref C2"]
    assert shown(fed, feeds.of_person("W1")) == []
    fed.change("M1", team="T2")
    assert shown(fed, feeds.of_team("T1", "M1")) == "M1 does not answer for T1"
    fed.change("W2", leaves=date(2026, 11, 26))
    assert shown(fed, feeds.of_person("W2")) == "W2 has left"
    fed.change("S1", away_from=date(2026, 11, 1))
    assert shown(fed, feeds.of_team("SV", "S1")) == ["ref C1", "ref C2"]


def test_closed_and_muted_alerts_drop_out_and_so_do_those_whose_rule_is_gone(fed: Office) -> None:
    with Session(fed.engine) as session, session.begin():
        session.scalars(select(Alert).where(Alert.child == "C1")).one().muted = f"{SHADOW}not adopted"
    assert shown(fed, feeds.of_team("T1", "M1")) == ["ref C2"]
    fed.look(at(27, 6, 30), visit("upcoming", "C2"))
    assert shown(fed, feeds.of_team("T2", "Q1")) == []
    with Session(fed.engine) as session:
        calendar, _ = feeds.shown(session, feeds.of_team("T1", "M1"), fed.composer.directory, date(2026, 11, 27))
        assert calendar
        gone = BOOK.model_copy(update={"rules": BOOK.rules[:1]})
        assert list(feeds.items(session, calendar, gone, CALENDAR, at(27))) == []


def test_a_subscriptions_calendar_shows_what_it_asks_for_until_it_ends(fed: Office) -> None:
    kept = ask(fed, person="Q1", stages=("escalated", "due"), channel="calendar")
    assert shown(fed, feeds.of_subscription(kept.id)) == ["ref C1", "ref C3"]
    assert now_told(fed, at(26)) == [], "nothing is sent for a calendar"
    by_mail = ask(fed, person="Q1")
    assert shown(fed, feeds.of_subscription(by_mail.id)) == "the subscription is told another way"
    with Session(fed.engine) as session, session.begin():
        store.end(session, kept.id, at(26))
    assert shown(fed, feeds.of_subscription(kept.id)) == "the subscription has ended"


def test_an_item_counts_its_changes_and_holds_what_clears_it(fed: Office) -> None:
    fed.look(at(27, 6, 30), review("overdue", "C1", level=2), visit("due", "C2"), review("due", "C3"))
    with Session(fed.engine) as session:
        calendar, _ = feeds.shown(session, feeds.of_person("W2"), fed.composer.directory, date(2026, 11, 27))
        assert calendar
        (item,) = feeds.items(session, calendar, BOOK, CALENDAR, at(27))
    assert (item.changes, item.changed, item.due) == (2, at(27, 6, 30), date(2026, 11, 27))
    assert (item.clears, item.law) == ("A review is recorded.", "SI 1")
    assert item.next_step == "If nothing changes: the team manager is told Fri 27 Nov."
    assert item.identity == ("urgent.visit", "C2", "care_period:L1", "start")
