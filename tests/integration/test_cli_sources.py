"""``alertd sources probe``, ``sync`` and ``changes``: what a place holds, taken in, and what that brought."""

from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import date
from pathlib import Path

import pytest

from alertd.cases.sources.csc_api_inbox import fold
from alertd.settings import load
from alertd.synth.feeds import make_feeds
from tests.support.cli import Here

AS_OF = "2026-03-31"


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("feeds")
    return make_feeds(folder, la="350", children=40, seed=1, as_of=date.fromisoformat(AS_OF))


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        ("ssd", "ssd"),
        ("annex_a", "annex_a"),
        ("annex_a_csv", "annex_a"),
        ("cin_census", "cin_census"),
        ("ssda903", "ssda903"),
        ("ssda903_xml", "ssda903"),
        ("csc_api", "csc_api"),
        ("csv", "csv"),
    ],
)
def test_probe_recognises_each_kind_of_feed_and_counts_its_rules(
    here: Here, feeds: dict[str, Path], made: str, kind: str
) -> None:
    done = here("sources", "probe", str(feeds[made]), "--as-of", AS_OF, "--format", "json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert said["kind"] == kind and said["children"] > 0
    for account in said["rows"].values():
        assert account["rows"] == account["used"] + sum(account["set_aside"].values()) + account["rejected"]
    extents = {rule["id"]: rule["measurable"] for rule in said["rules"]}
    assert len(extents) > 100 and set(extents.values()) <= {"measurable", "partly", "no"}
    assert "measurable" in extents.values() and all(r["why"] for r in said["rules"] if r["measurable"] != "measurable")


def test_probe_knows_an_inbox_whose_deliveries_were_folded(here: Here, feeds: dict[str, Path], tmp_path: Path) -> None:
    shutil.copy(feeds["csc_api"], tmp_path)
    assert fold(tmp_path) == 1
    done = here("sources", "probe", str(tmp_path), "--as-of", AS_OF, "--format", "json")
    assert json.loads(done.out)["kind"] == "csc_api", done.err


def test_probe_finds_the_ssd_in_whatever_schema_and_under_whatever_prefix(
    here: Here, feeds: dict[str, Path], tmp_path: Path
) -> None:
    renamed = tmp_path / "odd.db"
    shutil.copy(feeds["ssd"], renamed)
    with sqlite3.connect(renamed) as connection:
        for (name,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
            connection.execute(f"alter table {name} rename to our_{name.removeprefix('ssd_')}")
    connection.close()
    out = tmp_path / "alertd.toml"
    done = here("sources", "probe", str(renamed), "--as-of", AS_OF, "--out", str(out))
    assert done.code == 0, done.err
    (feed,) = load(out).feed
    assert (feed.kind, feed.prefix, feed.url) == ("ssd", "our_", str(renamed))
    assert "alertd check --config" in done.err
    assert "is there already" in here("sources", "probe", str(renamed), "--out", str(out)).one_line


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("nowhere", None, "there is no such file or folder"),
        ("notes.txt", b"hello", "holds no file of a kind that is known"),
        ("x.csv", b"a,b\n1,2\n", "cannot be read as any feed"),
        ("x.xml", b"<a/>", "cannot be read as any feed"),
        ("x.db", b"SQLite format 3\0" + b"x" * 200, ""),
    ],
)
def test_what_probe_cannot_recognise_is_said_in_one_line(
    here: Here, tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert said in here("sources", "probe", str(path)).one_line


def test_a_begun_settings_file_keeps_no_password(here: Here) -> None:
    from alertd.cli.probe import _without_password

    assert (
        _without_password("mssql+pyodbc://reader:s3cret@db.example/ssd") == "mssql+pyodbc://reader:***@db.example/ssd"
    )


@pytest.fixture
def config(tmp_path: Path, feeds: dict[str, Path]) -> Path:
    shutil.copy(feeds["ssd"], tmp_path / "authority.db")
    shutil.copytree(feeds["csv"], tmp_path / "lists")
    path = tmp_path / "alertd.toml"
    path.write_text(
        '[database]\nurl = "sqlite:///alertd.db"\n'
        '[[feed]]\nname = "ssd"\nkind = "ssd"\nurl = "sqlite:///authority.db"\n'
        '[[feed]]\nname = "lists"\nkind = "csv"\nurl = "lists"\n'
        '[people]\npeople = "p.csv"\nteams = "t.csv"\nduty = "duty@x.example"\nallowed_domains = ["x.example"]\n'
        "[email]\n"
    )
    return path


def change(config: Path, statement: str) -> None:
    with sqlite3.connect(config.parent / "authority.db") as connection:
        connection.execute(statement)
    connection.close()


def test_sync_takes_in_every_feed_and_changes_says_what_that_brought(here: Here, config: Path) -> None:
    first = here("sources", "sync", "--config", str(config))
    assert first.code == 0, first.err
    ssd, lists = first.out.splitlines()
    assert " 0 changed, 0 vanished; " in ssd and "rows in" in ssd and "a second" in ssd
    assert lists.startswith("lists: ") and "first seen" in lists
    again = here("sources", "sync", "--config", str(config))
    assert all(": 0 first seen, 0 changed, 0 vanished; " in line for line in again.out.splitlines())
    change(config, "delete from ssd_cp_visits where rowid = 1")
    change(config, "update ssd_cin_episodes set cine_close_date = '2026-03-30' where rowid = 2")
    here("sources", "sync", "--config", str(config))
    done = here("sources", "changes", "--config", str(config), "--format", "jsonl")
    hows = [json.loads(line) for line in done.out.splitlines()]
    assert {(one["how"], one["record"].partition(":")[0]) for one in hows if one["how"] != "first seen"} == {
        ("vanished", "cp_visit"),
        ("changed", "referral"),
    }
    (changed,) = [one for one in hows if one["how"] == "changed"]
    assert changed["fields"] == ["end"]


def test_a_feed_that_was_refused_ends_with_one_and_says_why(here: Here, config: Path) -> None:
    here("sources", "sync", "--config", str(config))
    change(config, "delete from ssd_cp_visits")
    done = here("sources", "sync", "--config", str(config))
    assert done.code == 1
    assert "ssd: refused: ssd_cp_visits is empty; it held" in done.out
    meant = here("sources", "sync", "--config", str(config), "--accept-feed")
    assert meant.code == 0


def test_what_is_kept_can_be_evaluated_as_known_on_an_earlier_day(here: Here, config: Path) -> None:
    assert "nothing has been kept here yet" in here("evaluate", "--source", f"kept:{config}").one_line
    assert not (config.parent / "alertd.db").exists()
    here("sources", "sync", "--config", str(config))
    change(config, "update ssd_cin_episodes set cine_close_date = '2026-03-30'")
    here("sources", "sync", "--config", str(config))
    words = ("evaluate", "--source", f"kept:{config}", "--as-of", AS_OF, "--format", "jsonl", "--rule", "assess.cfa")
    now = here(*words)
    assert now.code == 0, now.err
    assert "no feed had been read by" in here(*words, "--as-known-on", "2020-01-01").one_line
    assert (
        "goes with a source that is kept"
        in here("evaluate", "--source", f"csv:{config.parent / 'lists'}", "--as-known-on", AS_OF).one_line
    )


def test_lists_beside_the_ssd_let_rules_be_measured_that_neither_could(here: Here, config: Path) -> None:
    here("sources", "sync", "--config", str(config))
    words = ("--as-of", AS_OF, "--format", "jsonl", "--all", "--rule", "cp.core.next")

    def causes(source: str) -> set[str]:
        done = here("evaluate", "--source", source, *words)
        found = [json.loads(line) for line in done.out.splitlines()]
        return {(f["cannot_tell"] or {}).get("cause", f["stage"]) for f in found}

    assert causes(f"ssd:{config.parent / 'authority.db'}") == {"feed"}
    assert causes(f"csv:{config.parent / 'lists'}") == {"feed"}
    assert "feed" not in causes(f"kept:{config}")
