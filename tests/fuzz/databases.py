"""What can befall a SQLite database: rows, tables, columns, types, views, encodings; the pages of its file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Final

from tests.fuzz import odd
from tests.fuzz.damage import Change
from tests.fuzz.feeds import CANARY, Draft

Data = sqlite3.Connection


def _on_data(change: Callable[[Draft, Data, str, list[str]], bool]) -> Change:
    def changed(draft: Draft) -> bool:
        name = draft.file()
        data = sqlite3.connect(":memory:")
        data.text_factory = bytes
        try:
            data.deserialize(draft.files[name] if name else b"")
            tables = data.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
            names = [row[0].decode() for row in tables]
            filled = [t for t in names if data.execute(f'SELECT 1 FROM "{t}" LIMIT 1').fetchone()]
            if not name or not filled:
                return False
            table = draft.rng.choice(filled)
            columns = [row[1].decode() for row in data.execute(f'PRAGMA table_info("{table}")')]
            if not change(draft, data, table, columns):
                return False
            data.commit()
            draft.files[name] = data.serialize()
        except (sqlite3.Error, UnicodeDecodeError, MemoryError, OverflowError):
            return False
        finally:
            data.close()
        return True

    changed.__name__ = change.__name__
    return changed


def _account(draft: Draft, table: str) -> str:
    return f"query {table}" if draft.given.kind == "sql" else table


def _keys(columns: list[str]) -> set[str]:
    """The columns by which rows are known to people, who are shown them."""
    return {c for c in columns if c.endswith(("_id", "id")) or c in ("child", "key")}


@_on_data
def plant(draft: Draft, data: Data, table: str, columns: list[str]) -> bool:
    rest = sorted(set(columns) - _keys(columns))
    for column in draft.rng.sample(rest, min(len(rest), draft.rng.randint(1, 3))):
        data.execute(
            f'UPDATE "{table}" SET "{column}" = ? WHERE rowid IN (SELECT rowid FROM "{table}" LIMIT 3)', (CANARY,)
        )
    return True


@_on_data
def odd_cells(draft: Draft, data: Data, table: str, columns: list[str]) -> bool:
    rng = draft.rng
    values = (odd.cell(rng), odd.cell(rng), None, b"\xff\xfe\x00", 2**62, 1.5, float("inf"), -1, b"")
    for _ in range(rng.choice((1, 3, 10))):
        column = rng.choice(columns)
        share = rng.choice(("rowid % 7 = 0", "rowid % 2 = 1", "1 = 1", "rowid = 1"))
        data.execute(f'UPDATE OR IGNORE "{table}" SET "{column}" = ? WHERE {share}', (rng.choice(values),))
    return True


@_on_data
def broken_text(draft: Draft, data: Data, table: str, columns: list[str]) -> bool:
    """Text that is not UTF-8."""
    column = draft.rng.choice(columns)
    broken = draft.rng.choice(("E9", "FFFE", "C328", "F0288CBC", "00", "410042"))
    data.execute(f'UPDATE OR IGNORE "{table}" SET "{column}" = CAST(X\'{broken}\' AS TEXT) WHERE rowid % 3 = 0')
    return True


@_on_data
def no_day(draft: Draft, data: Data, table: str, columns: list[str]) -> bool:
    days = [
        c for c in columns if c.endswith(("_start_date", "_referral_date", "_visit_date", "_review_date", "happened"))
    ]
    if not days or table not in {"ssd_cin_episodes", "ssd_cp_plans", "ssd_cp_visits", "cp_visit", "core_group"}:
        return False
    data.execute(f'UPDATE "{table}" SET "{days[0]}" = ? WHERE rowid = (SELECT min(rowid) FROM "{table}")', (CANARY,))
    draft.lost = _account(draft, table)
    return True


@_on_data
def drop_rows(draft: Draft, data: Data, table: str, columns: list[str]) -> bool:
    n = data.execute(f'DELETE FROM "{table}" WHERE rowid % {draft.rng.choice((2, 3, 7))} = 0').rowcount
    draft.rows[_account(draft, table)] = -n
    return True


@_on_data
def repeat_rows(draft: Draft, data: Data, table: str, columns: list[str]) -> bool:
    """Rows once more, where no key of the table forbids it."""
    held = ", ".join(f'"{c}"' for c in columns)
    data.execute(f'CREATE TABLE again AS SELECT {held} FROM "{table}"')
    n = data.execute(f'INSERT INTO again SELECT {held} FROM "{table}" WHERE rowid % 3 = 0').rowcount
    data.execute(f'DROP TABLE "{table}"')
    data.execute(f'ALTER TABLE again RENAME TO "{table}"')
    draft.rows[_account(draft, table)] = n
    return True


@_on_data
def empty_table(draft: Draft, data: Data, table: str, columns: list[str]) -> bool:
    data.execute(f'DELETE FROM "{table}"')
    return True


@_on_data
def drop_table(draft: Draft, data: Data, table: str, columns: list[str]) -> bool:
    data.execute(f'DROP TABLE "{table}"')
    return True


@_on_data
def rename_column(draft: Draft, data: Data, table: str, columns: list[str]) -> bool:
    old = draft.rng.choice(columns)
    new = draft.rng.choice((old.upper(), f"{old}_x", "x", "a b", old[::-1], 'q"q', "é"))
    data.execute('ALTER TABLE "{}" RENAME COLUMN "{}" TO "{}"'.format(table, old, new.replace('"', '""')))
    return True


@_on_data
def drop_column(draft: Draft, data: Data, table: str, columns: list[str]) -> bool:
    kept = [c for c in columns if c != draft.rng.choice(columns)]
    data.execute(f'CREATE TABLE less AS SELECT {", ".join(kept)} FROM "{table}"')
    data.execute(f'DROP TABLE "{table}"')
    data.execute(f'ALTER TABLE less RENAME TO "{table}"')
    return True


@_on_data
def other_type(draft: Draft, data: Data, table: str, columns: list[str]) -> bool:
    """All of a column as another type: numbers for text, bytes, seconds since 1970."""
    column = draft.rng.choice(columns)
    how = draft.rng.choice(
        ("CAST({c} AS BLOB)", "CAST({c} AS INTEGER)", "julianday({c})", "strftime('%s', {c})", "CAST({c} AS REAL)",
         "substr({c}, 6, 2) || '/' || substr({c}, 9, 2) || '/' || substr({c}, 1, 4)", "upper({c})", "' ' || {c} || ' '",
         "CAST({c} AS TEXT) || '.0'")
    )  # fmt: skip
    others = ", ".join(f'"{c}"' if c != column else how.format(c=f'"{c}"') + f' AS "{c}"' for c in columns)
    data.execute(f'CREATE TABLE other AS SELECT {others} FROM "{table}"')
    data.execute(f'DROP TABLE "{table}"')
    data.execute(f'ALTER TABLE other RENAME TO "{table}"')
    return True


@_on_data
def view_instead(draft: Draft, data: Data, table: str, columns: list[str]) -> bool:
    """A view in place of a table: of its rows, of nothing, of one that fails, of one without an end."""
    data.execute(f'ALTER TABLE "{table}" RENAME TO kept_apart')
    held = ", ".join(f'"{c}"' for c in columns)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
    body = draft.rng.choice(
        (f"SELECT {held} FROM kept_apart", f"SELECT {held} FROM kept_apart WHERE 1 = 0", "SELECT * FROM not_there",
         f"{endless} SELECT {held} FROM kept_apart, n WHERE n.i < 20")
    )  # fmt: skip
    data.execute(f'CREATE VIEW "{table}" AS {body}')
    return True


@_on_data
def not_there_after_all(draft: Draft, data: Data, table: str, columns: list[str]) -> bool:
    """A scheme that says what the file does not hold."""
    data.execute("PRAGMA writable_schema = ON")
    page = draft.rng.choice((0, 1, 99_999, 7))
    data.execute("UPDATE sqlite_master SET rootpage = ? WHERE name = ?", (page, table))
    return True


DATABASE: Final[tuple[Change, ...]] = (
    odd_cells, odd_cells, odd_cells, broken_text, no_day, drop_rows, drop_rows, repeat_rows, empty_table, drop_table,
    rename_column, rename_column, drop_column, other_type, other_type, view_instead, not_there_after_all,
)  # fmt: skip
