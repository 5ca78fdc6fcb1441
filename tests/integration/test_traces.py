"""Traces say how long each piece of work took, and nothing of any child or person; without them nothing is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pytest_httpserver import HTTPServer

from alertd import daemon, synth
from alertd.bootstrap import traces_of
from alertd.cases.records import LONDON
from alertd.engine import sweep as sweeping
from alertd.errors import InputError
from alertd.settings import load
from alertd.synth.names import CANARY
from alertd.watching import traces as tracing
from alertd.watching.traces import SAID, Traces, traces_to
from tests.support.council import Council, Inline, council_at

THURSDAY = date(2026, 11, 26)


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    monkeypatch.setattr(Inline, "dies_on", "")
    found = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    found.feed.unlink()
    synth.make(found.feed, la="350", children=20, seed=1, as_of=THURSDAY)  # each name in it holds the canary
    yield found
    found.house.engine.dispose()


def traced(council: Council) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    council.house = replace(council.house, traces=Traces(exporter))
    council.now = datetime(2026, 11, 26, 8, 5, tzinfo=LONDON)
    return exporter


def spans(council: Council, exporter: InMemorySpanExporter) -> tuple[ReadableSpan, ...]:
    council.house.traces.close()
    return exporter.get_finished_spans()


def test_each_piece_of_work_is_one_span_with_ids_and_counts_and_nothing_of_any_child_or_person(
    council: Council,
) -> None:
    exporter = traced(council)
    done = daemon._evaluate(council.house, accept=False)
    council.send()
    found = spans(council, exporter)
    by_name = {span.name: dict(span.attributes or {}) for span in found}
    assert by_name.keys() == {"read feed", "evaluate", "compose", "send"}
    assert by_name["evaluate"]["alertd.children"] == done.children > 0
    assert by_name["read feed"]["alertd.feed"] == "feed"
    sent = [dict(span.attributes or {}) for span in found if span.name == "send"]
    assert len(sent) == len(council.mail.sent) > 0
    assert {one["alertd.result"] for one in sent} == {"delivered"}
    assert len({one["alertd.delivery"] for one in sent}) == len(sent)
    for span in found:
        assert {name.removeprefix("alertd.") for name in span.attributes or {}} <= SAID.keys()
        assert span.start_time and span.end_time and span.start_time <= span.end_time
    reading = next(span for span in found if span.name == "read feed")
    whole = next(span for span in found if span.name == "evaluate")
    assert reading.parent and whole.context and reading.parent.span_id == whole.context.span_id

    said = "\n".join(span.to_json() for span in found)
    directory, rules = council.house.composer.directory, council.house.rulebook.rules
    never = {value for p in directory.people.values() for value in (p.name, p.address)} | {rule.id for rule in rules}
    never |= {child for _, child, _, _ in council.alerts()} | {CANARY}
    assert len(never) > 15
    assert not [one for one in never if f'"{one}"' in said or (len(one) > 6 and one in said)]


def test_of_what_fails_only_the_type_is_said(council: Council, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = traced(council)

    def fails(*_: object, **__: object) -> None:
        raise ValueError(f"{CANARY} is not a date")

    monkeypatch.setattr(daemon, "evaluate_once", fails)
    with pytest.raises(ValueError, match=CANARY):
        daemon._evaluate(council.house, accept=False)
    (span,) = spans(council, exporter)
    assert dict(span.attributes or {}) == {"alertd.error": "ValueError"}
    assert CANARY not in span.to_json() and not span.events


def test_nothing_else_can_be_said() -> None:
    exporter = InMemorySpanExporter()
    traces = Traces(exporter)
    with pytest.raises(KeyError), traces.span("send", child="C1"):
        pass
    with pytest.raises(TypeError), traces.span("send", children="C1"):
        pass
    with pytest.raises(KeyError), Traces().span("send") as span:
        span.say(child="C1")  # not even where nobody would hear it
    traces.close()


def test_a_collector_is_told_with_its_headers(tmp_path: Path) -> None:
    (tmp_path / "headers").write_text("Authorization: Bearer hush\n")
    (tmp_path / "headers").chmod(0o600)
    with HTTPServer(host="127.0.0.1") as collector:
        collector.expect_request(
            "/v1/traces", method="POST", headers={"Authorization": "Bearer hush"}
        ).respond_with_data(b"", content_type="application/x-protobuf")
        settings = load(_config(tmp_path, f'endpoint = "{collector.url_for("/v1/traces")}"\nheaders_file = "headers"'))
        traces = traces_of(settings)
        traces.ended("send", 0.25, delivery="d1", channel="email", result="delivered")
        traces.close()
        ((request, _),) = collector.log
    (resource,) = ExportTraceServiceRequest.FromString(request.get_data()).resource_spans
    assert {one.key: one.value.string_value for one in resource.resource.attributes}["service.name"] == "alertd"
    assert {one.key for one in resource.resource.attributes} == {"service.name", "service.version"}
    (span,) = resource.scope_spans[0].spans
    assert (span.name, span.end_time_unix_nano - span.start_time_unix_nano) == ("send", 250_000_000)
    assert "hush" not in repr(settings)


def _config(folder: Path, traces: str) -> Path:
    (folder / "alertd.toml").write_text(f"""\
[feed]
kind = "csv"
url = "lists"
[people]
people = "people.csv"
teams = "teams.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]
[email]
host = "127.0.0.1"
[traces]
{traces}
""")
    return folder / "alertd.toml"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('endpoint = "http://collector.example/v1/traces"', "traces: endpoint is not https, and not on this machine"),
        ('endpoint = "collector"', "traces: endpoint is no address: write it as https://..."),
        ('endpoint = "https://c.example/"\nshare = 0', "traces.share: must be more than 0"),
        (
            'endpoint = "https://c.example/"\nheaders_file = "headers"',
            "headers: is not a header on each line. Write name",
        ),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, written: str, said: str) -> None:
    (tmp_path / "headers").write_text("hush")
    (tmp_path / "headers").chmod(0o600)
    with pytest.raises(InputError) as refused:
        traces_of(load(_config(tmp_path, written)))
    assert said in str(refused.value) and "hush" not in str(refused.value)


def test_where_the_extra_is_not_installed_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(InputError, match=r"needs packages that are not installed. Run: pip install 'alertd\[otel\]'"):
        traces_to("https://c.example/", headers={}, timeout=1, share=1)


def test_without_them_nothing_of_it_is_loaded() -> None:
    code = "import sys, json, alertd.daemon; print(json.dumps([m for m in sys.modules if 'opentelemetry' in m]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
    assert "opentelemetry" not in tracing.__dict__
