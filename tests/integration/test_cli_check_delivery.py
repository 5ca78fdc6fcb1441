"""``alertd check`` tries what is beside the channels too: the mailbox, the epoch file, the watchdog; and it refuses NHS
numbers as references."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from alertd.cli.daemon import _references
from alertd.errors import InputError
from alertd.outbox import epoch
from tests.support.cli import Done, Here, write_return
from tests.support.databases import opened

SETTINGS = """\
[feed]
kind = "ssda903"
url = "return"
[rules.settings]
"cp.visit.interval" = "10 working days"
[people]
people = "people.csv"
teams = "teams.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]
[database]
url = "sqlite:///alertd.db"
[email]
host = "127.0.0.1"
port = 1
tls = "none"
sender = "alertd@council.example"
[channels.file]
folder = "drop"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_return(tmp_path / "return")
    columns = "id,name,email,role,team,deputy,away_from,away_to,leaves"
    (tmp_path / "people.csv").write_text(f"{columns}\nw1,Sam Field,sam@council.example,worker,t1,,,,\n")
    (tmp_path / "teams.csv").write_text("id,name,parent,inbox\nt1,Team One,,\n")
    (tmp_path / "drop").mkdir()
    return tmp_path


def lines(here: Here, folder: Path, more: str) -> dict[str, str]:
    """What is said of each thing that is tried; e-mail fails here and is no matter."""
    (folder / "alertd.toml").write_text(SETTINGS + more)
    done: Done = here("check", "--config", folder / "alertd.toml")
    assert done.code == 2
    said = (line[6:].partition(": ") for line in (done.out + done.err).splitlines())
    return {what: why for what, _, why in said if what != "e-mail"}


def test_where_nothing_is_set_nothing_is_tried(here: Here, folder: Path) -> None:
    assert not {"mailbox", "epoch", "watchdog"} & lines(here, folder, "").keys()


def test_a_mailbox_that_is_none_is_said(here: Here, folder: Path) -> None:
    more = '[mailbox]\nmaildir = "box"\n'
    assert "box" in lines(here, folder, more)["mailbox"]
    for part in ("cur", "new", "tmp"):
        (folder / "box" / part).mkdir(parents=True)
    assert lines(here, folder, more)["mailbox"] == "can be opened"


def test_the_epoch_file_is_looked_at(here: Here, folder: Path) -> None:
    more = '[outbox]\nepoch = "elsewhere/epoch"\n'
    said = lines(here, folder, more)
    assert "the epoch file cannot be written" in said["epoch"]
    (folder / "elsewhere").mkdir()
    assert lines(here, folder, more)["epoch"] == "not there yet, the first message makes it"
    engine = opened(f"sqlite:///{folder / 'alertd.db'}")
    file = folder / "elsewhere" / "epoch"
    epoch.count_up(engine, file, datetime(2026, 11, 23, 9, tzinfo=UTC), lambda: str(uuid4()))
    said = lines(here, folder, more)
    assert said["epoch"] == "the database is as far as the file"
    assert "nobody notices" not in said["database"]
    file.write_text(json.dumps(json.loads(file.read_text()) | {"number": 7}))
    assert "nothing is sent: this database is older than what was sent" in lines(here, folder, more)["epoch"]
    file.write_text("{")
    assert "the epoch file is damaged" in lines(here, folder, more)["epoch"]
    assert "without [outbox] epoch nobody notices that it was restored" in lines(here, folder, "")["database"]
    engine.dispose()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('address = "eye@council.example"', "by email; alertd watchdog --now tries the whole road"),
        ('address = "eye@council.example"\nchannel = "file"', "by file; alertd watchdog --now tries the whole road"),
        ('address = "x"\nchannel = "fil"', "alertd.toml:22: watchdog.channel: there is no channel 'fil'. Did you mean"),
        ('address = "eye at council"', "alertd.toml:21: watchdog.address: "),
    ],
)
def test_the_watchdog_must_have_a_channel_and_an_address_of_it(here: Here, folder: Path, more: str, said: str) -> None:
    assert said in lines(here, folder, f"[watchdog]\n{more}\n")["watchdog"]


def test_a_feed_that_knows_children_by_their_nhs_number_is_refused(here: Here, folder: Path) -> None:
    numbers = {"101": "9434765919", "102": "9434765870", "103": "103"}  # of the range kept for tests

    def with_numbers(file: Path) -> None:
        text = file.read_text()
        for old, new in numbers.items():
            text = text.replace(f"\n{old},", f"\n{new},")
        file.write_text(text)

    for file in (folder / "return").iterdir():
        with_numbers(file)
    said = lines(here, folder, "")["feed"]
    assert "2 of the 3 references of children are NHS numbers" in said and "return" in said
    assert "9434765919" not in said


def test_numbers_of_ten_digits_are_no_nhs_numbers_for_that() -> None:
    of_ten_digits = [str(1_000_000_000 + n) for n in range(1000)]
    _references("feed", of_ten_digits)
    _references("feed", [])
    with pytest.raises(InputError, match="Let the feed give the case system's own number"):
        _references("feed", ["9434765919"])


def test_a_heartbeats_address_is_looked_at_and_not_asked_for(here: Here, folder: Path) -> None:
    """To ask for it would say that all is well."""
    (folder / "url").write_text("http://monitor.example/secret")
    (folder / "url").chmod(0o600)
    with_url = '[heartbeat]\nwork_url = "https://monitor.invalid/secret"\n'
    assert lines(here, folder, with_url)["heartbeat"].startswith("work: can be asked for")
    said = lines(here, folder, f'{with_url}url_file = "url"\n')["heartbeat"]
    assert "is not https" in said and "secret" not in said
