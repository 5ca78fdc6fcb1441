"""``alertd check`` tries everything and does nothing; ``alertd run`` starts with nothing that is wrong."""

from __future__ import annotations

import re
import sqlite3
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trustme

from tests.support.cli import Done, Here, alertd, listing, write_return
from tests.support.settings_text import SETTINGS
from tests.support.smtp_server import SmtpServer

LOGIN = ("alertd", "s3cret")
ORDER = ["calendar", "rules", "people", "templates", "database", "feed", "e-mail", "backup"]


@pytest.fixture(scope="module")
def relay() -> Iterator[SmtpServer]:
    """A relay on this machine that behaves."""
    with SmtpServer() as server:
        yield server


@pytest.fixture
def config(tmp_path: Path, relay: SmtpServer) -> Path:
    """Settings of which nothing is wrong."""
    write_return(tmp_path / "return")
    columns = "id,name,email,role,team,deputy,away_from,away_to,leaves"
    (tmp_path / "people.csv").write_text(f"{columns}\nw1,Sam Field,sam@council.example,worker,t1,,,,\n")
    (tmp_path / "teams.csv").write_text("id,name,parent,inbox\nt1,Team One,,\n")
    path = tmp_path / "alertd.toml"
    relay_of = f'host = "localhost"\nport = {relay.port}\ntls = "none"\n'
    path.write_text(SETTINGS + relay_of)
    return path


def change(config: Path, old: str, new: str) -> None:
    text = config.read_text()
    assert text.count(old) == 1
    config.write_text(text.replace(old, new))


def failed(done: Done) -> dict[str, str]:
    """What failed and why; every check has one line, in order, and so has nothing else."""
    said: dict[str, str] = {}
    passed: list[str] = []
    for text, word, into in ((done.out, "ok  ", passed), (done.err, "FAIL", said)):
        for line in text.splitlines():
            first, _, rest = line.partition("  ")
            what, _, why = rest.strip().partition(": ")
            assert first.strip() == word.strip() and why, line
            if isinstance(into, dict):
                into[what] = why
            else:
                into.append(what)
    assert sorted([*said, *passed]) == sorted(ORDER)
    assert done.code == (2 if said else 0)
    return said


def test_all_is_well_and_nothing_is_made_or_sent(config: Path, here: Here, relay: SmtpServer) -> None:
    before, heard = listing(config.parent), len(relay.heard)
    done = here("check", "--config", config)
    assert failed(done) == {}
    assert re.search(r"feed: 3 children; \d+ rules wait for what it does not hold: \w+ \(\d+\), ", done.out)
    assert "database: not there yet, the first run makes it" in done.out
    assert "people: 1 people in 1 teams" in done.out
    assert "templates: 5 templates, in en and cy" in done.out
    assert listing(config.parent) == before
    assert relay.heard[heard:] == ["EHLO", "QUIT"]
    assert relay.taken == []


def test_everything_wrong_is_told_at_once_a_line_each(config: Path, here: Here) -> None:
    change(config, '"cp.visit.interval" = "10 working days"', "")
    change(config, 'url = "return"', 'url = "nowhere"')
    change(config, "[people]", '[database]\nurl = "sqlite:///nowhere/alertd.db"\n[people]')
    change(config, 'host = "localhost"', 'hots = "localhost"')
    said = failed(here("check", "--config", config))
    assert said.keys() == {"rules", "people", "database", "feed", "e-mail"}
    assert "the setting cp.visit.interval has no value" in said["rules"]
    assert '"cp.visit.interval" = "10 working days"' in said["rules"]
    assert said["people"].startswith("not tried: ")
    assert said["database"].startswith(f"{config.parent}/nowhere: the folder for the database does not exist")
    assert said["feed"].startswith(f"{config.parent}/nowhere: there is no such folder")
    assert said["e-mail"] == f"{config}:15: email.hots: is not a setting. Did you mean host?"
    assert not (config.parent / "nowhere").exists()


def test_a_fault_in_a_template_names_its_line(config: Path, here: Here) -> None:
    change(config, "[people]", '[templates]\nfolder = "words"\n[people]')
    (config.parent / "words").mkdir()
    (config.parent / "words" / "urgent.md.j2").write_text("{{ mail.subject }}\n{{ mail.child }}\n")
    said = failed(here("check", "--config", config))
    assert said.keys() == {"templates"}
    assert said["templates"].startswith(f"{config.parent}/words/urgent.md.j2:2: there is no 'child' of Urgent")


@pytest.mark.parametrize(
    ("people", "why"),
    [
        (None, "people.csv: there is no such file"),
        ("id,name\n", "people.csv:1"),
        ("w1,Sam Field,sam at council,worker,t1,,,,\n", "people.csv:2"),
        ("w1,Sam Field,sam@elsewhere.example,worker,t1,,,,\n", "people.csv:2"),
        ("w1,Sam Field,sam@council.example,worker,t9,,,,\n", "people.csv:2"),
    ],
)
def test_a_fault_in_the_staff_files_names_its_line(config: Path, here: Here, people: str | None, why: str) -> None:
    file = config.with_name("people.csv")
    heading = file.read_text().splitlines()[0]
    if people is None:
        file.unlink()
    else:
        file.write_text(people if people.startswith("id") else f"{heading}\n{people}")
    said = failed(here("check", "--config", config))
    assert said.keys() == {"people"}
    assert why in said["people"]


def test_workers_of_the_feed_whom_the_staff_files_do_not_know_are_counted(config: Path, here: Here, ssd: Path) -> None:
    change(config, 'kind = "ssda903"', 'kind = "ssd"')
    change(config, 'url = "return"', f'url = "sqlite:///{ssd / "authority.db"}"')
    change(config, 'allowed_domains = ["council.example"]', 'allowed_domains = ["la350.example"]')
    change(config, "duty@council.example", "duty@la350.example")
    for name in ("people.csv", "teams.csv"):
        config.with_name(name).write_text((ssd / name).read_text())
    done = here("check", "--config", config)
    assert failed(done) == {}
    match = re.search(
        r"children; (\d+) of (\d+) workers who hold children are in the staff files; \d+ rules wait", done.out
    )
    assert match and 0 < int(match[1]) <= int(match[2])
    people = config.with_name("people.csv")
    people.write_text(re.sub(r"\bW0", "X0", people.read_text()))
    said = failed(here("check", "--config", config))
    assert said.keys() == {"feed"}
    assert f"know none of the {match[2]} workers who hold children" in said["feed"]


def test_a_database_that_is_none_or_newer_is_refused(config: Path, here: Here) -> None:
    file = config.with_name("alertd.db")
    file.write_bytes(b"no database " * 100)
    assert "the file is not a database" in failed(here("check", "--config", config))["database"]
    assert file.read_bytes() == b"no database " * 100
    file.unlink()
    with closing(sqlite3.connect(file)) as database:
        database.execute("create table alembic_version (version_num)")
        database.execute("insert into alembic_version values ('9999')")
        database.commit()
    assert "the database is newer than this alertd" in failed(here("check", "--config", config))["database"]
    file.unlink()
    file.touch()  # made by hand, for its permissions
    assert failed(here("check", "--config", config)) == {}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def served(authority: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def by_tls(config: Path, server: SmtpServer, authority: trustme.CA, password: str) -> None:
    """Settings for a relay with TLS and a login."""
    authority.cert_pem.write_to_path(str(config.with_name("ca.pem")))
    secret = config.with_name("secret")
    secret.write_text(f"{password}\n")
    secret.chmod(0o600)
    text = config.read_text().partition("[email]")[0]
    config.write_text(f"""{text}[email]
host = "localhost"
port = {server.port}
sender = "alertd@council.example"
username = "alertd"
password_file = "secret"
ca_file = "ca.pem"
timeout_seconds = 5
""")


def test_the_relay_is_tried_with_tls_and_login(config: Path, here: Here, authority: trustme.CA) -> None:
    with SmtpServer(tls=served(authority), login=LOGIN) as server:
        by_tls(config, server, authority, LOGIN[1])
        done = here("check", "--config", config)
    assert failed(done) == {}
    assert "e-mail: localhost answers, with the security and the account asked for" in done.out
    assert server.heard == ["EHLO", "STARTTLS", "EHLO", "AUTH", "QUIT"]


def test_a_wrong_password_is_said_and_not_shown(config: Path, here: Here, authority: trustme.CA) -> None:
    with SmtpServer(tls=served(authority), login=LOGIN) as server:
        by_tls(config, server, authority, password="wr0ng")
        done = here("check", "--config", config)
    said = failed(done)
    assert said.keys() == {"e-mail"}
    assert "while logging in to the mail server, the server answered 535" in said["e-mail"]
    assert "wr0ng" not in done.out + done.err
    assert server.heard.count("AUTH") == 1


@pytest.mark.parametrize(
    ("offers", "name", "why"),
    [
        (False, "localhost", "TLS is required and the server does not offer it"),
        (True, "elsewhere.example", "the server's certificate was not accepted"),
    ],
)
def test_a_relay_without_the_tls_asked_for_is_refused_before_the_password(
    config: Path, here: Here, authority: trustme.CA, offers: bool, name: str, why: str
) -> None:
    with SmtpServer(tls=served(authority, name) if offers else None, login=LOGIN) as server:
        by_tls(config, server, authority, LOGIN[1])
        said = failed(here("check", "--config", config))
    assert why in said["e-mail"]
    assert "AUTH" not in server.heard


@pytest.mark.parametrize(
    ("behave", "why"),
    [
        ({"connect": "reply 554 go away"}, "while connecting to the mail server, the server answered 554"),
        ({"connect": "hang"}, "the server did not answer in time"),
        (None, "connection refused"),
    ],
)
def test_a_relay_that_is_down_is_said(
    config: Path, here: Here, monkeypatch: pytest.MonkeyPatch, behave: dict[str, str] | None, why: str
) -> None:
    with SmtpServer(behave or {}) as server:
        settings = {"ALERTD_EMAIL__PORT": str(server.port), "ALERTD_EMAIL__TIMEOUT_SECONDS": "0.3"}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        if behave is not None:
            said = failed(here("check", "--config", config))
    if behave is None:  # the server is gone
        said = failed(here("check", "--config", config))
    assert said.keys() == {"e-mail"}
    assert said["e-mail"].startswith(f"{config}:")
    assert why in said["e-mail"]


def test_run_refuses_what_is_wrong_before_it_makes_anything(config: Path) -> None:
    change(config, 'url = "return"', 'ulr = "return"')
    before = listing(config.parent)
    line = alertd("run", "--config", config).one_line
    assert line == f"{config}:3: feed.ulr: is not a setting. Did you mean url?"
    change(config, 'ulr = "return"', 'url = "return"')
    change(config, '"cp.visit.interval" = "10 working days"', "")
    assert "the setting cp.visit.interval has no value" in alertd("run", "--config", config).one_line
    change(config, "[rules.settings]", '[rules.settings]\n"cp.visit.interval" = "10 working days"')
    change(config, "[people]", '[database]\nurl = "sqlite:///nowhere/alertd.db"\n[people]')
    assert "the folder for the database does not exist" in alertd("run", "--config", config).one_line
    assert listing(config.parent).keys() == before.keys()


def test_no_settings_file_is_one_line(tmp_path: Path, here: Here) -> None:
    for command in ("run", "check"):
        assert here(command).one_line == f"Missing option '--config'. See: alertd {command} --help"
    assert "there is no such file" in here("check", "--config", tmp_path / "nowhere.toml").one_line
