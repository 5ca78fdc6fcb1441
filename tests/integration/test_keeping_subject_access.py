"""``alertd subject-access``: all that is kept of one child and of no other, what to look at first, and that it is kept
in the audit."""

from __future__ import annotations

import inspect
import json
import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.audit.chain import record
from alertd.cases.kinds import KINDS
from alertd.db.access_tables import AuditEntry, EmergencyAccess
from alertd.db.base import Base
from alertd.db.engine import open_engine
from alertd.db.tables import DeliveryAlert
from alertd.engine import sweep as sweeping
from alertd.keeping import subject_access
from alertd.keeping.look_first import OF_KINDS
from alertd.keeping.subject_access import Child
from alertd.keeping.subject_page import _shown
from tests.support.cli import Here
from tests.support.council import Inline
from tests.support.everybody import CANARY, HIDDEN, OTHER, OWN, Everybody, everybody_at
from tests.support.keeping import settings_at

pytest_plugins = ["tests.support.databases"]
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def everybody(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Everybody]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = everybody_at(tmp_path, database_url)
    with Session(found.house.engine) as session, session.begin():
        both = {"children": [OWN, OTHER, HIDDEN]}
        record(session, NOW, by="M1", what="saw list", detail=both)
        record(session, NOW, by="W1", what="saw child", child=OWN, why="worker")
        record(session, NOW, by="W3", what="saw child", child=OTHER, why="worker")
        for child in (OWN, OTHER):
            why = f"asked by {CANARY[child]}"
            session.add(EmergencyAccess(person="W2", child=child, reason=why, at=NOW, until=NOW))
    yield found
    found.house.engine.dispose()


@pytest.fixture
def config(everybody: Everybody, database_url: str, tmp_path: Path) -> Path:
    return settings_at(tmp_path, database_url)


def asked(here: Here, config: Path, child: str = OWN) -> tuple[dict[str, Any], str]:
    to = ("--to", config.parent / "given", "--reason", "SAR 12", "--as", "op")
    done = here("subject-access", child, "--config", config, *to)
    assert (done.code, done.err) == (0, ""), done
    page = (config.parent / "given.html").read_text()
    return json.loads((config.parent / "given.json").read_text()), page


def test_all_that_is_kept_of_the_child_is_there_and_nothing_said_of_another(
    here: Here, config: Path, everybody: Everybody
) -> None:
    found, page = asked(here, config)
    counts = {name: len(found[name]) for name in ("cases", "alerts", "notifications", "emergency_access", "audit")}
    assert counts == {"cases": 1, "alerts": 3, "notifications": 1, "emergency_access": 1, "audit": 2}
    kinds = {one["kind"] for one in found["cases"][0]["records"]}
    assert kinds == {"child", "care_period", "legal_status", "allocation", "cla_review", "need"}
    assert everybody.told[OWN] in {one["id"] for one in found["messages"]}
    assert found["notifications"][0]["reference"] == everybody.notified[OWN]
    assert len([said for alert in found["alerts"] for said in alert["said"]]) == 1
    text = json.dumps(found)
    assert text.count(CANARY[OWN]) >= 4, "record, claim, hold, emergency"
    for other in (OTHER, HIDDEN):
        assert CANARY[other] not in text + page
    for word in (CANARY[OWN], everybody.notified[OWN], "Fri 30 Oct 2026", "First looked-after review", "Ade Worker"):
        assert word in page, word
    assert [one["what"] for one in found["audit"]] == ["saw list", "saw child"]
    assert found["audit"][0]["detail"] == {"children": 3}, "who else was on the list is not this child's"


def test_the_first_page_says_what_to_look_at_before_it_is_given_out(here: Here, config: Path) -> None:
    found, page = asked(here, config)
    first = page.partition("</section>")[0]
    assert "Before anything of this is given out" in first and "serious harm" in first
    for one in found["look_first"]:
        assert one["what"].split(".")[0].split("'")[0] in first
    people = next(one for one in found["look_first"] if one["what"].startswith("People and agencies"))
    assert any(line.startswith("Ade Worker (W1): ") and "case files 1, messages 1" in line for line in people["where"])
    assert any("agency:reviewers" in line for line in people["where"])
    [free] = [one for one in found["look_first"] if "wrote freely" in one["what"]]
    assert [line.partition(" ")[0] for line in free["where"]] == ["alert", "notification", "notification", "emergency"]
    assert not any("Somebody is not to hear" in one["what"] for one in found["look_first"])


def test_a_message_that_tells_of_other_children_is_pointed_out(here: Here, config: Path, everybody: Everybody) -> None:
    with Session(everybody.house.engine) as session, session.begin():
        session.add(
            DeliveryAlert(
                delivery_id=everybody.told[OWN], alert_id=everybody.alerts[OTHER], kind="told", role="worker", how=""
            )
        )
    found, page = asked(here, config)
    [one] = [one for one in found["look_first"] if one["what"].startswith("Messages that tell of other children")]
    assert f"message {everybody.told[OWN]}, other children: 1" in one["where"]
    assert "Tells of other children too: 1" in page


def test_somebody_who_must_not_hear_of_the_child_is_asked_after_first(here: Here, config: Path) -> None:
    (config.parent / "restrictions.csv").write_text("child,only,never,reason,until\nKID-OWN,,W1,the stepfather,\n")
    config.write_text(config.read_text().replace("[email]", 'restrictions = "restrictions.csv"\n[email]'))
    found, page = asked(here, config)
    assert "Somebody is not to hear of this child" in found["look_first"][0]["what"]
    assert "stepfather" not in page, "the reason is not in it"


def test_it_is_for_one_pair_of_eyes_and_stands_in_the_audit(here: Here, config: Path, everybody: Everybody) -> None:
    asked(here, config)
    assert {stat.S_IMODE((config.parent / f"given{end}").stat().st_mode) for end in (".html", ".json")} == {0o600}
    with Session(everybody.house.engine) as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert last is not None
        assert (last.by, last.what, last.child, last.why) == ("op", "subject access", OWN, "SAR 12")
        assert last.detail["alerts"] == 3
    again = here("subject-access", OWN, "--config", config, "--to", config.parent / "given.html", "--reason", "x")
    assert "there is a file of that name" in again.one_line


def test_numbers_that_were_merged_into_it_are_the_childs_too(here: Here, config: Path) -> None:
    (config.parent / "merged.csv").write_text(f"old,new\n{OWN},KID-NEW\n")
    config.write_text('[authority]\nmerged_numbers = "merged.csv"\n' + config.read_text())
    found, page = asked(here, config, "KID-NEW")
    assert len(found["alerts"]) == 3 and found["cases"][0]["number"] == OWN
    assert f"once known as {OWN}" in page


def test_another_authoritys_number_is_another_child() -> None:
    both = Child(frozenset({"7", "941/8"}), {"theirs": "941"})
    assert (both.called("ours"), both.called("theirs")) == (frozenset({"7", "941/8"}), frozenset({"8"}))


def test_nothing_of_a_child_nobody_knows_and_no_file_where_none_can_be(
    here: Here, config: Path, everybody: Everybody, database_url: str
) -> None:
    to = ("--config", config, "--reason", "SAR", "--to")
    assert "nothing is kept" in here("subject-access", "NOBODY", *to, config.parent / "none").one_line
    assert "cannot be written" in here("subject-access", OWN, *to, config.parent / "gone" / "x").one_line
    assert (
        "a reason is needed"
        in here("subject-access", OWN, "--config", config, "--reason", " ", "--to", config.parent / "x").one_line
    )
    assert not list(config.parent.glob(".alertd-part*"))
    engine = open_engine(database_url)
    with Session(engine) as session:
        assert "subject access" not in set(session.scalars(select(AuditEntry.what)))
    engine.dispose()


def test_what_is_written_by_people_is_no_markup(here: Here, config: Path, everybody: Everybody) -> None:
    with Session(everybody.house.engine) as session, session.begin():
        row = session.scalars(select(EmergencyAccess).where(EmergencyAccess.child == OWN)).one()
        row.reason = "<script>alert(1)</script>"
    _, page = asked(here, config)
    assert "&lt;script&gt;" in page and not re.search("<script", page)


def test_only_days_become_days_in_words() -> None:
    assert [_shown(one) for one in ("2026-11-27", "20261127", "2026-W48-1", True, "2026-13-45")] == [
        "Fri 27 Nov 2026", "20261127", "2026-W48-1", "yes", "2026-13-45",
    ]  # fmt: skip
    assert _shown("2026-11-27T12:00:00+00:00") == "Fri 27 Nov 2026 12:00"


def test_the_kinds_that_are_asked_after_exist() -> None:
    assert {kind for _, _, kinds in OF_KINDS for kind in kinds} <= KINDS.keys()


def test_no_table_is_forgotten_by_subject_access() -> None:
    """Whoever adds a table says here whether it tells of a child, and then gathers it."""
    gathered = {
        *("alert", "alert_event", "handling", "notice", "delivery", "delivery_alert", "delivery_event"),
        *("delivery_receipt", "notification", "notification_event", "case_version", "feed_run", "emergency_access"),
        *("audit_entry", "agenda"),
    }
    of_no_child = {"agenda_mark", "leader", "link", "outbox_epoch", "sign_in", "silence", "subscription"}
    assert set(Base.metadata.tables) == gathered | of_no_child
    read = inspect.getsource(subject_access)
    names = {mapper.local_table.name: mapper.class_.__name__ for mapper in Base.registry.mappers}
    assert [table for table in gathered if f"{names[table]}." not in read and f"{names[table]}," not in read] == []
