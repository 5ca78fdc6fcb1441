"""What alertd sent as a record: only once everybody has it, on the day the last of them had."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from alertd.cases import packed as on_its_way
from alertd.cases.records import Record, Snapshot, Window, case_file, make_record
from alertd.db.partner_tables import Notification, NotificationEvent
from alertd.db.tables import Alert
from alertd.partners.notices import NOTICE, measurable_with, sent_notices, with_notices
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.load import load_rulebook
from tests.support.databases import opened

BOOK = load_rulebook([builtin_pack("england")], settings={"cp.visit.interval": "10 working days"})
Row = tuple[str, int | None, int | None]
"""State, and the days of November on which it was sent and acknowledged. A withdrawn one is "refused" by a person,
"taken back" by alertd, or "replaced" by the one before it, of the same kind."""


def at(day: int | None) -> datetime | None:
    return datetime(2026, 11, day, 9, tzinfo=UTC) if day else None


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    found = opened(f"sqlite:///{tmp_path / 'alertd.db'}")
    yield found
    found.dispose()


def kept(engine: Engine, *rows: Row, receipt: str = "routine", merged: dict[str, str] | None = None) -> Record | None:
    """The record of an alert with these notifications; None where there is none."""
    with Session(engine) as session, session.begin() as whole:
        alert = Alert(rule="notify.n5", child="C1", record="care_period:L1", occurrence="start", state="open",
                      stage="due", level=0, finding={}, muted="", opened_at=at(1), changed_at=at(1))  # fmt: skip
        session.add(alert)
        session.flush()
        for n, (state, sent, acknowledged) in enumerate(rows):
            kind = f"k{n - 1}" if state == "replaced" else f"k{n}"
            by = "W1" if state == "refused" else "alertd"
            state = "withdrawn" if state in ("refused", "taken back", "replaced") else state
            row = Notification(alert_id=alert.id, kind=kind, agency=f"a{n}", reference=f"R{n}", receipt=receipt,
                               state=state, created_at=at(1), sent_at=at(sent),
                               acknowledged_at=at(acknowledged))  # fmt: skip
            session.add(row)
            session.flush()
            session.add(NotificationEvent(notification_id=row.id, at=at(1), by=by, to_state=state, why=""))
        session.flush()
        found = sent_notices(session, merged or {})
        whole.rollback()
    assert len(found) <= 1
    return next(iter(found.values()))[0] if found else None


@pytest.mark.parametrize(
    ("rows", "happened", "acknowledged"),
    [
        ([("sent", 3, None)], 3, None),
        ([("sent", 3, None), ("sent", 5, None)], 5, None),
        ([("sent", 3, None), ("held", None, None)], None, None),
        ([("sent", 3, None), ("awaiting_approval", None, None)], None, None),
        ([("sent", 3, None), ("ready", None, None)], None, None),
        ([("sent", 3, None), ("refused", None, None)], 3, None),
        ([("sent", 3, None), ("taken back", None, None)], None, None),
        ([("sent", 3, None), ("replaced", None, None)], 3, None),
        ([("refused", None, None)], None, None),
        ([("acknowledged", 3, 4), ("sent", 3, None)], 3, None),
        ([("acknowledged", 3, 4), ("acknowledged", 5, 9)], 5, 9),
        ([("acknowledged", 3, 4), ("refused", None, None)], 3, 4),
    ],
)
def test_it_is_a_record_once_everybody_has_it(
    engine: Engine, rows: list[Row], happened: int | None, acknowledged: int | None
) -> None:
    record = kept(engine, *rows)
    assert (record.day("happened") if record else None) == (date(2026, 11, happened) if happened else None)
    assert (record.day("acknowledged") if record else None) == (date(2026, 11, acknowledged) if acknowledged else None)


def test_it_says_what_it_is_about_and_is_the_merged_childs(engine: Engine) -> None:
    record = kept(engine, ("sent", 3, None), receipt="urgent", merged={"C1": "C9"})
    assert record and record.kind == NOTICE and record.child == "C9"
    assert (record.get("notice"), record.get("about"), record.get("urgent")) == ("notify.n5", "L1", True)
    assert not record.doubts and record.where == "alertd notification R0"


def test_it_stands_beside_what_the_feeds_say_and_the_other_children_are_as_they_were() -> None:
    cases = [case_file(c, [make_record("care_period", c, "L1", "x", {}), make_record("child", c, "c", "x", {})],
                       Window(), of_kinds={}) for c in ("C1", "C2")]  # fmt: skip
    fed = frozenset({"care_period", "child"})
    snapshot = Snapshot("s", cases, fed, Window(), {})
    notice = make_record(NOTICE, "C1", "alertd-1", "alertd", {"notice": "notify.n5"})
    joined = with_notices(snapshot, {"C1": (notice,)}, ("notify.n5",), fed)
    handed_on = on_its_way.packed(joined.cases, slice(0, 2))
    assert handed_on[1] is cases[1]
    for first in (joined.cases[0], next(iter(joined.cases)), joined.cases[0:1][0], on_its_way.opened(handed_on[0])):
        assert [r.kind for r in first.records] == [NOTICE, "care_period", "child"]
    assert joined.cases[1] is cases[1] and len(joined.cases) == 2
    assert joined.holds == fed | {NOTICE}


def test_where_no_feed_holds_notices_only_what_alertd_sends_can_be_measured() -> None:
    fed = frozenset({"care_period", "child", "missing", "placement"})
    snapshot = with_notices(Snapshot("s", (), fed, Window(), {}), {}, ("notify.n5",), fed)
    able, unable = measurable_with(BOOK, snapshot, ("notify.n5",), fed)
    on = {rule.id for rule in able.enabled}
    assert {"notify.n5", "notify.receipt.urgent", "notify.receipt.routine"} <= on
    assert not on & {"notify.n11", "notify.n1.emergency"}
    assert {"notify.n11", "notify.n1.emergency"} <= {finding.rule for finding in unable}
    both = fed | {NOTICE}
    with_feed = with_notices(Snapshot("s", (), both, Window(), {}), {}, ("notify.n5",), both)
    able, _ = measurable_with(BOOK, with_feed, ("notify.n5",), both)
    assert {"notify.n11", "notify.n1.emergency", "notify.n5"} <= {rule.id for rule in able.enabled}
    refused_today = with_notices(Snapshot("s", (), fed, Window(), {}), {}, ("notify.n5",), both)
    assert NOTICE not in refused_today.holds  # its feed holds notices and said nothing: nobody may say there are none
