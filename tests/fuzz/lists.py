"""What can befall a CSV file: its columns, rows, cells, delimiter, quotes and encoding."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Final

from tests.fuzz import odd
from tests.fuzz.damage import Change
from tests.fuzz.feeds import CANARY, Draft

Grid = list[list[str]]
_DAYS: Final = {
    "episodes.csv": ("DECOM", "DEC"),
    "reviews.csv": ("REVIEW",),
    "missing.csv": ("MIS_START", "MIS_END"),
    "sw_episodes.csv": ("SW_DECOM", "SW_DEC"),
    "need.csv": ("identified", "happened", "start"),
    "cp_visit.csv": ("happened", "recorded"),
    "list_1.csv": ("Date of Contact",),
    "list_3.csv": ("Date of referral",),
}
"""Columns of days that are read, of the made feeds."""


def _grid(data: bytes) -> Grid | None:
    try:
        return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error):
        return None


def _bytes(grid: Grid, delimiter: str = ",", **how: object) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, **how).writerows(grid)  # type: ignore[arg-type]
    return text.getvalue().encode("utf-8", "surrogatepass")


def _on_grid(change: Callable[[Draft, str, Grid], bool]) -> Change:
    def changed(draft: Draft) -> bool:
        name = draft.file(".csv")
        grid = _grid(draft.files[name]) if name else None
        if (
            not name
            or not grid
            or len(grid) < 2
            or not grid[0]
            or name == "manifest.csv"
            or not change(draft, name, grid)
        ):
            return False
        draft.files[name] = _bytes(grid)
        return True

    changed.__name__ = change.__name__
    return changed


@_on_grid
def plant(draft: Draft, _: str, grid: Grid) -> bool:
    """The canary in a few cells."""
    for _ in range(draft.rng.randint(1, 3)):
        row = draft.rng.choice(grid[1:])
        row[draft.rng.randrange(len(row))] = CANARY
    return True


@_on_grid
def odd_cells(draft: Draft, _: str, grid: Grid) -> bool:
    for _ in range(draft.rng.choice((1, 3, 20))):
        row = draft.rng.choice(grid[1:])
        row[draft.rng.randrange(len(row))] = odd.cell(draft.rng)
    return True


@_on_grid
def odd_column(draft: Draft, _: str, grid: Grid) -> bool:
    """One column full of the same odd sort."""
    at = draft.rng.randrange(len(grid[0]))
    for row in grid[1:]:
        row[at : at + 1] = [odd.cell(draft.rng)]
    return True


@_on_grid
def month_first(draft: Draft, _: str, grid: Grid) -> bool:
    """Every day of the file with its month first."""
    for row in grid[1:]:
        row[:] = ["/".join([p[1], p[0], p[2]]) if len(p := cell.split("/")) == 3 else cell for cell in row]
    return True


@_on_grid
def no_day(draft: Draft, name: str, grid: Grid) -> bool:
    """A day that is read becomes a name: something must be said of it."""
    wanted = [c for c in _DAYS.get(name, ()) if c.lower() in [h.lower() for h in grid[0]]]
    if not wanted or draft.given.name.startswith("sample"):
        return False
    at = [h.lower() for h in grid[0]].index(draft.rng.choice(wanted).lower())
    draft.rng.choice(grid[1:])[at] = CANARY
    draft.lost = name
    return True


@_on_grid
def drop_rows(draft: Draft, name: str, grid: Grid) -> bool:
    n = draft.rng.randint(1, min(len(grid) - 1, 20))
    for _ in range(n):
        row = grid.pop(draft.rng.randrange(1, len(grid)))
        draft.rows[name] = draft.rows.get(name, 0) - any(cell.strip() for cell in row)
    return True


@_on_grid
def repeat_rows(draft: Draft, name: str, grid: Grid) -> bool:
    for _ in range(draft.rng.randint(1, 20)):
        row = draft.rng.choice(grid[1:])
        grid.insert(draft.rng.randrange(1, len(grid) + 1), list(row))
        draft.rows[name] = draft.rows.get(name, 0) + any(cell.strip() for cell in row)
    return True


@_on_grid
def shuffle_rows(draft: Draft, name: str, grid: Grid) -> bool:
    rows = grid[1:]
    draft.rng.shuffle(rows)
    grid[1:] = rows
    draft.rows[name] = 0
    return True


@_on_grid
def blank_rows(draft: Draft, name: str, grid: Grid) -> bool:
    grid.insert(draft.rng.randrange(1, len(grid) + 1), [""] * draft.rng.randint(1, len(grid[0])))
    draft.rows[name] = 0
    return True


@_on_grid
def ragged_rows(draft: Draft, name: str, grid: Grid) -> bool:
    """Cells too many or too few."""
    for _ in range(draft.rng.randint(1, 6)):
        row = draft.rng.choice(grid[1:])
        if draft.rng.random() < 0.5 and row:
            del row[draft.rng.randrange(len(row)) :]
        else:
            row.insert(draft.rng.randrange(len(row) + 1), odd.cell(draft.rng))
    return True


@_on_grid
def drop_column(draft: Draft, _: str, grid: Grid) -> bool:
    at = draft.rng.randrange(len(grid[0]))
    for row in grid:
        del row[at : at + 1]
    return True


@_on_grid
def repeat_column(draft: Draft, _: str, grid: Grid) -> bool:
    at, to = draft.rng.randrange(len(grid[0])), draft.rng.randrange(len(grid[0]) + 1)
    for row in grid:
        row.insert(to, row[at] if at < len(row) else "")
    return True


@_on_grid
def rename_column(draft: Draft, _: str, grid: Grid) -> bool:
    at, rng = draft.rng.randrange(len(grid[0])), draft.rng
    old = grid[0][at]
    grid[0][at] = rng.choice((old.upper(), old.lower(), f" {old} ", f"{old}s", "x", "", odd.cell(rng), old[::-1]))
    return True


@_on_grid
def reorder_columns(draft: Draft, name: str, grid: Grid) -> bool:
    order = list(range(len(grid[0])))
    draft.rng.shuffle(order)
    if all(len(row) == len(order) for row in grid):
        grid[:] = [[row[at] for at in order] for row in grid]
        draft.rows[name] = 0
    return True


@_on_grid
def no_heading(draft: Draft, _: str, grid: Grid) -> bool:
    """The heading is gone, or stands lower down, or twice."""
    heading = grid.pop(0)
    if draft.rng.random() < 0.6:
        grid.insert(draft.rng.randrange(min(len(grid), 12) + 1), heading)
    if draft.rng.random() < 0.3:
        grid.insert(0, ["Extract of 31/03/2026", odd.cell(draft.rng)])
    return True


@_on_grid
def huge_cell(draft: Draft, _: str, grid: Grid) -> bool:
    row = draft.rng.choice([row for row in grid if row] or [[""]])
    row[draft.rng.randrange(len(row))] = draft.rng.choice(("y", "é", '"', "\n", "1")) * draft.rng.choice(
        (70_000, 2_000_000)
    )
    return True


@_on_grid
def many_columns(draft: Draft, _: str, grid: Grid) -> bool:
    row = draft.rng.choice((grid[0], draft.rng.choice(grid)))
    row.extend(odd.cell(draft.rng)[:20] for _ in range(draft.rng.choice((30, 5000))))
    return True


def other_delimiter(draft: Draft) -> bool:
    name = draft.file(".csv")
    grid = _grid(draft.files[name]) if name else None
    if not name or not grid:
        return False
    draft.files[name] = _bytes(
        grid, draft.rng.choice(";\t|:"), quoting=draft.rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    )
    return True


def broken_quotes(draft: Draft) -> bool:
    name = draft.file(".csv")
    if not name:
        return False
    data = draft.files[name]
    for _ in range(draft.rng.randint(1, 3)):
        at = draft.rng.randrange(len(data) + 1)
        data = data[:at] + draft.rng.choice((b'"', b'""', b',"', b'"\n', b"'")) + data[at:]
    draft.files[name] = data
    return True


def other_lines(draft: Draft) -> bool:
    """Other ends of line; none at the end."""
    name = draft.file(".csv")
    if not name:
        return False
    data = draft.files[name].replace(b"\r\n", b"\n")
    data = data.replace(b"\n", draft.rng.choice((b"\r", b"\r\n", b"\n\n", b"\r\r\n", "\u2028".encode(), b"\n")))
    draft.files[name] = data.rstrip(b"\r\n") if draft.rng.random() < 0.5 else data
    return True


def other_encoding(draft: Draft) -> bool:
    name = draft.file(".csv")
    if not name:
        return False
    text = draft.files[name].decode("utf-8-sig", "replace")
    text = text[: len(text) // 2] + draft.rng.choice(("", "é", "Zoë", "’", "ß")) + text[len(text) // 2 :]
    how = draft.rng.choice(
        ("latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "utf-7", "cp037")
    )
    data = text.encode(how, "replace")
    draft.files[name] = (b"\xef\xbb\xbf" + data) if draft.rng.random() < 0.15 else data
    return True


CSV: Final[tuple[Change, ...]] = (
    odd_cells, odd_cells, odd_cells, odd_column, odd_column, month_first, no_day, no_day, drop_rows, drop_rows,
    repeat_rows, repeat_rows, shuffle_rows, blank_rows, ragged_rows, drop_column, repeat_column, rename_column,
    rename_column, reorder_columns, no_heading, huge_cell, many_columns, other_delimiter, broken_quotes, other_lines,
    other_encoding, other_encoding,
)  # fmt: skip
