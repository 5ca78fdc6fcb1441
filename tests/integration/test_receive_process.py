"""``alertd receive`` as a process: over TLS, killed in the middle, and set up from the command line."""

from __future__ import annotations

import itertools
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import trustme
from pydantic import ValidationError

from alertd.settings.receive import Receive
from alertd.web.tokens import add_token
from tests.support.cli import Here, alertd
from tests.unit.sources.csc_api_payloads import child, read_all

PATH = "/children_social_care_data/350/children"
_SERVE = """
import sys
from alertd import log
from alertd.errors import InputError
from alertd.web.serve import serve
from alertd.settings.receive import Receive
log.configure()
try:
    serve(Receive.model_validate_json(sys.argv[1]))
except InputError as error:
    sys.exit(f"alertd: {error}")
"""

pytestmark = pytest.mark.slow


def start(settings: Receive) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _SERVE, settings.model_dump_json()]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextmanager
def receiving(settings: Receive) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process, and the port it listens on."""
    process = start(settings)
    try:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        yield process, port
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def settings(tmp_path: Path) -> Receive:
    return Receive(inbox=tmp_path / "inbox", la_code=350, tokens_file=tmp_path / "tokens", port=0, per_minute=100_000)


@pytest.fixture
def token(settings: Receive) -> str:
    return add_token(settings.tokens_file, "supplier")


def post(client: httpx.Client, token: str, number: int) -> httpx.Response:
    return client.post(PATH, json=[child(id_=f"C{number}")], headers={"authorization": f"Bearer {token}"})


def test_what_was_acknowledged_before_a_kill_is_all_there(settings: Receive, token: str) -> None:
    numbers = itertools.count()
    for _ in range(3):
        acknowledged: list[int] = []
        with receiving(settings) as (process, port):

            def deliver(url: str, taken: list[int]) -> None:
                with httpx.Client(base_url=url) as client:
                    for number in numbers:
                        try:
                            if post(client, token, number).status_code != 200:
                                return
                        except httpx.TransportError:
                            return
                        taken.append(number)

            url = f"http://127.0.0.1:{port}"
            senders = [threading.Thread(target=deliver, args=(url, acknowledged)) for _ in range(4)]
            for sender in senders:
                sender.start()
            until = time.monotonic() + 20
            while len(acknowledged) < 25 and time.monotonic() < until:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            for sender in senders:
                sender.join()
        there = {case.child for case in read_all(settings.inbox).cases}
        assert acknowledged and {f"C{number}" for number in acknowledged} <= there


def test_over_tls_it_answers_to_a_client_that_checks_the_certificate(
    settings: Receive, token: str, tmp_path: Path
) -> None:
    authority = trustme.CA()
    made = authority.issue_cert("127.0.0.1")
    made.private_key_pem.write_to_path(tmp_path / "key.pem")
    for part in made.cert_chain_pems:
        part.write_to_path(tmp_path / "cert.pem", append=True)
    files = {"certfile": tmp_path / "cert.pem", "keyfile": tmp_path / "key.pem"}
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with receiving(settings.model_copy(update=files)) as (process, port):
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=context) as client:
            answer = post(client, token, 1)
            assert answer.status_code == 200 and "server" not in answer.headers
            assert client.get("/health").json() == {"receiving": True}
        process.terminate()
        assert process.wait(20) in (0, -signal.SIGTERM)


def test_one_process_receives_for_an_inbox_and_what_a_crash_left_half_written_is_removed(
    settings: Receive, token: str
) -> None:
    settings.inbox.mkdir()
    (settings.inbox / ".20261128T063000000000Z-x.json.part").write_text("[{")
    with receiving(settings):
        assert os.listdir(settings.inbox) == [".receiving"]
        second = start(settings)
        assert "another alertd receives here" in second.communicate(timeout=30)[1]


def test_it_says_on_one_line_what_it_cannot_use(settings: Receive, token: str, tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    bad = {"certfile": tmp_path / "bad.pem", "keyfile": tmp_path / "bad.pem"}
    none = {"certfile": tmp_path / "none.pem", "keyfile": tmp_path / "none.pem"}
    tries = {
        "not a certificate": settings.model_copy(update=bad),
        "No such file": settings.model_copy(update=none),
        "there is no such file": settings.model_copy(update={"tokens_file": tmp_path / "none"}),
        "cannot be used": settings.model_copy(update={"inbox": tmp_path / "tokens"}),
        "cannot be listened on": settings.model_copy(update={"host": "192.0.2.1", "behind_proxy": True}),
    }
    running = {}
    for number, (why, wrong) in enumerate(tries.items()):  # each with an inbox of its own: they run side by side
        own = {} if why == "cannot be used" else {"inbox": tmp_path / f"inbox{number}"}
        running[why] = start(wrong.model_copy(update=own))
    ended = {why: (process, process.communicate(timeout=60)[1]) for why, process in running.items()}
    for why, (process, err) in ended.items():
        assert process.returncode and why in err and err.count("\n") == 1, (why, err)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "alertd.example.gov.uk", ""])  # noqa: S104
def test_other_machines_reach_it_over_tls_alone_or_through_a_proxy_that_is_declared(host: str, tmp_path: Path) -> None:
    given = {"inbox": tmp_path, "la_code": 350, "tokens_file": tmp_path / "tokens", "host": host}
    with pytest.raises(ValidationError, match="needs certfile and keyfile"):
        Receive.model_validate(given)
    with pytest.raises(ValidationError, match="go together"):
        Receive.model_validate(given | {"certfile": tmp_path / "cert.pem"})
    assert Receive.model_validate(given | {"behind_proxy": True})
    assert Receive.model_validate(given | {"certfile": tmp_path / "cert.pem", "keyfile": tmp_path / "key.pem"})
    for loopback in ("127.0.0.1", "::1", "localhost"):
        assert Receive.model_validate(given | {"host": loopback})


def test_paths_are_beside_the_settings_file(tmp_path: Path) -> None:
    made = Receive(inbox=Path("in"), la_code=350, tokens_file=Path("/etc/tokens")).beside(tmp_path)
    assert (made.inbox, made.tokens_file, made.certfile) == (tmp_path / "in", Path("/etc/tokens"), None)


def test_the_command_line_makes_a_token_once(tmp_path: Path, here: Here) -> None:
    for name in ("people", "teams"):
        (tmp_path / f"{name}.csv").write_text("")
    (tmp_path / "alertd.toml").write_text(_TOML)
    config = tmp_path / "alertd.toml"
    done = alertd("receive", "token", "supplier", "--config", config)
    assert done.code == 0 and len(done.out.strip()) == 43
    assert done.out.strip() not in (tmp_path / "tokens").read_text()
    assert "has a token" in here("receive", "token", "supplier", "--config", config).one_line
    assert "there are no settings" in here("receive").one_line
    config.write_text(_TOML.replace("[receive]", "[receive]\nhost = '0.0.0.0'"))
    assert "needs certfile and keyfile" in here("receive", "--config", config).one_line
    config.write_text(_TOML.split("[receive]")[0])
    assert "there is no section [receive]" in here("receive", "--config", config).one_line


_TOML = """
[feed]
kind = "csc_api"
url = "inbox"
[people]
people = "people.csv"
teams = "teams.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]
[email]
[receive]
inbox = "inbox"
la_code = 350
tokens_file = "tokens"
"""
