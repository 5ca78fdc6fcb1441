"""Reading the Standard Safeguarding Dataset: which tables, which database, what is refused."""

from __future__ import annotations

import contextlib
import csv
import sqlite3
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from ssd_database import AS_OF, LEAST, Row, case, fill, keys, load, only, plan, visit

from alertd.cases.kinds import KINDS
from alertd.cases.records import Window
from alertd.cases.sources import ssd
from alertd.cases.sources.database import open_sqlite, shown_as
from alertd.cases.sources.ssd_tables import TABLES
from alertd.cases.sources.ssd_unread import NOT_READ
from alertd.errors import InputError
from alertd.synth import make

pytest_plugins = ["tests.support.databases"]

ALL: dict[str, list[Row]] = {table.name: [] for table in TABLES} | LEAST


def refused(*args: object, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        ssd.read(*args, as_of=AS_OF, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def schema() -> list[dict[str, str]]:
    with (files("alertd.synth") / "schema.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_column_is_one_the_dataset_has() -> None:
    published = {(row["table"], row["column"]) for row in schema()}
    ours = {(f"ssd_{table.name}", column) for table in TABLES for column in table.columns}
    assert ours - published == {("ssd_cin_visits", "cinv_cin_plan_id")}  # Mosaic alone has it


def test_every_core_table_is_read_or_it_is_said_why_not() -> None:
    core = {row["table"].removeprefix("ssd_") for row in schema() if row["status"] == "core"}
    read = {table.name for table in TABLES}
    assert core == read | NOT_READ.keys()
    assert not read & NOT_READ.keys()
    assert len(core) == 36


def test_a_full_dataset_holds_every_kind_the_dataset_can_hold(tmp_path: Path) -> None:
    can_hold = {kind.name for kind in KINDS.values() if "ssd" in kind.feeds}
    assert load(tmp_path, ALL).holds == set(ssd.FILLS) == can_hold


def test_of_a_kind_that_is_read_every_field_the_dataset_can_hold_is_filled() -> None:
    can_hold = {
        kind: {field.name for field in KINDS[kind].fields if "ssd" in KINDS[kind].feeds_of(field.name)}
        for kind in ssd.FILLS
    }
    assert can_hold == ssd.FILLS


def test_what_is_said_to_be_filled_is_filled_and_nothing_else(tmp_path: Path) -> None:
    """Seen in a made-up authority, large enough for every field to be given once."""
    path = tmp_path / "authority.db"
    make(path, la="301", children=300, seed=1, as_of=AS_OF.date(), dirty=0)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE ssd_person SET pers_death_date = '2026-10-01' WHERE rowid = 1")
        db.execute(
            "INSERT INTO ssd_early_help_episodes (earl_episode_id, earl_person_id, earl_episode_start_date,"
            " earl_episode_end_date) SELECT 'EH1', pers_person_id, '2026-01-05', '2026-03-02' FROM ssd_person LIMIT 1"
        )
    snapshot = ssd.read(str(path), as_of=AS_OF)
    filled: dict[str, set[str]] = {}
    for record in (record for each in snapshot.cases for record in each.records):
        filled.setdefault(record.kind, set()).update(record.values)
    assert filled == ssd.FILLS
    assert {"assessment.end", "cp_visit.recorded"} <= snapshot.lacks
    assert "cp_visit.child_seen" not in snapshot.lacks


def test_the_window_is_the_years_the_dataset_was_built_for_and_has_no_end(tmp_path: Path) -> None:
    assert load(tmp_path, {}).window == Window(date(2020, 11, 1), None)
    leap = ssd.read(str(tmp_path / "ssd.db"), as_of=AS_OF.replace(year=2028, month=2, day=29), timeframe_years=5)
    assert leap.window == Window(date(2023, 2, 28), None)
    assert leap.cases[0].window == leap.window


def test_rows_are_counted_by_table_and_heard_of_while_reading(tmp_path: Path) -> None:
    heard: list[tuple[str, int]] = []
    rows = [visit("cp", f"W{n}") for n in range(4500)]
    snapshot = load(tmp_path, {"cp_visits": rows, "cla_visits": []}, progress=lambda *told: heard.append(told))
    assert snapshot.counts == {"ssd_person": 1, "ssd_cin_episodes": 1, "ssd_cp_visits": 4500, "ssd_cla_visits": 0}
    assert ("ssd_cp_visits", 2000) in heard
    assert heard[-1] == ("ssd_cla_visits", 0) or ("ssd_cp_visits", 4500) in heard


def test_a_missing_table_is_a_kind_not_held_and_an_empty_one_is_noted(tmp_path: Path) -> None:
    snapshot = load(tmp_path, {"cp_plans": []})
    assert "cp_plan" in snapshot.holds
    assert "cp_visit" not in snapshot.holds
    assert "no rows in: ssd_cp_plans" in snapshot.notes
    absent = next(note for note in snapshot.notes if note.startswith("not in this database"))
    assert "ssd_cp_visits" in absent
    assert "cp_visit" in absent.split(";")[1]


def test_a_table_without_a_needed_column_is_a_kind_not_held(tmp_path: Path) -> None:
    snapshot = load(tmp_path, {"cp_plans": [{"-cppl_cp_plan_end_date": 1}], "cp_visits": [{"-cppv_cp_visit_seen": 1}]})
    assert "cp_plan" not in snapshot.holds
    assert "cp_visit" in snapshot.holds
    assert "ssd_cp_plans has no column cppl_cp_plan_end_date; cannot tell about: cp_plan" in snapshot.notes
    assert "ssd_cp_visits has no column cppv_cp_visit_seen; read as blank" in snapshot.notes


def test_a_table_without_any_way_to_the_child_is_a_kind_not_held(tmp_path: Path) -> None:
    snapshot = load(tmp_path, {"missing": [{"-miss_person_id": 1}]})
    assert "missing" not in snapshot.holds
    assert "ssd_missing has no column miss_person_id; cannot tell about: missing" in snapshot.notes


def test_care_leavers_without_a_contact_column_still_hold_the_rest(tmp_path: Path) -> None:
    snapshot = load(tmp_path, {"care_leavers": [{"-clea_care_leaver_latest_contact": 1}]})
    assert {"care_leaver", "pathway_plan"} <= snapshot.holds
    assert "leaver_contact" not in snapshot.holds


def test_columns_and_tables_are_found_by_name_in_any_case_and_order(tmp_path: Path) -> None:
    path = tmp_path / "upper.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE SSD_PERSON (Extra, PERS_DOB, PERS_PERSON_ID)")
        db.execute("INSERT INTO SSD_PERSON VALUES ('x', '2015-03-02', 'P1')")
        db.execute("CREATE VIEW SSD_Missing AS SELECT 'M1' Miss_Table_Id, 'P1' MISS_PERSON_ID,"
                   " '2026-01-01' miss_missing_episode_start_date, NULL miss_missing_episode_end_date")  # fmt: skip
    db.close()
    snapshot = ssd.read(f"sqlite:///{path}", as_of=AS_OF)
    assert only(snapshot, "child").get("born") == date(2015, 3, 2)
    assert only(snapshot, "missing").where == "SSD_Missing M1"


def test_the_prefix_can_be_anything_or_nothing(tmp_path: Path) -> None:
    fill(f"sqlite:///{tmp_path / 'a.db'}", LEAST, prefix="")
    assert only(ssd.read(str(tmp_path / "a.db"), as_of=AS_OF, prefix=""), "referral").where == "cin_episodes R1"
    fill(f"sqlite:///{tmp_path / 'b.db'}", LEAST, prefix="kids_")
    assert ssd.read(str(tmp_path / "b.db"), as_of=AS_OF, prefix="KIDS_").counts["kids_person"] == 1


def test_nothing_is_written_to_the_database(tmp_path: Path) -> None:
    load(tmp_path, ALL)
    path = tmp_path / "ssd.db"
    before = path.read_bytes()
    ssd.read(str(path), as_of=AS_OF)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["ssd.db"]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        open_sqlite(path).execute("CREATE TABLE t (a)")


def test_a_refresh_during_the_reading_is_not_seen(tmp_path: Path) -> None:
    """SQLite: every table is read as of the same instant, though another connection empties one."""
    fill(f"sqlite:///{tmp_path / 'ssd.db'}", {**LEAST, "cp_visits": [visit("cp", "W1")]})
    writer = sqlite3.connect(tmp_path / "ssd.db", isolation_level=None, timeout=0)
    writer.execute("PRAGMA journal_mode=WAL")

    def refresh(table: str, rows: int) -> None:
        writer.execute("DELETE FROM ssd_cp_visits")

    snapshot = ssd.read(str(tmp_path / "ssd.db"), as_of=AS_OF, progress=refresh)
    writer.close()
    assert keys(snapshot, "cp_visit") == ["W1"]


def test_a_database_without_such_a_view_is_counted_again_and_a_change_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each table is read over a connection of its own: such a database may allow no more than one statement on one."""
    monkeypatch.setattr(ssd, "ONE_PASS", {})
    path = str(tmp_path / "ssd.db")
    fill(f"sqlite:///{path}", {**LEAST, "cp_visits": [visit("cp", "W1")]})
    assert keys(ssd.read(path, as_of=AS_OF), "cp_visit") == ["W1"]
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        with ssd.opened(path, as_of=AS_OF) as reading:
            writer.execute("INSERT INTO ssd_cp_visits (cppv_cp_visit_id, cppv_person_id) VALUES ('W2', 'P1')")
            with pytest.raises(InputError) as caught:
                list(reading.children())
    assert "ssd_cp_visits: changed while it was being read. If the nightly refresh is running" in str(caught.value)


@pytest.mark.parametrize("empty", ["person", "cin_episodes"])
def test_an_emptied_table_is_refused_by_name(tmp_path: Path, empty: str) -> None:
    fill(f"sqlite:///{tmp_path / 'ssd.db'}", {**LEAST, empty: []})
    said = refused(str(tmp_path / "ssd.db"))
    assert f"ssd_{empty}: is empty. If the nightly refresh is running, read again" in said


def test_another_database_is_refused_with_what_was_looked_for(tmp_path: Path) -> None:
    fill(f"sqlite:///{tmp_path / 'ssd.db'}", LEAST, prefix="kids_")
    said = refused(str(tmp_path / "ssd.db"))
    assert "has no table ssd_person (prefix 'ssd_'; looked for ssd_person, ssd_cin_episodes" in said
    assert "Set the schema and the table prefix. The prefix here looks like 'kids_'" in said
    (tmp_path / "empty.db").touch()
    assert "0 other tables are there" in refused(str(tmp_path / "empty.db"))


def test_a_dataset_without_its_person_table_is_refused(tmp_path: Path) -> None:
    fill(f"sqlite:///{tmp_path / 'ssd.db'}", {"cin_episodes": LEAST["cin_episodes"]})
    assert "has ssd_cin_episodes but no table ssd_person" in refused(str(tmp_path / "ssd.db"))


def test_a_file_that_is_not_there_or_not_a_database_is_refused(tmp_path: Path) -> None:
    assert "nowhere.db: there is no such database file. Check the path" in refused(str(tmp_path / "nowhere.db"))
    assert "there is no such database file" in refused(str(tmp_path))
    (tmp_path / "notes.txt").write_text("not a database, but long enough to be looked at" * 50)
    assert "notes.txt: cannot be read: file is not a database" in refused(str(tmp_path / "notes.txt"))
    assert "cannot be read: no such table: elsewhere" in refused(str(make_db(tmp_path)), schema="elsewhere")


def make_db(tmp_path: Path) -> Path:
    fill(f"sqlite:///{tmp_path / 'made.db'}", LEAST)
    return tmp_path / "made.db"


def test_a_path_with_odd_characters_is_read(tmp_path: Path) -> None:
    odd = tmp_path / "a b#c?d%20"
    odd.mkdir()
    (odd / "ssd.db").write_bytes(make_db(tmp_path).read_bytes())
    assert ssd.read(str(odd / "ssd.db"), as_of=AS_OF).counts["ssd_person"] == 1


def test_a_cell_that_is_not_utf8_does_not_stop_the_reading(tmp_path: Path) -> None:
    path = make_db(tmp_path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE ssd_person SET pers_dob = CAST(x'ff4d' AS TEXT)")
    db.close()
    assert only(ssd.read(str(path), as_of=AS_OF), "child").doubt("born")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+psycopg://u:s3cret@127.0.0.1:1/ssd", "postgresql://127.0.0.1:1/ssd: cannot connect: connection"),
        ("postgresql+psycopg://u:s3cret@127.0.0.1:x/ssd", "the database address cannot be understood"),
        ("s3cret://", "there is no driver for s3cret"),
        ("mssql+pymssql://u:s3cret@db.example/ssd", "there is no driver for mssql+pymssql"),
        ("postgresql//u:s3cret@db.example/ssd", "there is no such database file"),
    ],
)
def test_a_database_that_cannot_be_reached_is_refused_without_the_password(url: str, said: str) -> None:
    found = refused(url)
    assert said in found
    if url != "s3cret://":
        assert "s3cret" not in found


def test_the_source_names_neither_user_nor_password(tmp_path: Path) -> None:
    assert shown_as(make_url("mssql+pyodbc://u:s3cret@db.example:1433/ssd?PWD=s3cret")) == "mssql://db.example:1433/ssd"
    assert load(tmp_path, {}).source == f"ssd:{tmp_path / 'ssd.db'}"


@pytest.mark.slow
def test_postgresql_gives_the_same_records_from_a_schema_without_prefix_amid_a_refresh(
    tmp_path: Path, postgres_server: str
) -> None:
    postgres = postgres_server.replace("postgresql://", "postgresql+psycopg://")
    tables = {
        **ALL,
        "cp_plans": [plan()],
        "cp_visits": [visit("cp", f"W{n}", cppv_cp_visit_seen="Y") for n in range(5000)],
        "cin_visits": [visit("cin", "W1"), visit("cin", "X1")],
        "cla_visits": [visit("cla", "V1", clav_cla_visit_date="2026-07-01 00:00:00")],
    }
    from_sqlite = load(tmp_path, tables)
    engine = create_engine(postgres)
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA care"))
    engine.dispose()
    fill(postgres, tables, prefix="", schema="care", typed=True)
    refresher = create_engine(postgres, isolation_level="AUTOCOMMIT")

    def refresh(table: str, rows: int) -> None:
        """The nightly refresh begins as soon as the first table has been read."""
        with refresher.connect() as connection, contextlib.suppress(OperationalError):
            connection.execute(text("DELETE FROM care.cin_visits"))
            connection.execute(text("SET lock_timeout = '50ms'"))
            connection.execute(text("TRUNCATE care.cla_visits"))

    from_postgres = ssd.read(postgres, as_of=AS_OF, schema="care", prefix="", progress=refresh)
    refresher.dispose()
    assert [r.ref for r in case(from_postgres).records] == [r.ref for r in case(from_sqlite).records]
    assert [dict(r.values) for r in case(from_postgres).records] == [dict(r.values) for r in case(from_sqlite).records]
    assert from_postgres.holds == from_sqlite.holds
    assert {f"ssd_{name}": n for name, n in from_postgres.counts.items()} == from_sqlite.counts
    assert only(from_postgres, "cp_plan").where == "cp_plans CP1"
    assert "schema nowhere: has no table ssd_person" in refused(postgres, schema="nowhere")


def test_the_page_about_the_dataset_tells_every_table_that_is_not_read_and_why() -> None:
    page = (Path(__file__).parents[3] / "docs" / "ssd.md").read_text("utf-8")
    assert [name for name, why in NOT_READ.items() if f"| `{name}` | {why} |" not in page] == []
