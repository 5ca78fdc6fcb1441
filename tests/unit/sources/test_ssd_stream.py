"""Reading the Standard Safeguarding Dataset child after child: whose a row is, digests, order, other databases."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.dialects import mssql, oracle
from sqlalchemy.pool import NullPool
from ssd_database import AS_OF, LEAST, Rows, case, fill, keys, load, plan, visit

from alertd.cases.accounts import Ledger
from alertd.cases.reading import add
from alertd.cases.sources import ssd
from alertd.cases.sources.ssd_layout import Found
from alertd.cases.sources.ssd_select import statement, unnamed
from alertd.cases.sources.ssd_tables import TABLES
from alertd.errors import InputError
from alertd.synth import make

pytest_plugins = ["tests.support.databases"]


def digests(path: Path, tables: dict[str, Rows]) -> dict[str, bytes]:
    path.unlink(missing_ok=True)
    fill(f"sqlite:///{path}", {**LEAST, **tables})
    with ssd.opened(str(path), as_of=AS_OF) as reading:
        return {pending.child: pending.digest for pending in reading.children()}


# ------------------------------------------------------------------ whose a row is


@pytest.mark.parametrize("held_as", [101, 101.0, "101", " 101 ", "101\u00a0", "101\r\n", "\t101"])
def test_a_childs_number_is_the_same_however_a_table_holds_it(tmp_path: Path, held_as: object) -> None:
    path = tmp_path / "ssd.db"
    fill(f"sqlite:///{path}", LEAST)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE ssd_missing (miss_table_id, miss_person_id, miss_missing_episode_start_date,"
                   " miss_missing_episode_end_date)")  # fmt: skip
        db.execute("INSERT INTO ssd_missing VALUES ('M1', ?, '2026-01-01', NULL)", (held_as,))
        db.execute("INSERT INTO ssd_person (pers_person_id, pers_dob) VALUES ('101', '2015-03-02')")
        db.executemany("INSERT INTO ssd_missing VALUES (?, ?, '2026-01-01', NULL)", [("M2", "1010"), ("M3", "100")])
    assert [each.child for each in ssd.read(str(path), as_of=AS_OF).cases] == ["100", "101", "1010", "P1"]


def test_a_row_without_its_child_is_reached_by_its_plan_and_that_by_its_referral(tmp_path: Path) -> None:
    tables = {
        "cp_plans": [plan(cppl_person_id=None, cppl_referral_id=" R1"), plan(cppl_cp_plan_id="CP2")],
        "cp_visits": [
            visit("cp", "W1", cppv_person_id=None, cppv_cp_plan_id="CP1 "),
            visit("cp", "W2", cppv_person_id="P2", cppv_cp_plan_id="CP1"),
        ],
    }
    snapshot = load(tmp_path, tables)
    assert keys(snapshot, "cp_plan") == ["CP1", "CP2"]
    assert keys(snapshot, "cp_visit") == ["W1"]
    assert keys(snapshot, "cp_visit", "P2") == ["W2"]


def test_a_row_whose_plan_belongs_to_two_children_is_given_to_neither(tmp_path: Path) -> None:
    tables = {
        "cp_plans": [plan(), plan(cppl_person_id="P2"), plan(cppl_cp_plan_id="CP3")],
        "cp_visits": [
            visit("cp", "W1", cppv_person_id=None, cppv_cp_plan_id="CP1"),
            visit("cp", "W3", cppv_person_id=None, cppv_cp_plan_id="CP3"),
        ],
    }
    snapshot = load(tmp_path, tables)
    assert [(reject.where, reject.column) for reject in snapshot.rejects] == [("ssd_cp_visits W1", "cppv_person_id")]
    assert keys(snapshot, "cp_visit") == ["W3"]


@pytest.mark.parametrize("plans", [None, {"-cppl_person_id": 1, "-cppl_referral_id": 1}])
def test_a_table_whose_way_leads_nowhere_holds_nothing(tmp_path: Path, plans: dict[str, object] | None) -> None:
    visits = {"cppv_cp_visit_id": "W1", "cppv_cp_plan_id": "CP1", "-cppv_person_id": 1}
    tables: dict[str, Rows] = {"cp_visits": [visits]}
    if plans:
        tables["cp_plans"] = [{"cppl_cp_plan_id": "CP1", **plans}]
    snapshot = load(tmp_path, tables)
    assert not {"cp_visit", "cp_plan"} & snapshot.holds
    assert "ssd_cp_visits has no column cppv_person_id; cannot tell about: cp_visit" in snapshot.notes


@pytest.mark.slow
def test_on_postgresql_a_number_with_decimals_is_the_child_that_text_names(postgres_server: str) -> None:
    url = postgres_server.replace("postgresql://", "postgresql+psycopg://")
    fill(url, {**LEAST, "cp_plans": [plan(cppl_person_id=None, cppl_referral_id="R1")]}, prefix="odd_")
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        for line in (
            "INSERT INTO odd_person (pers_person_id) VALUES (E'\\t101\u00a0'), ('P10'), ('p1'), ('É1')",
            "CREATE TABLE odd_cp_visits (cppv_cp_visit_id int, cppv_person_id numeric(12, 2), cppv_cp_plan_id text,"
            " cppv_cp_visit_date timestamp)",
            "INSERT INTO odd_cp_visits VALUES (1, 101, NULL, '2026-05-01'), (2, NULL, 'CP1 ', '2026-05-02'),"
            " (3, -1, NULL, '2026-05-03')",
            "CREATE TABLE odd_missing (miss_table_id text, miss_person_id float8, miss_missing_episode_start_date date,"
            " miss_missing_episode_end_date date)",
            "INSERT INTO odd_missing VALUES ('M1', 101, '2026-05-01', NULL)",
        ):
            connection.execute(text(line))
    snapshot = ssd.read(url, as_of=AS_OF, prefix="odd_")
    assert [each.child for each in snapshot.cases] == ["101", "P1", "P10", "p1", "É1"]
    assert (keys(snapshot, "cp_visit", "101"), keys(snapshot, "cp_visit")) == (["1"], ["2"])
    assert (keys(snapshot, "missing", "101"), keys(snapshot, "cp_plan")) == (["M1"], ["CP1"])
    assert [reject.where for reject in snapshot.rejects] == ["odd_cp_visits 3"]


# ------------------------------------------------------------------ digests


VISITS: dict[str, Rows] = {"cp_visits": [visit("cp", "W1"), visit("cp", "W2"), visit("cp", "W3", cppv_person_id="P2")]}


def test_a_digest_stays_the_same_in_whatever_order_the_rows_come(tmp_path: Path) -> None:
    back = {"cp_visits": [*reversed([*VISITS["cp_visits"]])]}
    assert digests(tmp_path / "a.db", VISITS) == digests(tmp_path / "b.db", back)


def test_a_digest_changes_with_any_cell_of_the_child_and_with_no_other_childs(tmp_path: Path) -> None:
    before = digests(tmp_path / "a.db", VISITS)
    seen = visit("cp", "W3", cppv_person_id="P2", cppv_cp_visit_seen="N")
    after = digests(tmp_path / "b.db", {"cp_visits": [visit("cp", "W1"), visit("cp", "W2"), seen]})
    assert {child for child in before if before[child] != after[child]} == {"P2"}
    fewer = digests(tmp_path / "c.db", {"cp_visits": [visit("cp", "W2"), visit("cp", "W3", cppv_person_id="P2")]})
    assert {child for child in before if before[child] != fewer[child]} == {"P1"}


def test_a_digest_changes_when_the_same_cells_stand_under_other_columns(tmp_path: Path) -> None:
    seen = [visit("cp", "W1", cppv_cp_visit_seen="Y") | {"-cppv_cp_visit_seen_alone": 1}]
    alone = [visit("cp", "W1", cppv_cp_visit_seen_alone="Y") | {"-cppv_cp_visit_seen": 1}]
    assert digests(tmp_path / "a.db", {"cp_visits": seen}) != digests(tmp_path / "b.db", {"cp_visits": alone})


def test_a_digest_is_made_of_any_cell(tmp_path: Path) -> None:
    """Rows of one key, with a blank beside what is none; bytes; a number; a character that is not one."""
    rows = [visit("cp", "W1", cppv_cp_visit_seen=seen) for seen in ("Y", None, "\x00", "\ufffd")]
    found = digests(tmp_path / "a.db", {"cp_visits": rows})
    assert digests(tmp_path / "b.db", {"cp_visits": rows[::-1]}) == found
    with contextlib.closing(sqlite3.connect(tmp_path / "a.db")) as db, db:
        db.execute("UPDATE ssd_cp_visits SET cppv_cp_visit_seen = x'ff' WHERE cppv_cp_visit_seen IS NULL")
    with ssd.opened(str(tmp_path / "a.db"), as_of=AS_OF) as reading:
        assert [pending.digest for pending in reading.children()] != list(found.values())


# ------------------------------------------------------------------ one after another


def test_children_come_once_each_in_order_before_the_tables_are_read_to_their_end(tmp_path: Path) -> None:
    many = [visit("cp", f"W{n}", cppv_person_id=f"P{n % 3000}") for n in range(9000)]
    fill(f"sqlite:///{tmp_path / 'ssd.db'}", {**LEAST, "cp_visits": many})
    with ssd.opened(str(tmp_path / "ssd.db"), as_of=AS_OF) as reading:
        children = reading.children()
        first = next(children)
        assert sum(reading.counts.values()) < 4500
        found = [first.child, *(pending.child for pending in children)]
        assert found == sorted(f"P{n}" for n in range(3000))
        assert reading.counts["ssd_cp_visits"] == 9000
        assert reading.notes[-1] == "children with rows but not in ssd_person: 2999"


def test_a_database_that_does_not_keep_the_order_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssd, "statement", lambda *given, **how: statement(*given, **how).order_by(None))
    with pytest.raises(InputError) as caught:
        load(tmp_path, {"cp_visits": [visit("cp", "W1"), visit("cp", "W2", cppv_person_id="P0")]})
    assert "ssd_cp_visits: does not come in the order of the children's references" in str(caught.value)


def test_every_row_of_a_spoilt_authority_is_accounted_for(tmp_path: Path) -> None:
    path = tmp_path / "authority.db"
    make(path, la="350", children=300, seed=3, as_of=AS_OF.date(), dirty=0.2)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE ssd_cp_visits SET cppv_person_id = NULL, cppv_cp_plan_id = NULL WHERE rowid % 7 = 0")
        db.execute("UPDATE ssd_cla_visits SET clav_cla_visit_id = ' ' WHERE rowid % 5 = 0")
        held = {
            name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
    total = Ledger()
    with ssd.opened(str(path), as_of=AS_OF) as reading:
        for pending in reading.children():
            add(total, pending.make().ledger)
        add(total, reading.ledger)
    assert {name: account.rows for name, account in total.accounts.items()} == {
        name: rows for name, rows in reading.counts.items() if rows
    }
    assert {name: held[name] for name in reading.counts} == reading.counts
    assert all(account.adds_up for account in total.accounts.values())
    rejected = Counter(reject.column for reject in total.rejects)
    assert rejected.keys() == {"cppv_person_id", "clav_cla_visit_id"}
    assert rejected.total() == sum(account.rejected for account in total.accounts.values())
    assert total.accounts["ssd_cin_visits"].aside


def test_what_was_read_of_a_child_is_what_reading_everything_gives(tmp_path: Path) -> None:
    path = tmp_path / "authority.db"
    make(path, la="350", children=60, seed=2, as_of=AS_OF.date(), dirty=0.05)
    snapshot = ssd.read(str(path), as_of=AS_OF)
    with ssd.opened(str(path), as_of=AS_OF) as reading:
        for pending, whole in zip(reading.children(), snapshot.cases, strict=True):
            assert pending.make().case == whole
    assert snapshot.latest == case(snapshot, snapshot.cases[0].child).latest
    assert "care_leaver" in snapshot.latest


# ------------------------------------------------------------------ SQL Server and Oracle, as statements

EVERY = {table.name: Found(table, f"ssd_{table.name}", {name: name for name in table.columns}) for table in TABLES}
MOSAIC = {**EVERY, "cp_visits": Found(EVERY["cp_visits"].table, "ssd_cp_visits", {
    name: name for name in EVERY["cp_visits"].columns if name != "cppv_person_id"
}, frozenset({"cppv_cp_plan_id"}))}  # fmt: skip


def sql(name: str, dialect: str) -> str:
    with_name = {"mssql": mssql, "oracle": oracle}[dialect]
    wanted = statement(MOSAIC[name], MOSAIC, "Care Data", dialect, routed=name == "cp_visits")
    return " ".join(str(wanted.compile(dialect=with_name.dialect())).split())


def test_on_sql_server_references_are_compared_as_text_by_their_codes() -> None:
    """Compiled only: no SQL Server was run."""
    said = sql("missing", "mssql")
    assert said.startswith("SELECT nullif(nullif(ltrim(rtrim(replace(")
    assert "CAST([Care Data].ssd_missing.miss_person_id AS NVARCHAR(255)), CHAR(9), ' ')" in said
    assert "NCHAR(160), ' '))), ''), '-1') COLLATE Latin1_General_BIN2 AS child" in said
    assert "FROM [Care Data].ssd_missing ORDER BY nullif(" in said
    assert said.endswith("COLLATE Latin1_General_BIN2")


def test_on_sql_server_a_row_without_its_child_is_joined_to_the_child_of_its_plan() -> None:
    said = sql("cp_visits", "mssql")
    assert said.count("LEFT OUTER JOIN") == 2  # the plan's own child, or else that of its referral
    assert re.search(r"GROUP BY (\S+\.ref) HAVING min\((\S+)\.child\) = max\(\2\.child\)", said)
    assert "CASE WHEN ([Care Data].ssd_cp_visits.cppv_cp_plan_id = floor(" in said  # 12.0 is plan 12
    assert said.endswith(".child")


def test_on_oracle_the_order_is_binary() -> None:
    """Compiled only: no Oracle was run."""
    said = sql("missing", "oracle")
    assert 'CAST("Care Data".ssd_missing.miss_person_id AS VARCHAR2(255 CHAR))' in said
    assert "ORDER BY nlssort(nullif(" in said
    assert said.endswith(", 'NLS_SORT=BINARY')")


@pytest.mark.parametrize("dialect", ["mssql", "oracle"])
@pytest.mark.parametrize("name", [table.name for table in TABLES])
def test_every_table_can_be_asked_for_whole_and_without_parameters(name: str, dialect: str) -> None:
    """Statements of a driver's own parameters may not repeat an expression in GROUP BY."""
    said = sql(name, dialect)
    for left_out in ("LIMIT", "TOP ", "FETCH ", "?", "%(", ":"):
        assert left_out not in said
    assert str(unnamed(EVERY[name], None, dialect)).endswith("IS NULL")
