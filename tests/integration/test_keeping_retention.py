"""``alertd retention``: what has been kept long enough is counted, and deleted only when that is said; nothing that is
open, awaited, held, needed by what stays, or still in a feed."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
import time_machine
from sqlalchemy import Engine, func, inspect, select, text, update
from sqlalchemy.orm import Session

from alertd.audit.chain import verify
from alertd.db.access_tables import AuditEntry, SignIn
from alertd.db.base import Base
from alertd.db.partner_tables import Notification, NotificationEvent
from alertd.db.tables import (
    Alert,
    AlertEvent,
    CaseVersion,
    Delivery,
    DeliveryAlert,
    DeliveryEvent,
    DeliveryReceipt,
    FeedRun,
    Handling,
    Notice,
)
from alertd.keeping import deletion
from alertd.keeping.deletion import delete_old
from alertd.keeping.retention import KINDS, Policy, plan
from alertd.keeping.subject_access import Child
from alertd.settings import load
from tests.support.cli import Here
from tests.support.keeping import settings_at

pytest_plugins = ["tests.support.databases"]
NOW = datetime(2036, 11, 27, 12, tzinfo=UTC)
LONG_AGO = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATELY = NOW - timedelta(days=40)


def body(*refs: str) -> bytes:
    return zlib.compress(orjson.dumps({"r": [[*ref.split(":"), "here", {}] for ref in refs]}))


def reading(session: Session, at: datetime, outcome: str = "accepted") -> int:
    run = FeedRun(feed="feed", source="s", at=at, outcome=outcome, counts={}, said={"holds": []})
    session.add(run)
    session.flush()
    return run.id


def version(session: Session, child: str, at: datetime, held: bytes | None) -> None:
    digest = None if held is None else b"d"
    session.add(CaseVersion(feed="feed", child=child, run_id=reading(session, at), digest=digest, body=held))
    session.flush()


def alert(session: Session, child: str, at: datetime, *, record: str = "care_period:L1", state: str = "closed") -> int:
    """An alert with all that can hang on one."""
    row = Alert(
        rule=f"r{session.scalar(select(func.count(Alert.id)))}", child=child, record=record, occurrence="", state=state,
        stage="due", closed_as="met" if state == "closed" else None, finding={}, opened_at=at, changed_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    event = AlertEvent(alert_id=row.id, at=at, to_stage="due", level=0, reason="new")
    session.add(event)
    session.flush()
    id_ = delivery(session, f"m{row.id}", at)
    session.add(Notice(event_id=event.id, alert_id=row.id, role="worker", composed_into=id_))
    session.add(DeliveryAlert(delivery_id=id_, alert_id=row.id, kind="told", role="worker", how=""))
    session.flush()
    return row.id


def delivery(session: Session, id_: str, at: datetime, state: str = "delivered", **more: str) -> str:
    session.add(
        Delivery(
            id=id_, person="W1", address="a@council.example", resolved_by="", channel="email", message=b"words",
            state=state, next_attempt_at=at, created_at=at, **more,
        )
    )  # fmt: skip
    session.flush()
    session.add(DeliveryEvent(delivery_id=id_, at=at, to_state=state, attempt=1))
    session.add(DeliveryReceipt(delivery_id=id_, kind="arrived", key=id_, at=at))
    session.flush()
    return id_


def said(session: Session, alert_id: int, at: datetime, *, ended: bool = True) -> None:
    end = {"ended_at": at, "ended_why": "closed"} if ended else {}
    session.add(Handling(alert_id=alert_id, kind="claim", by="W1", at=at, reason="because", **end))
    session.flush()


def notified(session: Session, alert_id: int, at: datetime, state: str = "acknowledged") -> None:
    id_ = delivery(session, f"n{alert_id}", at)
    row = Notification(
        alert_id=alert_id, kind="gp", agency="a", reference=f"R{alert_id}", receipt="3 days", state=state,
        delivery_id=id_, created_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    session.add(NotificationEvent(notification_id=row.id, at=at, by="alertd", to_state=state))
    session.flush()


POLICY = Policy(dict.fromkeys(KINDS, NOW - timedelta(days=365)))


def counts(engine: Engine, policy: Policy = POLICY) -> dict[str, int]:
    with Session(engine) as session:
        return {kind: sum(years.values()) for kind, years in plan(session, policy).by_year().items()}


def deleted(engine: Engine, policy: Policy = POLICY) -> dict[str, int]:
    with Session(engine) as session:
        found = plan(session, policy)
    return delete_old(engine, found, policy, NOW, by="op")


def left(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        names = [name for name in inspect(connection).get_table_names() if name in Base.metadata.tables]
        return {name: connection.scalar(text(f"select count(*) from {name}")) or 0 for name in names}


@pytest.fixture
def old(engine: Engine) -> Engine:
    """One old alert of a child whom no feed has any more, with all that hangs on it."""
    with Session(engine) as session, session.begin():
        version(session, "GONE", LONG_AGO, body("care_period:L1"))
        version(session, "GONE", LONG_AGO + timedelta(days=1), None)
        id_ = alert(session, "GONE", LONG_AGO)
        said(session, id_, LONG_AGO)
        notified(session, id_, LONG_AGO)
    return engine


def test_all_of_what_is_old_goes_and_leaves_nothing_behind_but_the_audit(old: Engine) -> None:
    whole = {"case_versions": 2, "notifications": 1, "handlings": 1, "alerts": 1, "messages": 2, "deliveries": 2}
    assert counts(old) == {**whole, "sessions": 0}
    assert deleted(old) == {**whole, "sessions": 0}
    assert {name for name, n in left(old).items() if n} == {"feed_run", "audit_entry"}
    with Session(old) as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        assert [one.detail["kind"] for one in entries] == [kind for kind in KINDS if kind in whole]
        assert all(one.by == "op" and one.detail["years"].keys() == {"2026"} for one in entries)
        assert not verify(session).broken
    assert sum(counts(old).values()) == 0


@pytest.mark.parametrize(
    ("why", "kinds"),
    [
        ("update alert set state = 'open', closed_as = null", {"notifications", "handlings", "alerts", "deliveries"}),
        ("update alert set changed_at = '2036-11-01'", {"alerts"}),
        ("update handling set ended_at = null, ended_why = null", {"handlings", "alerts"}),
        ("update notification set state = 'sent'", {"notifications", "alerts"}),
        ("update delivery set state = 'parked' where id like 'm%'", {"alerts"}),
        ("update notice set composed_into = null", {"alerts"}),
        ("delete from case_version where body is null", {"notifications", "alerts", "case_versions"}),
    ],
)
def test_what_is_open_awaited_or_still_in_a_feed_stays(old: Engine, why: str, kinds: set[str]) -> None:
    with old.begin() as connection:
        connection.execute(text(why))
    before = left(old)
    assert {kind for kind, n in counts(old).items() if kind in kinds and n} == set(), why
    deleted(old)
    after = left(old)
    assert after["alert"] == 1 and after["alert_event"] == 1 and after["notice"] == 1, why
    for table, kind in (
        ("handling", "handlings"),
        ("notification", "notifications"),
        ("case_version", "case_versions"),
    ):
        assert after[table] == (before[table] if kind in kinds else 0), (why, table)


def test_a_record_that_is_gone_from_the_feed_holds_no_alert_and_one_that_is_there_does(old: Engine) -> None:
    with Session(old) as session, session.begin():
        version(session, "HERE", LONG_AGO, body("care_period:L1", "care_period:L2"))
        version(session, "HERE", LONG_AGO + timedelta(days=9), body("care_period:L2"))
        reading(session, NOW, outcome="reading")
        there = alert(session, "HERE", LONG_AGO, record="care_period:L2")
        alert(session, "HERE", LONG_AGO, record="care_period:L1")
    deleted(old)
    with Session(old) as session:
        assert session.scalars(select(Alert.id)).all() == [there]
        assert [row.body for row in session.scalars(select(CaseVersion))] == [body("care_period:L2")]


def test_nothing_goes_of_a_child_that_is_held(old: Engine) -> None:
    held = Policy(POLICY.until, hold=(Child(frozenset({"NEW", "GONE"})),))
    assert sum(counts(old, held).values()) == 0
    before = left(old)
    deleted(old, held)
    assert left(old) == before


def test_a_kind_that_is_kept_for_ever_keeps_what_it_hangs_on(old: Engine) -> None:
    policy = Policy({kind: at for kind, at in POLICY.until.items() if kind != "handlings"})
    assert counts(old, policy) | {"messages": 0} == {
        "case_versions": 2, "notifications": 1, "handlings": 0, "alerts": 0, "messages": 0, "deliveries": 1,
        "sessions": 0,
    }  # fmt: skip
    deleted(old, policy)
    assert (left(old)["alert"], left(old)["notice"], left(old)["handling"]) == (1, 1, 1)


def test_words_go_before_the_history_and_never_of_what_may_be_sent(engine: Engine) -> None:
    states = ("due", "parked", "refused", "unknown", "standing_by", "delivered", "cancelled")
    with Session(engine) as session, session.begin():
        for state in states:
            delivery(session, f"d-{state}", LONG_AGO, state)
        delivery(session, "d-lately", LATELY)
    assert deleted(engine, Policy({"messages": POLICY.until["messages"]}))["messages"] == 2
    with Session(engine) as session:
        empty = set(session.scalars(select(Delivery.id).where(Delivery.message == b"")))
    assert empty == {"d-delivered", "d-cancelled"}
    deleted(engine)
    with Session(engine) as session:
        stay = {"d-due", "d-parked", "d-unknown", "d-standing_by", "d-lately"}
        assert set(session.scalars(select(Delivery.id))) == stay


def test_a_message_stays_while_what_stands_in_for_it_does(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        for id_, first, at in (("a", None, LONG_AGO), ("b", "a", LONG_AGO), ("c", "b", LATELY), ("x", None, LONG_AGO),
                               ("y", "x", LONG_AGO)):  # fmt: skip
            delivery(session, id_, at, **({"stands_in_for": first} if first else {}))
    deleted(engine)
    with Session(engine) as session:
        found = session.execute(select(Delivery.id, Delivery.stands_in_for).order_by(Delivery.id)).all()
    assert [tuple(row) for row in found] == [("a", None), ("b", "a"), ("c", "b")]


def test_sessions_that_are_over_go_and_a_token_in_use_stays(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        for subject, how, seen, ended in (
            ("ended", "link", LONG_AGO, LONG_AGO),
            ("forgotten", "oidc", LONG_AGO, None),
            ("ended lately", "link", LONG_AGO, LATELY),
            ("token", "token", LONG_AGO, None),
            ("today", "link", NOW, None),
        ):
            why = "signed out" if ended else None
            session.add(
                SignIn(
                    digest=subject, subject=subject, how=how, at=LONG_AGO, seen_at=seen, ended_at=ended, ended_why=why
                )
            )
    assert deleted(engine)["sessions"] == 2
    with Session(engine) as session:
        assert set(session.scalars(select(SignIn.subject))) == {"ended lately", "token", "today"}


def test_what_changed_since_it_was_looked_for_stays(old: Engine) -> None:
    with Session(old) as session:
        found = plan(session, POLICY)
    with Session(old) as session, session.begin():
        session.execute(update(Alert).values(state="open", closed_as=None, changed_at=NOW))
        session.execute(update(Handling).values(ended_at=None, ended_why=None))
        session.execute(update(Notification).values(state="ready"))
    done = delete_old(old, found, POLICY, NOW, by="op")
    assert (done["alerts"], done["handlings"], done["notifications"], done["deliveries"]) == (0, 0, 0, 0)
    assert left(old)["notice"] == 1


def test_one_that_is_stopped_half_way_has_done_what_its_audit_says(
    old: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stops(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(deletion._DELETE, "alerts", stops)
    with pytest.raises(KeyboardInterrupt):
        deleted(old)
    with Session(old) as session:
        kinds = [one.detail["kind"] for one in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert kinds == ["case_versions", "notifications", "handlings"] and left(old)["alert"] == 1
    monkeypatch.undo()
    assert deleted(old)["alerts"] == 1


def test_many_go_in_small_transactions(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "AT_ONCE", 3)
    with Session(engine) as session, session.begin():
        for n in range(8):
            version(session, "GONE", LONG_AGO + timedelta(days=n), body(f"care_period:L{n}"))
        version(session, "GONE", LONG_AGO + timedelta(days=9), None)
    assert deleted(engine)["case_versions"] == 9
    assert left(engine)["audit_entry"] == 3


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_what_is_deleted_cannot_be_read_in_the_file(engine: Engine, tmp_path: Path) -> None:
    with Session(engine) as session, session.begin():
        for n in range(50):
            delivery(session, f"d{n}", LONG_AGO)
        session.execute(update(Delivery).values(message=b"Zebedee Quill was there. " * 40))
    deleted(engine)
    engine.dispose()  # moves into the file what its log still holds
    assert b"Zebedee" not in b"".join(one.read_bytes() for one in tmp_path.glob("alertd.db*"))


def test_the_command_counts_and_deletes_only_when_told_to(
    here: Here, old: Engine, database_url: str, tmp_path: Path
) -> None:
    config = settings_at(tmp_path, database_url)
    before = left(old)
    with time_machine.travel(NOW, tick=False):
        said = here("retention", "--config", config)
        assert (said.code, said.err) == (0, "") and "Nothing was deleted" in said.out
        assert "2026: 2" in said.out and "GONE" not in said.out, "counts only"
        assert left(old) == before
        done = here("retention", "--config", config, "--delete", "--as", "op")
    assert done.code == 0 and "Deleted: case versions 2, notifications 1, messages 2, deliveries 1" in done.out, done
    assert left(old)["handling"] == 1, "what people said is kept for 75 years"
    config = settings_at(tmp_path, database_url, '[retention]\nhandlings = "6 years"\nhold = ["GONE"]\n')
    with time_machine.travel(NOW, tick=False):
        held = here("retention", "--config", config, "--delete")
    assert "Deleted: nothing" in held.out and "Nothing goes of 1 children" in held.out


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("6 winters", "is not a duration"),
        ("20 working days", "calendar days, weeks, months or years"),
        ("27 calendar days", "is too short"),
        ("0 months", "is too short"),
    ],
)
def test_lengths_that_cannot_be_are_refused_where_they_stand(here: Here, tmp_path: Path, value: str, why: str) -> None:
    config = settings_at(tmp_path, f"sqlite:///{tmp_path}/alertd.db", f'[retention]\nalerts = "{value}"\n')
    line = here("retention", "--config", config).one_line
    assert why in line and "retention.alerts" in line


def test_never_is_for_ever(tmp_path: Path) -> None:
    config = settings_at(tmp_path, "sqlite:///alertd.db", '[retention]\nalerts = "never"\n')
    assert load(config).retention.length("alerts") is None and load(config).retention.length("sessions") is not None
