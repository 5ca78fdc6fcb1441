"""``alertd sources kinds``: the lists an authority can give of its own, and how each is laid out."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.table import Table

from alertd.cases.kind import FEEDS, FeedCode, Field, Kind
from alertd.cases.kinds import KINDS
from alertd.cases.sources.cells import LONGEST
from alertd.cases.sources.own_cells import CODES
from alertd.cases.sources.own_example import example
from alertd.cases.sources.own_lists import columns_of, required
from alertd.cli.coverage import shipped
from alertd.cli.output import console
from alertd.errors import InputError, did_you_mean
from alertd.rulebook.coverage import Row

sources_app = typer.Typer(help="What alertd can read, and how it has to look.", no_args_is_help=True)

NATIONAL: Final[dict[FeedCode, str]] = {
    "ssd": "SSD",
    "annex_a": "Annex A",
    "cin": "CIN",
    "903": "903",
    "api": "CSC API",
}
"""The national feeds as headings."""

_INTRODUCTION: Final = """\
# The layout of an authority's own lists

<!-- Generated. Do not edit; run: alertd sources kinds --format md > docs/csv-layout.md -->

What no national dataset holds, an authority gives itself: needs and planned actions, core groups, supervision,
personal education plans, return interviews, notices sent. Each kind of record is a list of its own. A list is a CSV
file, or the answer to a query of yours; the columns are the same.

## How to begin

1. Look below for the lists for which most rules wait, and pick one that some system or spreadsheet already holds.
2. `alertd sources kinds KIND --format csv` prints its heading: `alertd sources kinds need --format csv > need.csv`.
3. Fill it, one row a record, and put the file in a folder. The whole of a kind belongs in the list, not what is new.
4. Point a feed of kind `csv` at the folder. A rule is measured as soon as every list that it needs is there.

A list with a heading and no row says that there is no such record. A list that is not there says nothing, and its
rules are not measured: do not put empty files where you cannot tell.

## Files

* A file is named for its kind: `need.csv`, or in parts `need-2025.csv`, `need-2026.csv`. A CSV file with another name
  is refused; files of other types are named in a note and left alone.
* The first line names the columns, in any order; capitals, spaces and hyphens do not matter (`Child Seen`). A column
  that is no field of the kind is refused: names, addresses and notes do not belong here. A column that is not required
  may be left out; then the rules that need it are not measured.
* UTF-8 or Windows-1252, with commas, semicolons or tabs, with any line ends. Up to 25 MB a file.
* A row that cannot be read is rejected by its line and column, and never dropped without a word.

## Columns

* **child** is the authority's person number, as in the other feeds: always text, so that leading zeros stay. Where a
  title says that a kind is filed under a carer or a member of staff, it is that person's own reference.
* **key** is what your system knows the record by. It has to stay the same from day to day, and to be one of a kind for
  the child. Without a key a record is known by the day it began (by its first other day, where that is blank), and the
  second of the same child and day by that day and a number. Give keys wherever two of a kind can fall on one day, and
  for needs, planned actions and whatever else others link to. Two rows with the same child and key are one record: one
  fills what the other leaves blank, and where they differ the field is in doubt. Rows that say the same are taken once.
* **Dates** are `2026-03-31` or `31/03/2026`, the day first, always. Where some dates of a column can only be written
  month first, those that could be either are in doubt. 1900-01-01 and 9999-12-31 are no dates, and in doubt too.
* **Moments** are a date and a time: `2026-03-31T14:05`, `31/03/2026 14:05`. Without an offset (`+01:00`, `Z`) they are
  in London time. Where only the day is known, give the day.
* **yes/no** is yes or no, Y or N, true or false, 1 or 0. **Numbers** are whole.
* **Codes** are those that stand with the column; any other word there is in doubt. **Text** is a code or a reference of
  your own, of up to LONGEST characters: prose is not read.
* A cell left blank is not recorded. For the end of something that means: still open.

## Links

A column of type *key of …* names another record of the same child. Give its key; or the day on which it began, as
`2026-03-02`, or the minute, as `2026-03-02T14:05`, which helps where the other record comes from another feed whose
keys you do not know. Where not exactly one began then, the link is in doubt. `about` of agency_notice takes the key of
any kind of record; a day in it is taken for a key that is that day.

## Which days a list speaks for

That a record is *not* in a list is proof only for the days the list speaks for: without more, all days up to the one on
which its file was last written. A file of Monday says nothing of Tuesday, and what depends on Tuesday is then unknown.
`windows.csv` in the folder says otherwise:

```csv
kind,from,to
core_group,2025-04-01,
supervision,,now
pep,2024-09-01,2026-07-31
```

A blank `from` is always, a blank `to` the day of the file, and `now` says that the list is kept up as things happen.

## A manifest

An extract that was cut short on its way looks like one with less to say. `manifest.csv` in the folder guards against
that: a line for each file, with its rows (heading and blank lines not counted), its SHA-256, or both.

```csv
file,rows,sha256
need.csv,412,
planned_action.csv,1280,9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
```

When a file that it names is not there, or a figure does not agree, the whole reading is refused, and what was read last
stays in force. Write the manifest last.

## Queries

Instead of files, a feed of kind `sql` has a query for each kind, each a single SELECT whose columns are named as here:

```sql
SELECT person_id AS child, need_id AS key, found_on AS happened, ended_on AS closed, need_code AS type FROM needs
```

They stand in the settings (`[feed.queries]`, `need = "SELECT …"`) or as files in a folder, named `need.sql`. They are
run in a transaction that only reads. Whatever would change anything is refused, and so is a column that is no field.
"""


class KindsFormat(StrEnum):
    """How the kinds are printed."""

    table = "table"
    md = "md"
    jsonl = "jsonl"
    csv = "csv"


@sources_app.callback()
def _group() -> None:
    """A group stays one, also while it has a single command."""


@sources_app.command("kinds")
def show_kinds(
    kind: Annotated[str | None, typer.Argument(help="A kind of record, as need; all without it.")] = None,
    format_: Annotated[
        KindsFormat,
        typer.Option("--format", help="table, md (the page in docs), jsonl, or csv: the empty list of KIND."),
    ] = KindsFormat.table,
) -> None:
    """Show how lists of an authority's own are laid out, and which rules wait for them."""
    if kind is not None and kind not in KINDS:
        raise InputError(f"{kind!r} is not a kind of record", fix=did_you_mean(kind, KINDS) or "List them without one")
    chosen = [KINDS[kind]] if kind else [*KINDS.values()]
    if format_ is KindsFormat.csv:
        if kind is None:
            raise InputError("--format csv prints the heading of one list", fix="Name its kind: need --format csv")
        csv.writer(sys.stdout, lineterminator="\n").writerow(columns_of(chosen[0]))
        return
    rows = shipped()
    if format_ is KindsFormat.md:
        print(page(rows) if kind is None else "\n".join(_section(chosen[0], rows)).rstrip() + "\n", end="")
    elif format_ is KindsFormat.jsonl:
        for one in chosen:
            print(json.dumps(_as_json(one, rows), ensure_ascii=False))
    elif kind:
        _print_table(("column", "type", "required", "meaning", *NATIONAL.values()), _fields(chosen[0]))
    else:
        _print_table(("kind", "title", "rules", "alone", "national feeds"), [_in_brief(one, rows) for one in chosen])


def page(rows: Sequence[Row]) -> str:
    """The layout as a Markdown page. ``rows`` is the coverage of the rules that are shipped."""
    return "\n".join(_page(rows)).rstrip() + "\n"


def _page(rows: Sequence[Row]) -> Iterator[str]:
    yield _INTRODUCTION.replace("LONGEST", str(LONGEST))
    yield "## Which lists unlock most\n"
    yield "For each kind: how many enabled rules of England and Wales need it, and how many more an authority with a"
    yield "full SSD can measure if it gives this list *alone*. Lists that unlock nothing alone do so together.\n"
    yield from _table(
        ("kind", "title", "rules", "alone", "national feeds"),
        sorted(
            (_in_brief(kind, rows) for kind in KINDS.values()), key=lambda row: (-int(row[3]), -int(row[2]), row[0])
        ),
        link=True,
    )
    yield "\nLists of which more than one is lacking beside a full SSD, and how many rules they unlock together:\n"
    yield from _table(("lists", "rules"), [(", ".join(kinds), str(n)) for kinds, n in _together(rows)])
    yield "\n## The lists\n"
    yield "Under each feed, `x`: it can hold the column, so that no list is needed for it where that feed is read.\n"
    for kind in KINDS.values():
        yield from _section(kind, rows)


def _section(kind: Kind, rows: Sequence[Row]) -> Iterator[str]:
    yield f"### {kind.name}\n"
    yield f"{kind.title}.\n"
    yield from _table(("column", "type", "required", "meaning", *NATIONAL.values()), _fields(kind))
    made_up = example(kind)
    yield f"\n```csv\n{','.join(made_up)}\n{','.join(made_up.values())}\n```\n"
    needed = needing(kind, rows)
    off = sum(kind.name in row.kinds and not row.rule.enabled for row in rows)
    waiting = f" Shipped disabled and in need of it: {off}." if off else ""
    yield f"Rules: {', '.join(needed)}.{waiting}\n" if needed else f"No enabled rule needs it.{waiting}\n"


def needing(kind: Kind, rows: Iterable[Row]) -> list[str]:
    """The enabled rules that cannot be measured without this kind."""
    return [row.rule.id for row in rows if row.rule.enabled and kind.name in row.kinds]


def alone(kind: Kind, rows: Iterable[Row]) -> list[str]:
    """The enabled rules that the SSD cannot measure, and for which this list is all that is lacking beside it."""
    return [row.rule.id for row in rows if _beside_ssd(row) == {kind.name}]


def _together(rows: Iterable[Row]) -> list[tuple[tuple[str, ...], int]]:
    found = Counter(tuple(sorted(lists)) for row in rows if len(lists := _beside_ssd(row)) > 1)
    return sorted(found.items(), key=lambda each: (-each[1], each[0]))


def _beside_ssd(row: Row) -> set[str]:
    """The kinds that an enabled rule needs lists of, beside all that the SSD can hold."""
    reach = row.feeds["ssd"]
    if not row.rule.enabled or reach.status != "-":
        return set()
    return {name.removeprefix("latest ").partition(".")[0] for name in reach.lacking}


def _in_brief(kind: Kind, rows: Sequence[Row]) -> tuple[str, ...]:
    held = ", ".join(NATIONAL[feed] for feed in kind.feeds if feed in NATIONAL)
    return (kind.name, kind.title, str(len(needing(kind, rows))), str(len(alone(kind, rows))), held or "-")


def _fields(kind: Kind) -> list[tuple[str, ...]]:
    return [_field(kind, name) for name in columns_of(kind)]


def _field(kind: Kind, name: str) -> tuple[str, ...]:
    must = "yes" if name in required(kind) else ""
    field = kind.field(name)
    if field is None:
        meaning = "whose record it is" if name == "child" else "what your system knows the record by"
        return (name, "text", must, meaning, *("x" if f in kind.feeds else "" for f in NATIONAL))
    held = ("x" if feed in kind.feeds_of(name) else "" for feed in NATIONAL)
    return (name, _type(kind, field), must, field.meaning, *held)


def _type(kind: Kind, field: Field) -> str:
    if field.links:
        return f"key of {field.links}"
    return "code" if f"{kind.name}.{field.name}" in CODES else field.type


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]], *, link: bool = False) -> Iterator[str]:
    yield f"| {' | '.join(heading)} |"
    yield f"|{' --- |' * len(heading)}"
    for first, *others in rows:
        cells = [f"[{first}](#{first})" if link else first, *(re.sub(r"[|*]", r"\\\g<0>", cell) for cell in others)]
        yield f"| {' | '.join(cells)} |"


def _print_table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(*heading, box=None, header_style="bold")
    for row in rows:
        table.add_row(*row)
    console().print(table)


def _as_json(kind: Kind, rows: Sequence[Row]) -> dict[str, object]:
    columns = []
    for name in columns_of(kind):
        field = kind.field(name)
        columns.append(
            {
                "name": name,
                "type": field.type if field else "text",
                "required": name in required(kind),
                "meaning": _field(kind, name)[3],
                "codes": list(CODES.get(f"{kind.name}.{name}", ())),
                "links": field.links if field else None,
                "feeds": [feed for feed in (kind.feeds_of(name) if field else kind.feeds) if feed in FEEDS],
            }
        )
    return {
        "kind": kind.name,
        "title": kind.title,
        "columns": columns,
        "rules": needing(kind, rows),
        "alone": alone(kind, rows),
        "example": example(kind),
    }
