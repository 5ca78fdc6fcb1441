"""``alertd check`` tries what is beside the channels too: the mailbox, the epoch file, the watchdog; and it refuses NHS
numbers as references."""

from __future__ import annotations

import json
import socket
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from alertd.cli.check import _references
from alertd.db.engine import revisions
from alertd.errors import InputError
from alertd.outbox import epoch
from alertd.watching.metrics import Metrics
from alertd.watching.serve import serve
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


def lines(here: Here, folder: Path, more: str, settings: str = SETTINGS) -> dict[str, str]:
    """What is said of each thing that is tried; e-mail fails here and is no matter."""
    (folder / "alertd.toml").write_text(settings + more)
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


def test_a_monitor_is_connected_to_and_asked_for_nothing(here: Here, folder: Path) -> None:
    """To ask for it would say that all is well."""
    (folder / "url").write_text("http://monitor.example/secret")
    (folder / "url").chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as monitor:
        with_url = f'[heartbeat]\nwork_url = "http://127.0.0.1:{monitor.getsockname()[1]}/secret"\n'
        assert lines(here, folder, with_url)["heartbeat"].startswith("work: can be reached, and asked for nothing")
        asking, _ = monitor.accept()
        with asking:
            assert asking.recv(100) == b"", "it hung up again"
    gone = lines(here, folder, with_url)["heartbeat"]
    assert "the monitor of work cannot be reached (" in gone and "secret" not in gone
    said = lines(here, folder, f'{with_url}url_file = "url"\n')["heartbeat"]
    assert "is not https" in said and "secret" not in said


def test_a_cluster_that_nobody_started_is_said(here: Here, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as scheduler:
        port = scheduler.getsockname()[1]
        more = f'[engine]\nexecutor = "dask://127.0.0.1:{port}"\n'
        assert lines(here, folder, more)["cluster"] == f"tcp://127.0.0.1:{port} can be reached"
    said = lines(here, folder, more)["cluster"]
    assert said.startswith(f"{folder}/alertd.toml:21: engine.executor: the cluster's scheduler cannot be reached (")


def test_a_port_is_free_or_alertds_already_or_somebody_elses(here: Here, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        more = f"[metrics]\nport = {port}\n"
        other.settimeout(0)  # it takes nobody, as a program that hangs
        said = lines(here, folder, more)["metrics"]
        assert said == (
            f"{folder}/alertd.toml:21: metrics.port: 127.0.0.1 port {port} is in use, and not by alertd. "
            "Choose another port, or end what listens there"
        )
    assert lines(here, folder, more)["metrics"] == f"127.0.0.1 port {port} is free"
    served = serve(Metrics().registry, "127.0.0.1", port)
    try:
        assert lines(here, folder, more)["metrics"] == f"127.0.0.1 port {port} is in use by alertd, which runs"
    finally:
        served.close()


def test_a_certificate_that_cannot_be_used_is_said_before_anybody_is_refused_by_it(here: Here, folder: Path) -> None:
    (folder / "cert.pem").write_text("no certificate")
    (folder / "key.pem").write_text("no key")
    said = lines(here, folder, '[metrics]\ncertfile = "cert.pem"\nkeyfile = "key.pem"\n')["metrics"]
    assert said.startswith(f"{folder}/cert.pem, {folder}/key.pem: cannot be used (SSLError). Give PEM files")


def test_the_folder_of_backups_can_be_written_to_or_made(here: Here, folder: Path) -> None:
    assert lines(here, folder, "")["backup"] == f"{folder}/backups is not there yet, and can be made"
    (folder / "backups").mkdir()
    assert lines(here, folder, "")["backup"] == f"{folder}/backups can be written to"
    said = lines(here, folder, '[backup]\nfolder = "people.csv"\n')["backup"]
    assert said == f"{folder}/alertd.toml:21: backup.folder: {folder}/people.csv is no folder. Name another"


def test_each_feed_is_tried_by_itself(here: Here, folder: Path) -> None:
    two = SETTINGS.replace("[feed]", '[[feed]]\nname = "gone"\nkind = "csv"\nurl = "nowhere"\n[[feed]]\nname = "whole"')
    said = lines(here, folder, "", two)
    assert said["feed gone"].startswith(f"{folder}/nowhere: ")
    assert said["feed whole"] == "3 children; what all feeds measure together shows when each can be read"


def test_the_version_of_the_database_is_said(here: Here, folder: Path) -> None:
    opened(f"sqlite:///{folder / 'alertd.db'}").dispose()
    assert lines(here, folder, "")["database"].startswith(f"can be opened, at version {revisions()[-1]}; without")
    with closing(sqlite3.connect(folder / "alertd.db")) as database:
        database.execute("update alembic_version set version_num = '0001'")
        database.commit()
    assert "at version 0001; alertd run brings it to" in lines(here, folder, "")["database"]


def test_a_policy_of_rules_that_do_not_exist_is_said(here: Here, folder: Path) -> None:
    (folder / "partners.yaml").write_text("send: [notify.nobody.knows]\n")
    assert "partners.yaml" in lines(here, folder, '[partners]\npolicy = "partners.yaml"\n')["partners"]
