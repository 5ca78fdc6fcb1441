"""``alertd evaluate``: what it prints, what it leaves alone, and one line for what it cannot use."""

from __future__ import annotations

import csv
import io
import json
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from alertd.cli.output import Format, write_findings
from alertd.engine.findings import Finding
from tests.support.cli import AS_OF, RETURN, Here, alertd, listing, write_return

DAY = ("--as-of", AS_OF.isoformat())
YEAR_END = ("--as-of", "2019-03-31")
KEYS = {"rule", "child", "record", "occurrence", "stage", "start", "due", "met", "binding"}


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A folder that will be closed to writing."""
    folder = tmp_path / "locked"
    folder.mkdir()
    yield folder
    folder.chmod(0o755)


def test_json_lines_of_a_return_hold_the_contract_and_nothing_is_written(locked: Path) -> None:
    write_return(locked)
    locked.chmod(0o555)
    before = listing(locked)
    done = alertd("evaluate", "--source", f"ssda903:{locked}", *YEAR_END, "--all", "--format", "jsonl", bound=True)
    assert done.code == 0
    assert listing(locked) == before
    found = [json.loads(line) for line in done.out.splitlines()]
    assert all(row.keys() >= KEYS for row in found)
    identities = [(row["rule"], row["child"], row["record"], row["occurrence"]) for row in found]
    assert identities == sorted(set(identities))
    stages = {(row["rule"], row["child"]): row for row in found}
    late = stages["cla.review.second", "101"]
    assert (late["stage"], late["start"], late["due"], late["met"]) == ("overdue", "2018-10-22", "2019-01-22", None)
    assert (late["record"], late["occurrence"], late["binding"]) == (
        "care_period:2018-10-01",
        "2018-10-22",
        "statutory",
    )
    met = stages["cla.review.first", "102"]
    assert (met["stage"], met["met"]) == ("met", "2018-05-20")
    for row in found:
        for name in ("start", "due", "met"):
            assert row[name] is None or date.fromisoformat(row[name])
    assert "3 children read" in done.err


OVER_OTHERS = """\
pack: local.example
edition: "none"
rules:
  - id: local.review
    title: Local review
    why: Somebody must ask.
    law: {cite: Local policy, confidence: P}
    for: care_period
    clock: {from: start, within: 20 working days}
    until: {record: cla_review}
    clears: A review is recorded.
    warn: D20
    escalate: L1
  - id: local.pressed
    title: Something is late
    why: Somebody must ask.
    law: {cite: Local policy, confidence: P}
    for: child
    others: {rules: ["local.review"], stages: [overdue]}
    clears: Nothing is late.
    escalate: L1
"""


def test_one_rule_that_looks_at_others_is_told_of_them_though_it_alone_is_shown(tmp_path: Path, here: Here) -> None:
    pack = tmp_path / "local.yaml"
    pack.write_text(OVER_OTHERS)
    folder = write_return(tmp_path / "return", reviews="CHILD,DOB,REVIEW,REVIEW_CODE\n102,03/02/2012,20/05/2018,PN1\n")
    run = ("--source", f"ssda903:{folder}", *YEAR_END, "--rules", str(pack), "--format", "jsonl")
    rules = [json.loads(line)["rule"] for line in here("evaluate", *run).out.splitlines()]
    assert rules.count("local.pressed") > 0 and rules.count("local.review") > 0
    one = [json.loads(line)["rule"] for line in here("evaluate", *run, "--rule", "local.pressed").out.splitlines()]
    assert one == ["local.pressed"] * rules.count("local.pressed")


def test_a_wrong_date_is_never_overdue_but_names_its_line(tmp_path: Path, here: Here) -> None:
    wrong = "CHILD,DOB,REVIEW,REVIEW_CODE\n101,03/02/2010,10/22/2018,PN1\n102,03/02/2012,20/05/2018,PN1\n"
    folder = write_return(tmp_path / "return", reviews=wrong)
    run = ("--rule", "cla.review.first", "--rule", "cla.review.second", "--format", "jsonl")
    done = here("evaluate", "--source", f"ssda903:{folder}", *YEAR_END, *run)
    found = {(row["child"], row["stage"]): row for row in map(json.loads, done.out.splitlines())}
    assert found.keys() == {("101", "unknown"), ("103", "upcoming")}
    assert found["101", "unknown"]["cannot_tell"]["where"] == "2018-reviews.csv:2"


def test_without_all_only_what_asks_for_action_is_printed_and_csv_says_the_same(tmp_path: Path, here: Here) -> None:
    source = f"ssda903:{write_return(tmp_path / 'return')}"
    rules = ("--rule", "cla.review.second", "--rule", "cla.review.first")
    done = here(
        "evaluate", "--source", source, *YEAR_END, *rules, "--format", "csv", "--window", "2018-04-01:2019-03-31"
    )
    assert done.code == 0
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert rows[0].keys() >= KEYS
    assert [(row["rule"], row["child"], row["stage"]) for row in rows] == [
        ("cla.review.first", "103", "upcoming"),
        ("cla.review.second", "101", "overdue"),
    ]


def test_a_piped_table_is_whole_and_plain(tmp_path: Path) -> None:
    source = f"ssda903:{write_return(tmp_path / 'return')}"
    done = alertd("evaluate", "--source", source, *YEAR_END, env={"TERM": "xterm-256color", "COLUMNS": "80"})
    assert done.code == 0
    (line,) = [line for line in done.out.splitlines() if "cla.review.second" in line]
    for part in ("101", "care_period:2018-10-01", "overdue", "Tue 22 Jan 2019", "statutory", "starts.csv:2"):
        assert part in line
    assert "\x1b" not in done.out + done.err
    assert not [line for line in done.err.splitlines() if not line.strip()], "no progress bar without a terminal"


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_an_ssd_on_a_read_only_folder_is_read_and_left_as_it_was(ssd: Path, locked: Path, journal: str) -> None:
    shutil.copy(ssd / "authority.db", locked / "feed.db")
    with closing(sqlite3.connect(locked / "feed.db")) as database:
        database.execute(f"pragma journal_mode={journal}")
    (locked / "feed.db").chmod(0o444)
    before = listing(locked)
    locked.chmod(0o555)
    run = ("evaluate", "--source", f"ssd:{locked / 'feed.db'}", *DAY, "--rule", "assess.cfa", "--format", "jsonl")
    done = alertd(*run, bound=True)
    assert done.code == 0
    assert {json.loads(line)["rule"] for line in done.out.splitlines()} == {"assess.cfa"}
    assert listing(locked) == before
    if journal == "wal":
        locked.chmod(0o755)
        (locked / "feed.db").chmod(0o644)
        assert alertd(*run).out == done.out
        assert listing(locked) == before


def test_a_reader_who_goes_away_and_a_full_disk_are_no_traceback(ssd: Path) -> None:
    evaluate = shlex.join(
        [sys.executable, "-m", "alertd", "evaluate", f"--source=ssd:{ssd / 'authority.db'}", *DAY, "--all"]
    )
    lists = shlex.join([sys.executable, "-m", "alertd", "rules", "list", "--format=jsonl"])

    def shell(line: str) -> tuple[str, str]:
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
        return done.stdout, done.stderr

    out, err = shell(f"{evaluate} --format jsonl | head -1; echo ${{PIPESTATUS[0]}}")
    assert json.loads(out.splitlines()[0])
    assert "Traceback" not in err and "Exception" not in err and "Error" not in err
    out, err = shell(f"{lists} | true; echo ${{PIPESTATUS[0]}}")
    assert (out, err) == ("1\n", "")
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    out, err = shell(f"{lists} > /dev/full; echo $?")
    assert (out, err) == ("2\n", "alertd: the output: No space left on device\n")


@pytest.mark.fault("F62")
def test_what_a_feed_holds_is_neither_markup_nor_a_formula(capsys: pytest.CaptureFixture[str]) -> None:
    odd = Finding("r.one", "=1+1", "[bold]x[/nothing]", ":x:", "due", where=":boom: [red]")
    write_findings([odd], Format.table)
    assert "[bold]x[/nothing]" in (table := capsys.readouterr().out)
    assert ":boom: [red]" in table
    write_findings([odd], Format.csv)
    assert "r.one,'=1+1," in capsys.readouterr().out


@pytest.fixture(scope="module")
def bad(ssd: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of things nobody can use."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "garbage.db").write_bytes(b"this is no database " * 100)
    good = (ssd / "authority.db").read_bytes()
    (folder / "cut.db").write_bytes(good[: len(good) // 2])
    (folder / "nothing.db").touch()
    (folder / "emptied.db").write_bytes(good)
    with closing(sqlite3.connect(folder / "emptied.db")) as database:
        database.execute("delete from ssd_person")
        database.commit()
    (folder / "empty").mkdir()
    (folder / "file.csv").write_text("CHILD\n")
    write_return(folder / "cut", reviews='CHILD,DOB,REVIEW,REVIEW_CODE\n101,03/02/2010,"22/10/2018,PN1\n')
    write_return(folder / "dates", starts=RETURN["starts.csv"].replace("01/10/2018", "10/31/2018"))
    write_return(folder / "good")
    (folder / "broken.yaml").write_text("pack: [local\nversion: 1\n")
    (folder / "unknown.yaml").write_text("pack: local\nversoin: 1\n")
    return folder


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("ssda903:nowhere", "nowhere: there is no such folder"),
        ("ssda903:file.csv", "file.csv: there is no episodes table here"),
        ("ssda903:empty", "empty: there is no episodes table here"),
        ("ssda903:cut", "2018-reviews.csv:2: is not whole CSV"),
        ("ssda903:dates", "starts.csv:2: 1 of 3 rows of this file cannot be read; the first "),
        ("ssd:nowhere.db", "nowhere.db: there is no such database file"),
        ("ssd:garbage.db", "garbage.db: cannot be read: file is not a database"),
        ("ssd:cut.db", "cut.db: cannot be read: database disk image is malformed"),
        ("ssd:nothing.db", "nothing.db: has no table ssd_person"),
        ("ssd:emptied.db", "emptied.db: ssd_person: is empty"),
        ("ssd:nosuch://x", "there is no driver for nosuch"),
        ("ssd:postgresql://user:hush@127.0.0.1:1/x", "cannot connect"),
        ("ssd:", "the source is not KIND:PLACE"),
        ("annexa:x", "'annexa' is not a kind of source. Did you mean annex_a?"),
    ],
)
def test_a_source_that_cannot_be_used_is_one_line_and_changes_nothing(
    bad: Path, here: Here, monkeypatch: pytest.MonkeyPatch, source: str, what: str
) -> None:
    monkeypatch.chdir(bad)
    before = listing(bad)
    line = here("evaluate", "--source", source, "--as-of", "2019-03-31", "--format", "jsonl").one_line
    assert what in line
    assert "hush" not in line
    assert listing(bad) == before


def test_a_database_that_may_not_be_read_is_one_line(tmp_path: Path) -> None:
    shut = tmp_path / "shut.db"
    shut.write_bytes(b"x")
    shut.chmod(0)
    assert "Permission denied" in alertd("evaluate", "--source", f"ssd:{shut}", bound=True).one_line


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--as-of", "31/03/2019"], "--as-of '31/03/2019' is not a date. Write it as"),
        (["--as-of", "2019-02-30"], "--as-of '2019-02-30' is not a date"),
        (["--as-of", "2019-03-31T09:00"], "has no offset"),
        (["--as-of", "0001-01-01"], "is not in 1900 to 2099"),
        (["--as-of", "9999-12-31T23:59:59-12:00"], "is not in 1900 to 2099"),
        (["--window", "2018"], "--window '2018' is not a span"),
        (["--window", "2019-03-31:2018-04-01"], "ends before it starts"),
        (["--set", "cp.visit.interval"], "is not NAME=LENGTH"),
        (
            ["--set", "cp.visit.intervall=10 working days"],
            "no rule reads this setting. Did you mean cp.visit.interval?",
        ),
        (["--set", "cp.visit.interval=soon"], "'soon' is not a duration"),
        (["--nation", "wales"], "'wales' is not one of 'england-and-wales', 'scotland', 'northern-ireland'"),
        (["--format", "xml"], "'xml' is not one of 'table', 'jsonl', 'csv'. See: alertd evaluate --help"),
        (["--rule", "cla.review.frist"], "there is no rule 'cla.review.frist'. Did you mean cla.review.first?"),
        (["--rule", "assess.seen"], "the rule 'assess.seen' is not enabled"),
        (["--rules", "broken.yaml"], "broken.yaml:2: this is not YAML"),
        (["--rules", "unknown.yaml"], "unknown.yaml:2: "),
        (["--rules", "nowhere.yaml"], "nowhere.yaml: there is no such pack"),
        (["--workers", "0"], "'--workers'"),
        (["--formt", "csv"], "No such option: --formt"),
    ],
)
def test_an_option_that_cannot_be_used_is_one_line(
    bad: Path, here: Here, monkeypatch: pytest.MonkeyPatch, options: list[str], what: str
) -> None:
    monkeypatch.chdir(bad)
    day = [] if "--as-of" in options else YEAR_END
    assert what in here("evaluate", "--source", "ssda903:good", *day, *options).one_line


def test_a_window_is_for_a_return_only(ssd: Path, here: Here) -> None:
    line = here("evaluate", "--source", f"ssd:{ssd / 'authority.db'}", "--window", "2018-04-01:2019-03-31").one_line
    assert line.startswith("--window goes with ssda903")
