"""What a monitor outside hears, and that one which hears nothing, or hangs, costs no work."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from prometheus_client import generate_latest
from pytest_httpserver import HTTPServer
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from alertd import daemon
from alertd.bootstrap import checks_of
from alertd.engine import sweep as sweeping
from alertd.errors import InputError
from alertd.settings import load
from alertd.settings.watching import unsafe
from alertd.watched import tell_that_work_moves
from alertd.watching.heartbeat import TRIES, Check, Heartbeats
from alertd.watching.metrics import Metrics
from alertd.watching.pulse import Bounds, Pulse
from tests.support.council import Council, Inline, council_at

SECRET = "5e6c1f0a"
FRIDAY = date(2026, 11, 27)


@pytest.fixture(scope="module")
def server() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1") as made:
        yield made


@pytest.fixture
def monitor(server: HTTPServer) -> Iterator[HTTPServer]:
    """Takes everything, unless a test says otherwise."""
    server.clear()
    yield server
    server.clear()


def _heard(monitor: HTTPServer) -> list[str]:
    return [request.path for request, _ in monitor.log]


def _beats(url: str, **more: Any) -> Heartbeats:
    checks = {"evaluation": Check(url, signals=True), "work": Check(f"{url}/work")}
    return Heartbeats(checks, log=structlog.get_logger(), sleep=lambda _: None, **more)


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, monitor: HTTPServer) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    monitor.expect_request("/").respond_with_data("OK")
    for signal in ("", "/start", "/fail"):
        monitor.expect_request(f"/ping/{SECRET}{signal}").respond_with_data("OK")
    made = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    made.house = replace(made.house, heartbeats=_beats(monitor.url_for(f"/ping/{SECRET}")))
    made.looked_after("C1")
    yield made
    made.house.engine.dispose()


def test_each_evaluation_is_heard_of_and_how_it_ended(
    council: Council, monitor: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon._evaluate(council.house, accept=False)
    council.sql("DELETE FROM ssd_person")
    daemon._evaluate(council.house, accept=False)

    def gone(*_: object, **__: object) -> None:
        raise OperationalError("select 1", {}, Exception("gone"))

    monkeypatch.setattr(daemon, "evaluate_once", gone)
    with pytest.raises(OperationalError):
        daemon._evaluate(council.house, accept=False)
    council.house.heartbeats.close()
    ping = f"/ping/{SECRET}"
    assert _heard(monitor) == [f"{ping}/start", ping, f"{ping}/start", f"{ping}/fail", f"{ping}/start", f"{ping}/fail"]
    text = generate_latest(council.house.metrics.registry).decode()
    for outcome in ("done", "refused", "failed"):
        assert f'alertd_evaluations_total{{outcome="{outcome}"}} 1.0' in text


def _closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/{SECRET}"


def _counted(metrics: Metrics) -> str:
    return generate_latest(metrics.registry).decode()


def test_one_that_is_away_is_tried_again_said_once_and_its_address_is_in_no_log() -> None:
    metrics = Metrics()
    beats = _beats(_closed_port(), metrics=metrics)
    with capture_logs() as logs:
        for _ in range(3):
            beats.send("work")
        beats.close()
    assert [(one["event"], one["check"], one["why"]) for one in logs] == [("heartbeat_failed", "work", "ConnectError")]
    assert SECRET not in str(logs)
    assert 'alertd_heartbeats_total{check="work",result="failed"} 3.0' in _counted(metrics)


def test_a_blip_raises_no_alarm_and_a_redirection_is_followed_by_nobody(monitor: HTTPServer) -> None:
    monitor.expect_ordered_request("/a/work").respond_with_data(status=503)
    monitor.expect_ordered_request("/a/work").respond_with_data("OK")
    with capture_logs() as logs:
        beats = _beats(monitor.url_for("/a"))
        beats.send("work")
        beats.close()
    assert (logs, _heard(monitor)) == ([], ["/a/work"] * 2)
    monitor.clear()
    monitor.expect_request("/b/work").respond_with_data(status=302, headers={"Location": monitor.url_for("/c")})
    with capture_logs() as logs:
        beats = _beats(monitor.url_for("/b"))
        beats.send("work")
        beats.close()
    assert [one["why"] for one in logs] == ["it answered 302"]
    assert _heard(monitor) == ["/b/work"] * TRIES


def test_one_that_takes_and_never_answers_holds_up_nobody() -> None:
    """Its backlog takes every connection, and nothing ever reads one."""
    metrics = Metrics()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        beats = _beats(f"http://127.0.0.1:{silent.getsockname()[1]}/x", metrics=metrics, timeout=0.05)
        with capture_logs() as logs:
            for _ in range(200):
                beats.send("evaluation")
            while "heartbeat_failed" not in {one["event"] for one in logs}:
                pass
            beats.close()
    assert logs[0]["why"] in ("TimeoutError", "ReadTimeout")
    assert 'result="left_out"' in _counted(metrics), "what waits is bounded"


def test_it_hears_of_work_only_while_work_moves(monitor: HTTPServer) -> None:
    monitor.expect_request("/m/work").respond_with_data("OK")
    now = 0.0
    pulse = Pulse(lambda: now)
    pulse.expect("compose", Bounds(60, 60))
    sent: list[str] = []
    house: Any = SimpleNamespace(pulse=pulse, heartbeats=SimpleNamespace(send=sent.append))

    async def turns(n: int) -> None:
        for _ in range(n):
            await asyncio.sleep(0.005)

    async def lives() -> None:
        nonlocal now
        telling = asyncio.create_task(tell_that_work_moves(house, 0.001))
        await turns(5)
        assert sent == [], "nothing has moved"
        pulse.begins("compose")
        pulse.ends("compose")
        await turns(5)
        assert sent == ["work"], "once for what moved"
        pulse.begins("compose")
        pulse.ends("compose", well=False)
        pulse.moves += 1  # something else moved
        await turns(5)
        assert sent == ["work"], "a loop cannot do its work"
        pulse.begins("compose")
        pulse.ends("compose")
        await turns(5)
        assert sent == ["work", "work"]
        now = 61
        pulse.moves += 1
        await turns(5)
        assert sent == ["work", "work"], "a loop is stuck"
        telling.cancel()

    asyncio.run(lives())


@pytest.mark.parametrize(
    ("check", "signal", "url"),
    [
        (Check("https://hc.example/ping/x"), "", "https://hc.example/ping/x"),
        (Check("https://hc.example/ping/x/"), "start", "https://hc.example/ping/x/start"),
        (
            Check("https://kuma.example/api/push/x?status=up&msg=OK"),
            "",
            "https://kuma.example/api/push/x?status=up&msg=OK",
        ),
        (Check("https://hc.example/ping/x?rid=1"), "fail", "https://hc.example/ping/x/fail?rid=1"),
        (Check("https://hc.example"), "", "https://hc.example/"),
    ],
)
def test_where_a_signal_goes(check: Check, signal: str, url: str) -> None:
    assert check.at(signal) == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://hc.example/x", ""),
        ("http://127.0.0.1:8000/x", ""),
        ("http://[::1]/x", ""),
        ("http://hc.example/x", "is not https"),
        ("http://127.0.0.1.hc.example/x", "is not https"),
        ("ftp://hc.example/x", "is no address"),
        ("hc.example/x", "is no address"),
        ("https://user:pass@hc.example/x", "holds a user or a password"),
        ("https://hc.example/x y", "is no address"),
        ("https://hc.example:port/x", "is no address"),
    ],
)
def test_only_https_or_this_machine_is_asked(url: str, why: str) -> None:
    assert unsafe(url).startswith(why) and bool(unsafe(url)) == bool(why)


SETTINGS = """\
[feed]
kind = "ssda903"
url = "return"
[people]
people = "people.csv"
teams = "teams.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]
[email]
host = "127.0.0.1"
[heartbeat]
"""


def test_the_address_may_be_in_a_file_that_only_alertd_reads(tmp_path: Path) -> None:
    config, secret = tmp_path / "alertd.toml", tmp_path / "url"
    config.write_text(f'{SETTINGS}url_file = "url"\nwork_url = "https://hc.example/{SECRET}"\n')
    secret.write_text("https://hc.example/x\n")
    secret.chmod(0o600)
    settings = load(config)
    assert checks_of(settings) == {
        "evaluation": Check("https://hc.example/x", signals=True),
        "work": Check(f"https://hc.example/{SECRET}"),
    }
    assert SECRET not in repr(settings)
    secret.chmod(0o644)
    with pytest.raises(InputError, match="open to every user"):
        checks_of(settings)
    secret.chmod(0o600)
    secret.write_text(f"http://hc.example/{SECRET}")
    with pytest.raises(InputError, match="is not https") as refused:
        checks_of(settings)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (f'url = "http://hc.example/{SECRET}"', "url is not https"),
        (f'url = "https://hc.example/{SECRET}"\nurl_file = "x"', "not both"),
        ("work_minutes = 5", "give url or work_url"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_without_the_secret(tmp_path: Path, said: str, why: str) -> None:
    (tmp_path / "alertd.toml").write_text(f"{SETTINGS}{said}\n")
    with pytest.raises(InputError, match=why) as refused:
        load(tmp_path / "alertd.toml")
    assert SECRET not in str(refused.value)
