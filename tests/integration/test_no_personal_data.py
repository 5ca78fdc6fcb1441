"""No name of a child gets out: the demo's road on an authority whose every cell may hold one.

The synthetic authority marks each name of a child or parent with ``CANARY``. Here it also stands in
the cells alertd does read, as when somebody types a name into a date or a code.
"""

from __future__ import annotations

import email
import email.policy
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from pytest_httpserver import HTTPServer
from sqlalchemy import create_engine, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool
from structlog.testing import capture_logs

from alertd import daemon, synth
from alertd.cases.records import LONDON, Snapshot, Window
from alertd.cases.sources import cells as v
from alertd.cases.sources import ssd, ssda903
from alertd.cases.sources.ssd_tables import TABLES
from alertd.cli.output import Format, write_findings
from alertd.db.base import Base
from alertd.db.tables import Alert, Delivery
from alertd.engine import sweep as sweeping
from alertd.engine.evaluate import Evaluator, measurable
from alertd.engine.explain import explain, lines
from alertd.engine.sweep import sweep
from alertd.errors import InputError
from alertd.gauges import Gauges
from alertd.intake.bodies import rejects_of, unpack
from alertd.synth.names import CANARY
from alertd.watched import expect_loops
from alertd.watching.heartbeat import Check, Heartbeats
from tests.support.council import ALL_RULES, Council, Inline, council_at

pytest_plugins = ["tests.support.databases"]

SECRET = f"{CANARY}brux {CANARY}vlim"
THURSDAY = date(2026, 11, 26)
NOON = datetime.combine(THURSDAY, time(12), LONDON)
_EVERY = 6
"""One cell in so many holds the name, never two columns of a row in step."""


def _write_names_into(feed: Path) -> None:
    """Into every column that is read, but for the keys: those are how a child or worker is named to staff."""
    with create_engine(f"sqlite:///{feed}", poolclass=NullPool).begin() as connection:
        for table in TABLES:
            idents = {column for column, read in table.fields.values() if read in (v.ident, v.reference)}
            keys = {table.key, table.person, *(column for column, _ in table.routes)} | idents
            for n, column in enumerate(c for c in table.columns if c not in keys):
                connection.execute(
                    text(f"UPDATE ssd_{table.name} SET {column} = :name WHERE (rowid + :n) % {_EVERY} = 0"),
                    {"name": SECRET, "n": n},
                )


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Two working days and then a feed that is refused, with all that was logged meanwhile."""
    patch = pytest.MonkeyPatch()
    patch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    folder = tmp_path_factory.mktemp("road")
    council = council_at(folder, f"sqlite:///{folder / 'alertd.db'}", ALL_RULES)
    council.feed.unlink()
    synth.make(council.feed, la="350", children=60, seed=1, as_of=THURSDAY)
    _write_names_into(council.feed)
    with capture_logs() as logs:
        council.day(THURSDAY)
        snapshot = ssd.read(str(council.feed), as_of=council.now)
        council.day(date(2026, 11, 27))
        council.sql("DELETE FROM ssd_person")
        council.evaluate(date(2026, 11, 30))
        council.send(time(9))
        watched = _watched(council)
    yield SimpleNamespace(council=council, snapshot=snapshot, logs=logs, **watched)
    council.house.engine.dispose()
    patch.undo()


def _watched(council: Council) -> dict[str, str]:
    """What those who watch are told of the same days: metrics, a heartbeat's requests, systemd's status."""
    with HTTPServer(host="127.0.0.1") as monitor:
        monitor.expect_request(re.compile("/ping")).respond_with_data("OK")
        beats = Heartbeats({"evaluation": Check(monitor.url_for("/ping"), signals=True)}, log=council.house.log)
        house = replace(council.house, heartbeats=beats)
        daemon._evaluate(house, accept=False)  # refused
        beats.close()
        requests = "".join(f"{one.method} {one.url} {one.headers}{one.get_data()!r}\n" for one, _ in monitor.log)
    expect_loops(house)
    house.pulse.begins("evaluate")
    house.metrics.registry.register(Gauges(house))
    return {
        "requests": requests,
        "metrics": generate_latest(house.metrics.registry).decode(),
        "status": f"{house.pulse}",
    }


@pytest.mark.fault("F84")
def test_no_name_is_in_what_those_who_watch_are_told(road: SimpleNamespace) -> None:
    assert road.requests.count("/ping") == 2 and "/ping/fail" in road.requests
    assert "evaluate works since" in road.status
    assert re.search(r'alertd_feed_children\{feed="feed"\} [1-9]', road.metrics)
    assert re.search(r'alertd_attempts_total\{channel="email",result="delivered"\} [1-9]', road.metrics)
    assert CANARY not in road.requests + road.metrics + road.status


@pytest.mark.fault("F84")
def test_no_label_of_a_metric_is_a_child_a_person_a_team_or_a_rule(road: SimpleNamespace) -> None:
    """Whoever reads the metrics has signed in nowhere."""
    house = road.council.house
    directory = house.composer.directory
    people = {value for p in directory.people.values() for value in (p.id, p.name, p.address)}
    never = {case.child for case in road.snapshot.cases} | people | set(directory.teams)
    never |= {rule.id for rule in house.rulebook.rules}
    assert len(never) > 100
    labels = {
        value
        for family in text_string_to_metric_families(road.metrics)
        for sample in family.samples
        for value in sample.labels.values()
    }
    assert "email" in labels
    assert not labels & never


def test_the_feed_does_hold_names(road: SimpleNamespace) -> None:
    doubts = sum(len(record.doubts) for case in road.snapshot.cases for record in case.records)
    assert doubts > 100
    assert SECRET in {
        value for case in road.snapshot.cases for record in case.records for value in record.values.values()
    }


@pytest.mark.fault("F84")
def test_no_name_is_in_the_logs(road: SimpleNamespace) -> None:
    assert {"evaluated", "composed", "dispatched", "feed_refused"} <= {entry["event"] for entry in road.logs}
    assert CANARY not in json.dumps(road.logs, default=str)


def test_no_name_is_in_the_database(road: SimpleNamespace) -> None:
    council: Council = road.council
    rows = 0
    with council.house.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                rows += 1
                assert CANARY not in repr({**row, "body": None}), table.name
                if row.get("body"):
                    assert CANARY not in repr(_but_for_the_values(row["child"], row["body"]))
    assert rows > 300


def _but_for_the_values(child: str, body: bytes) -> object:
    """A case file without what its fields hold: that is the feed's own word, kept here and nowhere else."""
    case = unpack(child, body, Window())
    return [replace(record, values={}) for record in case.records], rejects_of(body)


def test_no_name_is_in_a_message(road: SimpleNamespace) -> None:
    council: Council = road.council
    with Session(council.house.engine) as session:
        messages = [
            email.message_from_bytes(raw, EmailMessage, policy=email.policy.default)
            for raw in session.scalars(select(Delivery.message))
        ]
    assert len(messages) > 3
    for message in messages:
        parts = [part.get_content() for part in message.walk() if not part.is_multipart()]
        assert len(parts) == 2
        assert CANARY not in "\n".join([*map(str, message.values()), *parts])


def test_no_name_is_in_what_is_printed_about_findings(
    road: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    council: Council = road.council
    snapshot: Snapshot = road.snapshot
    book, calendar = council.house.rulebook, council.house.calendar
    findings = sweep(snapshot, book, council.now, workers=1).findings
    told = [f for f in findings if f.cannot_tell and f.cannot_tell.cause == "unreadable"]
    assert len(told) > 10
    for form in Format:
        write_findings(findings, form)
    evaluator = Evaluator.of(measurable(book, snapshot.holds, snapshot.lacks)[0])
    for case in snapshot.cases[:4]:
        true_of_it = evaluator.evaluate(case, council.now)
        for rule in book.rules:
            explained = explain(rule, book, calendar, case, true_of_it, (), council.now)
            print(*lines(explained), json.dumps(explained.as_json()))
    print(snapshot.source, snapshot.counts, snapshot.notes, snapshot.rejects)
    printed = capsys.readouterr()
    assert "cannot tell" in printed.out
    assert CANARY not in printed.out + printed.err


def test_no_name_is_in_what_is_said_of_a_return(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "CHILD,DECOM,RNE,LS,PLACE,DEC,REC\n"
        + "C1,01/05/2018,S,C2,U1,,\n" * 40
        + f"C2,{SECRET},S,C2,U1,,\nC3,01/05/2018,{SECRET},{SECRET},{SECRET},{SECRET},{SECRET}\n{SECRET},{SECRET}\n"
    )
    (tmp_path / "b.csv").write_text(f"CHILD,REVIEW\n,{SECRET}\n")
    with pytest.raises(InputError) as refused:
        ssda903.read(tmp_path)
    assert CANARY not in str(refused.value)
    (tmp_path / "b.csv").unlink()
    snapshot = ssda903.read(tmp_path)
    assert len(snapshot.rejects) == 2
    doubts = [doubt.why for case in snapshot.cases for record in case.records for doubt in record.doubts]
    assert doubts
    assert CANARY not in repr((snapshot.rejects, snapshot.notes, doubts))


def test_no_value_is_in_the_error_of_a_statement_that_failed(road: SimpleNamespace) -> None:
    with pytest.raises(IntegrityError) as fault, Session(road.council.house.engine) as session:
        session.execute(insert(Alert), {"rule": "r", "child": SECRET})
    assert CANARY not in str(fault.value)


@pytest.mark.slow
def test_no_value_is_in_the_error_of_a_view_that_cannot_convert_one(postgres_server: str) -> None:
    engine = create_engine(postgres_server.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA odd"))
        connection.execute(
            text("CREATE TABLE odd.raw AS SELECT 'P1' AS pers_person_id, :name AS born"), {"name": SECRET}
        )
        connection.execute(
            text("CREATE VIEW odd.ssd_person AS SELECT pers_person_id, born::timestamp AS pers_dob FROM odd.raw")
        )
    try:
        with pytest.raises(InputError, match="cannot be read") as refused:
            ssd.read(engine.url.render_as_string(hide_password=False), as_of=NOON, schema="odd")
        assert CANARY not in str(refused.value)
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA odd CASCADE"))
