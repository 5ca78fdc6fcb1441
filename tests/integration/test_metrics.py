"""What Prometheus is told: of a council's day, of a database that is gone, and by whoever asks at the port."""

from __future__ import annotations

import json
import re
import shutil
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import date, time, timedelta
from pathlib import Path
from threading import Event

import pytest
import trustme
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from alertd import gauges
from alertd.bootstrap import House
from alertd.engine import sweep as sweeping
from alertd.errors import InputError
from alertd.gauges import Gauges
from alertd.watched import expect_loops
from alertd.watching.catalogue import BY_NAME, LABELS, METRICS
from alertd.watching.page import page
from alertd.watching.serve import serve
from tests.support.council import Council, Inline, council_at

ROOT = Path(__file__).parents[2]
FRIDAY = date(2026, 11, 27)

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    """A child whose first review is due on Friday, and another whose worker's mailbox is gone."""
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    made = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    made.looked_after("C1")
    made.looked_after("C2", worker="W2")
    made.mail.refuses = "bo"
    yield made
    made.house.engine.dispose()


def _figures(text: str) -> Figures:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("alertd_")
    }


def _asked(council: Council) -> Figures:
    """Everything, as at a first asking: what was read before is forgotten."""
    registry = council.house.metrics.registry
    made = Gauges(council.house)
    registry.register(made)
    try:
        return _figures(generate_latest(registry).decode())
    finally:
        registry.unregister(made)


def test_which_daemon_leads_is_seen_and_one_that_leads_no_more_shows_nothing_old(council: Council) -> None:
    expect_loops(council.house)
    council.day(FRIDAY)
    lead, metrics = council.house.leading, council.house.metrics
    assert _value(_asked(council), "alertd_leads") == 0
    lead.turn(council.house.engine, council.house.clock())
    metrics.odd({"due_not_tried": 2})
    metrics.held(3)
    found = _asked(council)
    assert _value(found, "alertd_leads") == 1
    assert _value(found, "alertd_leads_since_timestamp_seconds") == council.house.clock().timestamp()
    lead.close()
    metrics.leads_no_more()
    found = _asked(council)
    assert _value(found, "alertd_leads") == _value(found, "alertd_messages_held") == 0
    assert not [name for name, _ in found if name == "alertd_odd"]


def _value(figures: Figures, name: str, **labels: str) -> float:
    return figures[name, frozenset(labels.items())]


def test_a_day_of_a_council_is_counted(council: Council) -> None:
    expect_loops(council.house)
    council.day(FRIDAY)
    found = _asked(council)
    assert _value(found, "alertd_database_up") == 1
    assert _value(found, "alertd_feed_children", feed="feed") == 2
    assert _value(found, "alertd_feed_refused", feed="feed") == 0
    assert _value(found, "alertd_feed_stale", feed="feed") == 0
    assert _value(found, "alertd_alerts_open", stage="due", told="yes") == 2
    assert _value(found, "alertd_attempts_total", channel="email", result="delivered") == len(council.mail.sent) > 0
    assert _value(found, "alertd_attempts_total", channel="email", result="refused") == 1
    assert _value(found, "alertd_accepted_seconds_count", channel="email") == len(council.mail.sent)
    assert _value(found, "alertd_deliveries", channel="email", state="due") == 0
    assert _value(found, "alertd_oldest_due_seconds", channel="email") == 0
    assert _value(found, "alertd_loop_stuck", loop="send") == 0


def test_every_metric_of_the_list_is_there_and_no_other(council: Council) -> None:
    council.day(FRIDAY)
    registry = council.house.metrics.registry
    registry.register(Gauges(council.house))
    names = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in registry.collect()
        if family.name.startswith("alertd_")
    }
    assert names == set(BY_NAME) - {"alertd_watchdog_delivered_timestamp_seconds"}  # no [watchdog] is set here


def test_what_waits_and_what_is_refused_is_told(council: Council) -> None:
    council.day(FRIDAY)
    council.sql("DELETE FROM ssd_person")
    council.evaluate(date(2026, 11, 30))
    council.now += timedelta(hours=4)
    found = _asked(council)
    assert _value(found, "alertd_feed_refused", feed="feed") == 1
    due = _value(found, "alertd_deliveries", channel="email", state="due")
    assert due > 0, "the data owner is told of the feed"
    assert _value(found, "alertd_oldest_due_seconds", channel="email") == 4 * 3600
    council.send(time(11))
    assert _value(_asked(council), "alertd_deliveries", channel="email", state="due") == 0


def test_a_database_that_is_gone_leaves_no_old_figures(council: Council) -> None:
    council.day(FRIDAY)
    at = 0.0
    made = Gauges(council.house, now=lambda: at)
    council.house.metrics.registry.register(made)
    before = _figures(generate_latest(council.house.metrics.registry).decode())
    assert ("alertd_alerts_open", frozenset({("stage", "due"), ("told", "yes")})) in before
    with council.house.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE delivery RENAME TO gone")
    assert _figures(generate_latest(council.house.metrics.registry).decode()) == before, "kept for a while"
    at = gauges.KEPT + 1
    after = _figures(generate_latest(council.house.metrics.registry).decode())
    assert _value(after, "alertd_database_up") == 0
    assert not [name for name, _ in after if name == "alertd_alerts_open"]
    assert _value(after, "alertd_attempts_total", channel="email", result="refused") == 1


def test_a_database_that_hangs_holds_up_nobody_and_leaves_no_old_figures(
    council: Council, monkeypatch: pytest.MonkeyPatch
) -> None:
    council.day(FRIDAY)
    at = 0.0
    made = Gauges(council.house, now=lambda: at)
    council.house.metrics.registry.register(made)
    assert _value(_figures(generate_latest(council.house.metrics.registry).decode()), "alertd_database_up") == 1
    answers, reads, really = Event(), [], gauges.standing

    def hangs(house: House) -> gauges.Figures:
        reads.append(house)
        assert answers.wait(60)
        return really(house)

    monkeypatch.setattr(gauges, "standing", hangs)
    monkeypatch.setattr(gauges, "PATIENCE", 0.05)
    at = gauges.KEPT + 1
    for _ in range(3):
        found = _figures(generate_latest(council.house.metrics.registry).decode())
        assert _value(found, "alertd_database_up") == 0
        assert not [name for name, _ in found if name == "alertd_alerts_open"]
    assert len(reads) == 1, "nobody asks a second time while the first waits"
    monkeypatch.setattr(gauges, "PATIENCE", 60)
    answers.set()
    assert _value(_figures(generate_latest(council.house.metrics.registry).decode()), "alertd_database_up") == 1


def test_it_is_served_at_its_path_and_nowhere_else(council: Council) -> None:
    served = serve(council.house.metrics.registry, "127.0.0.1", 0)
    try:
        address = f"http://127.0.0.1:{served.port}"
        with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:  # noqa: S310
            assert "alertd_build_info" in answer.read().decode()
        with pytest.raises(urllib.error.HTTPError) as gone:
            urllib.request.urlopen(f"{address}/", timeout=10)  # noqa: S310
        assert gone.value.code == 404
        gone.value.close()
        with pytest.raises(InputError, match="cannot be listened on"):
            serve(council.house.metrics.registry, "127.0.0.1", served.port)
    finally:
        served.close()
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", served.port), timeout=10):
        pass


@pytest.mark.parametrize("sealed", [False, True])
def test_one_that_connects_and_says_nothing_keeps_nobody_from_asking(
    council: Council, tmp_path: Path, sealed: bool
) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    for n, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(tmp_path / "cert.pem", append=bool(n))
    files = {"certfile": tmp_path / "cert.pem", "keyfile": tmp_path / "key.pem"} if sealed else {}
    served = serve(council.house.metrics.registry, "127.0.0.1", 0, **files)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    try:
        with socket.create_connection(("127.0.0.1", served.port)), socket.create_connection(("127.0.0.1", served.port)):
            address = f"http{'s' if sealed else ''}://127.0.0.1:{served.port}/metrics"
            with urllib.request.urlopen(address, timeout=30, context=context if sealed else None) as answer:  # noqa: S310
                assert "alertd_build_info" in answer.read().decode()
    finally:
        served.close()


def test_a_certificate_that_is_none_is_refused(council: Council, tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    both = {"certfile": tmp_path / "cert.pem", "keyfile": tmp_path / "cert.pem"}
    with pytest.raises(InputError, match="cannot be used"):
        serve(council.house.metrics.registry, "127.0.0.1", 0, **both)


def test_the_page_is_in_step_with_the_code() -> None:
    kept = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    assert kept == page(), "docs/metrics.md is old. Run: alertd metrics > docs/metrics.md"


def test_names_follow_the_conventions() -> None:
    for one in METRICS:
        assert one.name.startswith("alertd_")
        assert (one.kind == "counter") == one.name.endswith("_total"), one.name
        assert not re.search(r"_(minutes|hours|ms|milliseconds)\b", one.name)
        assert set(one.labels) <= set(LABELS), one.name
    assert not set(LABELS) & {"child", "person", "worker", "team", "rule", "address", "agency"}
    assert set(LABELS) == {label for one in METRICS for label in one.labels}


def _expressions() -> list[str]:
    alerts = yaml.safe_load((ROOT / "config" / "prometheus-alerts.yaml").read_text("utf-8"))
    board = json.loads((ROOT / "config" / "grafana.json").read_text("utf-8"))
    return [
        *(rule["expr"] for group in alerts["groups"] for rule in group["rules"]),
        *(target["expr"] for panel in board["panels"] for target in panel["targets"]),
    ]


@pytest.mark.parametrize("expression", _expressions())
def test_the_examples_name_only_what_there_is(expression: str) -> None:
    for name, matchers in re.findall(r"(alertd_\w+)(?:\{([^}]*)\})?", expression):
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        metric = BY_NAME.get(name) or BY_NAME[base]
        assert (metric.kind == "histogram") == (name != metric.name), name
        assert set(re.findall(r"(\w+)\s*(?:=~|!=|=)", matchers)) <= set(metric.labels), expression
    labels = {label for by in re.findall(r"by \(([^)]*)\)", expression) for label in re.split(r",\s*", by)}
    names = re.findall(r"alertd_\w+", expression)
    known = {label for name in names for one in METRICS if name.startswith(one.name) for label in one.labels}
    assert labels <= known | {"le"}, expression
    assert expression.count("(") == expression.count(")")


def test_prometheus_itself_takes_the_examples() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    file = ROOT / "config" / "prometheus-alerts.yaml"
    assert subprocess.run([promtool, "check", "rules", file], check=False).returncode == 0
