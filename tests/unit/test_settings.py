"""Settings: what each wrong one says and where, the environment above the file, paths beside the file."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from alertd.bootstrap import channel_of
from alertd.errors import InputError
from alertd.settings import load

GOOD = """\
[feed]
kind = "ssd"
url = "sqlite:///authority.db"

[rules]
packs = ["england", "local/rules"]

[rules.settings]
"cp.visit.interval" = "10 working days"

[people]
people = "people.csv"
teams = "/etc/alertd/teams.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]

[schedule]
evaluate = [
    "06:30",
]
digest = "08:00"

[email]
host = "127.0.0.1"
tls = "none"
sender = "alertd@council.example"
"""


def write(folder: Path, text: str = GOOD) -> Path:
    path = folder / "alertd.toml"
    path.write_text(text, "utf-8")
    return path


def change(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (change("[people]", "[people"), ":11: is not TOML: Expected ']'"),
        (change('url = "sql', 'ulr = "sql'), ":3: feed.ulr: is not a setting. Did you mean url?"),
        (change("[schedule]", "[shedule]"), ":17: shedule: is not a setting. Did you mean schedule?"),
        ("colour = 1\n" + GOOD, ":1: colour: is not a setting"),
        (change('kind = "ssd"', ""), ":1: feed.kind: is missing. Add kind to [feed]"),
        (change('kind = "ssd"', 'kind = "annexa"'), ":2: feed.kind: is none of 'ssd', 'annex_a', 'cin_census'"),
        (change('kind = "ssd"', "max_loss = 0"), ":1: feed.kind: is missing"),
        (change('kind = "ssd"', 'kind = "ssd"\nmax_loss = 0'), ":3: feed.max_loss: must be more than 0"),
        (change('"10 working days"', "10"), ":9: rules.settings.cp.visit.interval: is not text. Put it in quotes"),
        (change('"06:30"', '"6.30"'), ":18: schedule.evaluate: is no time of day. Write it in quotes"),
        (change('"08:00"', '"25:00"'), ":21: schedule.digest: is no time of day. Write it in quotes"),
        (change('"08:00"', '"08:00Z"'), ":21: schedule.digest: a time of day is in Europe/London and takes no offset"),
        (change('["council.example"]', '"council.example"'), ":15: people.allowed_domains: is no list. Write it as ["),
        (GOOD[: GOOD.index("[email]")], ": [email]: is missing. Add the section"),
        (GOOD[GOOD.index("[rules]") :], ": [feed]: is missing. Add the section"),
        ("", ": [feed]: is missing"),
        ('feed = "x"\n' + GOOD[GOOD.index("[rules]") :], ":1: feed: is not a section: write [feed]"),
    ],
)
def test_each_kind_of_error_names_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError) as fault:
        load(path)
    assert str(fault.value).startswith(f"{path}{said}")
    assert "\n" not in str(fault.value)


SEVERAL = GOOD.replace("[feed]", '[[feed]]\nname = "ssd"', 1).replace(
    "[rules]", '[[feed]]\nkind = "csv"\nurl = "lists"\nname = "lists"\n\n[rules]', 1
)


def test_several_feeds_come_in_their_order(tmp_path: Path) -> None:
    settings = load(write(tmp_path, SEVERAL + '[precedence]\ncp_visit = ["lists"]\n'))
    assert [(feed.name, feed.kind) for feed in settings.feed] == [("ssd", "ssd"), ("lists", "csv")]
    assert settings.feed[1].url == str(tmp_path / "lists")
    assert settings.precedence == {"cp_visit": ("lists",)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SEVERAL.replace('url = "lists"', 'ulr = "lists"'), ":8: feed.1.ulr: is not a setting. Did you mean url?"),
        (SEVERAL.replace('name = "lists"', 'name = "ssd"'), ": feed: two feeds have the name 'ssd'"),
        (SEVERAL + '[precedence]\ncp_visits = ["ssd"]\n', ": precedence: 'cp_visits' is no kind of record. Did you"),
        (SEVERAL + '[precedence]\ncp_visit = ["cin"]\n', ": precedence: cp_visit: there is no feed 'cin'"),
        (
            SEVERAL.replace('name = "lists"', 'stale_after = "a while"'),
            ":9: feed.1.stale_after: 'a while' is not a dur",
        ),
    ],
)
def test_what_is_wrong_with_one_of_several_feeds_names_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError) as fault:
        load(path)
    assert said in str(fault.value)


def test_a_feed_refilled_each_night_is_stale_after_two_working_days_unless_it_is_small(tmp_path: Path) -> None:
    (feed,) = load(write(tmp_path, GOOD)).feed
    assert str(feed.stale(2000)) == "2 working days" and feed.stale(40) is None
    (feed,) = load(write(tmp_path, change('kind = "ssd"', 'kind = "ssd"\nstale_after = "30 hours"'))).feed
    assert str(feed.stale(40)) == "30 hours"
    (feed,) = load(write(tmp_path, change('kind = "ssd"', 'kind = "ssd"\nstale_after = "never"'))).feed
    assert feed.stale(2000) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (change("host =", "hots ="), ":24: email.hots: is not a setting. Did you mean host?"),
        (change('host = "127.0.0.1"', ""), ":23: email.host: is missing. Add host"),
        (change('"none"', '"non"'), ":25: email.tls: is none of 'starttls', 'implicit', 'none'. Did you mean none?"),
        (change("127.0.0.1", "relay.example"), ":23: email: tls = none is only for a relay on this machine"),
        (GOOD + 'username = "x"\n', ":23: email: username and a password go together"),
    ],
)
def test_a_channels_own_settings_name_their_line_too(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError) as fault:
        channel_of(load(path), "email")
    assert str(fault.value).startswith(f"{path}{said}")


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.toml: there is no such file"):
        load(tmp_path / "nowhere.toml")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        load(tmp_path)
    (tmp_path / "latin.toml").write_bytes('name = "Zoë"'.encode("latin-1"))
    with pytest.raises(InputError, match=r"latin\.toml: is not UTF-8 text"):
        load(tmp_path / "latin.toml")


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    assert load(write(tmp_path, "\ufeff" + GOOD)).feed[0].kind == "ssd"


def test_the_environment_stands_above_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERTD_FEED__URL", "postgresql://reader@db.example/cases")
    monkeypatch.setenv("alertd_schedule__evaluate", '["05:00", "12:00"]')
    monkeypatch.setenv("ALERTD_EMAIL__PORT", "2525")
    settings = load(write(tmp_path))
    assert settings.feed[0].url == "postgresql://reader@db.example/cases"
    assert settings.feed[0].kind == "ssd", "what the environment leaves alone stays as the file has it"
    assert settings.schedule.evaluate == (time(5), time(12))
    assert settings.email["port"] == "2525"
    assert channel_of(settings, "email")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ALERTD_FEED__ULR", "x", "ALERTD_FEED__ULR in the environment: is not a setting. Did you mean url?"),
        ("ALERTD_FEED__MAX_LOSS", "lots", "ALERTD_FEED__MAX_LOSS in the environment: is no number. Write it"),
        ("ALERTD_SCHEDULE__EVALUATE", '["x"]', "ALERTD_SCHEDULE__EVALUATE in the environment: is no time of day"),
        ("ALERTD_SCHEDULE__EVALUATE", "06:30", "ALERTD_SCHEDULE__EVALUATE in the environment: cannot be read. Write a"),
    ],
)
def test_a_wrong_variable_is_named_and_not_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError) as fault:
        load(write(tmp_path))
    assert str(fault.value).startswith(said)


def test_relative_paths_are_beside_the_file_and_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    path = write(tmp_path, GOOD + 'username = "alertd"\npassword_file = "secret"\nca_file = "/etc/ca.pem"\n')
    monkeypatch.chdir(tmp_path / "elsewhere")
    settings = load(Path("..") / path.name)
    assert settings.feed[0].url == f"sqlite:///{tmp_path}/authority.db"
    assert settings.database.url == f"sqlite:///{tmp_path}/alertd.db"
    assert settings.people.people == tmp_path / "people.csv"
    assert settings.people.teams == Path("/etc/alertd/teams.csv")
    assert settings.rules.packs == ("england", f"{tmp_path}/local/rules")
    assert (settings.email["password_file"], settings.email["ca_file"]) == (f"{tmp_path}/secret", "/etc/ca.pem")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("sqlite:////var/lib/authority.db", "sqlite:////var/lib/authority.db"),
        ("sqlite+pysqlite:///authority.db", "sqlite+pysqlite:///{here}/authority.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql+psycopg://user@host/name", "postgresql+psycopg://user@host/name"),
        ("mssql+pyodbc://user@host/name", "mssql+pyodbc://user@host/name"),
        ("returns/2018", "{here}/returns/2018"),
        ("/srv/returns", "/srv/returns"),
    ],
)
def test_only_paths_of_files_are_moved(tmp_path: Path, given: str, read: str) -> None:
    settings = load(write(tmp_path, change("sqlite:///authority.db", given)))
    assert settings.feed[0].url == read.format(here=tmp_path)


def test_secrets_are_never_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERTD_DATABASE__URL", "postgresql://alertd:hush@db.example/alertd")
    text = change("sqlite:///authority.db", "postgresql://reader:hush@db.example/cases")
    path = write(tmp_path, text + 'password = "hush"\nport = "hush"\n')
    settings = load(path)
    assert "hush" not in f"{settings!r} {settings}"
    with pytest.raises(InputError) as fault:
        channel_of(settings, "email")
    assert "email.port" in str(fault.value)
    assert "hush" not in str(fault.value)
    write(tmp_path, text.replace("[email]", "[other]") + '[email.password]\nx = "hush"\n')
    with pytest.raises(InputError) as fault:
        load(path)
    assert "hush" not in str(fault.value)
