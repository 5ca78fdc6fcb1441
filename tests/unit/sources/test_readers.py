"""What holds for every feed of files, whichever reader it has; and for references, whichever feed they come from."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from alertd.cases.records import Snapshot, Unreadable, Window, case_files, make_record
from alertd.cases.sources.cells import LONGEST, ident, reference
from alertd.cases.sources.readers import FeedKind, Place, kind_of, opened, read
from alertd.cases.sources.recognise import recognise
from alertd.errors import InputError
from alertd.synth.feeds import make_feeds
from alertd.synth.schema import metadata

AS_OF = datetime(2026, 3, 31, 20, tzinfo=UTC)
NEEDS = "child,key,happened\nC1,N1,2026-01-05\n"
EPISODES = "CHILD,DECOM,RNE,LS,PLACE,DEC,REC\n{},01/05/2025,S,C2,U1,,\n" + "C2,01/05/2025,S,C2,U1,,\n" * 30
NO_REFERENCES = ["C\0001", "C\x1b[31m1", "C" * (LONGEST + 1)]


def reading(kind: FeedKind, place: Path, **more: object) -> Snapshot:
    snapshot = read(Place(kind=kind, url=str(place), **more), AS_OF)  # type: ignore[arg-type]
    assert all(account.adds_up for account in snapshot.accounts.values())
    return snapshot


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("ssda903", "episodes.csv"),
        ("annex_a", "list.csv"),
        ("cin_census", "c.xml"),
        ("csc_api", "p.json"),
        ("csv", "need.csv"),
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for(
    tmp_path: Path, kind: FeedKind, name: str, alone: bool
) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match=f"{name}: is neither a file nor a folder"):
        reading(kind, tmp_path / name if alone else tmp_path)


def test_a_file_whose_name_would_steer_a_terminal_is_refused_and_the_name_not_shown(tmp_path: Path) -> None:
    (tmp_path / "need-\x1b[31m.csv").write_text(NEEDS)
    with pytest.raises(InputError, match="holds a file whose name has a control character") as error:
        reading("csv", tmp_path)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("cell", NO_REFERENCES)
def test_what_no_database_could_keep_is_no_childs_reference(tmp_path: Path, cell: str) -> None:
    """A zero character, or a text longer than the column for it, would end the run that keeps it."""
    (tmp_path / "episodes.csv").write_text(EPISODES.format(cell))
    of_return = reading("ssda903", tmp_path)
    assert [case.child for case in of_return.cases] == ["C2"]
    (reject,) = of_return.rejects
    assert (reject.where, reject.column) == ("episodes.csv:2", "CHILD")
    assert cell not in reject.why
    assert isinstance(reference(cell), Unreadable) and ident(cell) is None


@pytest.mark.parametrize("cell", NO_REFERENCES)
def test_in_the_dataset_too_such_a_child_is_rejected_and_such_a_key_is_none(tmp_path: Path, cell: str) -> None:
    file = tmp_path / "ssd.db"
    engine = create_engine(f"sqlite:///{file}")
    metadata().create_all(engine)
    engine.dispose()
    with sqlite3.connect(file) as data:
        data.execute(
            "INSERT INTO ssd_person (pers_person_id, pers_dob) VALUES ('1', '2015-01-01 00:00:00'), (?, NULL)", (cell,)
        )
        data.execute(
            "INSERT INTO ssd_cin_episodes (cine_referral_id, cine_person_id) VALUES ('R1', '1'), (?, '1')", (cell,)
        )
    data.close()
    snapshot = reading("ssd", file)
    assert [case.child for case in snapshot.cases] == ["1"]
    said = {(reject.where, reject.column, reject.why) for reject in snapshot.rejects}
    assert ("ssd_cin_episodes (no key)", "cine_referral_id", "has no key") in said
    assert {where for where, _, _ in said} == {"ssd_cin_episodes (no key)", "ssd_person (no key)"}


@pytest.mark.parametrize("key", ["X'FFFE'", "'a' || char(10) || 'b'", f"'{'k' * 200}'"])
def test_a_key_of_a_query_that_is_none_is_not_shown(tmp_path: Path, key: str) -> None:
    file = tmp_path / "lists.db"
    with sqlite3.connect(file) as data:
        cells = f"'C1' AS child, {key} AS key, '2026-01-05' AS happened, NULL AS closed"
        data.execute(f"CREATE TABLE need AS SELECT {cells}")
    data.close()
    snapshot = reading("sql", file, queries={"need": "SELECT * FROM need"})
    (reject,) = snapshot.rejects
    assert (reject.where, reject.column) == ("query need, row 1", "key")


def test_many_links_by_their_day_are_found_in_one_go() -> None:
    """Sixty thousand of one child took more than a minute, one after another."""
    begun = datetime.now(UTC)
    records = [make_record("referral", "C1", "2025-01-05", "r", {"start": datetime(2025, 1, 5, tzinfo=UTC).date()})]
    links = {"referral": "2025-01-05"}
    records += [make_record("assessment", "C1", f"A{n}", "a", links) for n in range(20_000)]
    (case,) = case_files(records, Window())
    assert {record.get("referral") for record in case.of("assessment")} == {"2025-01-05"}
    assert (datetime.now(UTC) - begun).total_seconds() < 5


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ("[" + '"a",' * 11_000 + "0]", "more than 10,000 of its elements cannot be used; the first is not an object"),
        ("[" + '{"la_child_id":"A"},' * 200_000 + "{}]", "holds more than 200,000 children, as no authority has"),
    ],
)
def test_a_payload_made_to_keep_the_reader_busy_is_refused_early(tmp_path: Path, payload: str, why: str) -> None:
    (tmp_path / "p.json").write_text(payload)
    with pytest.raises(InputError, match=why):
        reading("csc_api", tmp_path / "p.json")


@pytest.mark.parametrize("kind", ["cin_census", "ssda903"])
def test_a_child_of_more_elements_than_any_child_has_is_refused(tmp_path: Path, kind: FeedKind) -> None:
    if kind == "cin_census":
        text = "<Message><Header><ReferenceDate>2025-03-31</ReferenceDate></Header><Child>{}</Child></Message>"
    else:
        text = "<SSDA903><CHILD>{}</CHILD></SSDA903>"
    (tmp_path / "r.xml").write_text(text.format("<a/>" * 10_001))
    with pytest.raises(InputError, match=r"r.xml:1: an element has more than 10,000 within it"):
        reading(kind, tmp_path / "r.xml")


@pytest.mark.parametrize("kind", ["ssd", "sql"])
def test_a_database_whose_own_texts_are_broken_is_refused_in_one_line(tmp_path: Path, kind: FeedKind) -> None:
    """The driver cannot even say what is wrong: its message quotes what is no text."""
    file = tmp_path / "broken.db"
    with sqlite3.connect(file) as data:
        data.execute("CREATE TABLE need (child, happened, closed)")
    data.close()
    file.write_bytes(file.read_bytes().replace(b"CREATE TABLE need (", b"CREATE TABLE need \xff"))
    queries = {"need": "SELECT * FROM need"} if kind == "sql" else {}
    with pytest.raises(InputError, match="the database is damaged") as error:
        reading(kind, file, queries=queries)
    assert str(error.value).isprintable()
    with pytest.raises(InputError, match="cannot be looked at: the database is damaged"):
        recognise(str(file), AS_OF)


def test_a_file_that_is_not_read_is_named(tmp_path: Path) -> None:
    """A year under a wrong ending would be missed by nobody."""
    (tmp_path / "episodes.csv").write_text(EPISODES.format("C1"))
    (tmp_path / "2025 episodes.txt").write_text(EPISODES.format("C1"))
    (tmp_path / "manifest.csv").write_text("file,rows\nepisodes.csv,31\n")
    notes = [note for note in reading("ssda903", tmp_path).notes if "left alone" in note]
    assert notes == [
        "manifest.csv: not a table of the return, left alone",
        "2025 episodes.txt: not a file that such a feed is read from, left alone",
    ]


def test_what_a_feed_holds_only_the_latest_of_is_known_to_whoever_opens_it_too(tmp_path: Path) -> None:
    """The daemon opens feeds and never reads them whole: without this its alerts would not say from what they come."""
    made = make_feeds(tmp_path, la="350", children=20, seed=1, as_of=date(2026, 3, 31), kinds=("annex_a", "csc_api"))
    for kind, path in made.items():
        place = Place(kind=kind_of(kind), url=str(path))
        with opened(place, AS_OF) as found:
            assert frozenset(found.latest) == read(place, AS_OF).latest != frozenset()
