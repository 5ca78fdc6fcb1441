"""An authority's own lists: what no national dataset holds, one list for each kind of record.

Whether a list comes as a CSV file or from a query, it is the same list: columns named as the
fields of the kind, one row a record. This module makes records of its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import Final

from alertd.cases.accounts import Ledger
from alertd.cases.kind import Field, Kind
from alertd.cases.kinds import KINDS, Fills
from alertd.cases.records import Record, Unreadable, make_record
from alertd.cases.sources.cells import reference
from alertd.cases.sources.own_cells import SLASHED, cell, written
from alertd.cases.sources.own_cells import key as key_of
from alertd.errors import InputError, did_you_mean

FILLS: Final[Fills] = {kind.name: frozenset(f.name for f in kind.fields) for kind in KINDS.values()}
"""What can be read from lists of an authority's own: everything."""

REPEATED: Final = "says no more than another row of the list"
_EVERY_SO_MANY: Final = 2_000

Progress = Callable[[str, int], None]


def required(kind: Kind) -> tuple[str, ...]:
    """The columns without which a list of this kind is not read.

    A state needs its end as well as its beginning: without the column every one would stay open.
    """
    ends = (kind.ends,) if kind.ends and kind.name != "child" else ()
    return ("child", kind.begins, *ends)


def columns_of(kind: Kind) -> tuple[str, ...]:
    """Every column a list of this kind may have, the required first."""
    first = required(kind)
    return (first[0], "key", *first[1:], *(f.name for f in kind.fields if f.name not in first))


def plain(name: str) -> str:
    """A column's name as it is compared: ``Child Seen`` is child_seen."""
    return "_".join(name.replace("_", " ").replace("-", " ").split()).lower()


def check_columns(kind: Kind, names: Sequence[str], where: str) -> None:
    """Raise InputError for a column that is unknown, there twice or lacking. ``names`` are plain; a blank
    one is a column that is passed over. ``where`` is ``file:1`` or the query."""
    known = columns_of(kind)
    if "child" not in names:
        fix = f"Begin with a line of column names: {', '.join(known)}"
        raise InputError("has no column child", where=where, fix=fix)
    for at, name in enumerate(names):
        if name and name not in known:
            fix = did_you_mean(name, known) or f"Columns of {kind.name}: {', '.join(known)}"
            raise InputError("is not a field of this kind", where=f"{where}:{_shown(name, at)}", fix=fix)
        if name and name in names[:at]:
            raise InputError("stands there twice", where=f"{where}:{name}", fix="Leave one of them out")
    for name in required(kind):
        if name not in names:
            raise InputError(f"has no column {name}", where=where, fix=f"Every list of {kind.name} needs it")


def _shown(name: str, at: int) -> str:
    """A column's name, where it looks like one: a heading that is none may be a row of data."""
    return name if len(name) <= 40 and name.isascii() and name.isidentifier() else f"column {at + 1}"


@dataclass(slots=True)
class _Row:
    child: str
    key: str | None
    values: dict[str, object]
    where: str


@dataclass
class OwnList:
    """One file or query being read. ``table`` is its name in the accounts; ``names`` its columns, plain."""

    kind: Kind
    table: str
    names: tuple[str, ...]
    ledger: Ledger
    rows: list[_Row] = field(default_factory=list)
    _ambiguous: dict[str, list[_Row]] = field(default_factory=dict)
    _month_first: dict[str, str] = field(default_factory=dict)
    _day_first: set[str] = field(default_factory=set)
    _fields: list[tuple[int, str, Field]] = field(init=False)

    def __post_init__(self) -> None:
        named = ((place, name, self.kind.field(name)) for place, name in enumerate(self.names))
        self._fields = [(place, name, declared) for place, name, declared in named if declared]

    def take(self, rows: Iterable[tuple[str, Sequence[object]]], progress: Progress | None = None) -> None:
        """Read rows: where each stands, and its cells in the order of ``names``."""
        self.ledger.of(self.table)
        n = 0
        for n, (where, found) in enumerate(rows, 1):
            self._enter(where, found)
            if progress and n % _EVERY_SO_MANY == 0:
                progress(self.table, n)
        if progress:
            progress(self.table, n)
        self._doubt_month_first()

    def _enter(self, where: str, found: Sequence[object]) -> None:
        self.ledger.of(self.table).rows += 1
        at = self.names.index("child")
        wrong = f"has {len(found)} cells for {len(self.names)} columns" if len(found) != len(self.names) else ""
        if wrong and at > 0:  # a cell too many or too few before the child would make it another child's
            self.ledger.reject(self.table, where, wrong)
            return
        child = reference(found[at])
        key = None if wrong or "key" not in self.names else key_of(found[self.names.index("key")])
        for name, value in (("child", child or Unreadable("is blank")), ("key", key)):
            if isinstance(value, Unreadable):
                self.ledger.reject(self.table, where, value.why, name)
                return
        row = _Row(str(child), str(key) if key else None, {}, where)
        for place, name, declared in self._fields:
            if wrong:
                row.values[name] = Unreadable(wrong)
            else:
                typed = cell(self.kind.name, declared, found[place])
                if typed is not None:
                    row.values[name] = typed
                if declared.type in ("date", "moment") and isinstance(found[place], str):
                    self._look_at_order(name, str(found[place]), row)
        if wrong:
            row.key = _digest(found)
        self.rows.append(row)

    def _look_at_order(self, name: str, text: str, row: _Row) -> None:
        slashed = SLASHED.match(text)
        if not slashed:
            return
        first, second = int(slashed[1]), int(slashed[2])
        if first > 12:
            self._day_first.add(name)
        elif second > 12:
            self._month_first.setdefault(name, row.where)
        elif first != second:
            self._ambiguous.setdefault(name, []).append(row)

    def _doubt_month_first(self) -> None:
        """Where some dates of a column can only be month first and none can only be day first, all that
        could be either are in doubt."""
        for name, where in self._month_first.items():
            if name not in self._day_first:
                for row in self._ambiguous.get(name, ()):
                    row.values[name] = Unreadable(f"may be written month first, as that of {where} is")
        self._ambiguous.clear()


def records_of(lists: Iterable[OwnList]) -> Iterator[Record]:
    """The records of all lists, and in their ledgers what became of each row."""
    by_kind: dict[str, list[OwnList]] = {}
    for each in lists:
        by_kind.setdefault(each.kind.name, []).append(each)
    for kind, of_kind in by_kind.items():
        yield from _records(KINDS[kind], of_kind)


def lacking(lists: Iterable[OwnList]) -> frozenset[str]:
    """The fields, as ``kind.field``, for which no list of their kind has a column."""
    there: dict[str, set[str]] = {}
    for each in lists:
        there.setdefault(each.kind.name, set()).update(each.names)
    return frozenset(
        f"{kind}.{f.name}" for kind, names in there.items() for f in KINDS[kind].fields if f.name not in names
    )


def _records(kind: Kind, lists: Sequence[OwnList]) -> Iterator[Record]:
    every = {name for each in lists for name in each.names if kind.field(name)}
    keyed: dict[tuple[str, str], list[tuple[_Row, OwnList]]] = {}
    unkeyed: dict[tuple[str, str], list[tuple[_Row, OwnList]]] = {}
    for each in lists:
        absent = {name: Unreadable(f"{each.table} has no column {name}", "window") for name in every - {*each.names}}
        for row in each.rows:
            row.values.update(absent)
            key = row.key or (row.child if kind.name == "child" else None)
            group = (
                keyed.setdefault((row.child, key), [])
                if key
                else unkeyed.setdefault((row.child, _anchor(kind, row.values)), [])
            )
            group.append((row, each))
        each.rows = []
    for (child, anchor), group in unkeyed.items():
        for key, named in _numbered(child, anchor, _without_repeats(group), kind, keyed):
            keyed[child, key] = [named]
    while keyed:  # let go of each as its record is made: there may be hundreds of thousands
        (child, key), group = keyed.popitem()
        told = _without_repeats(group)
        for _, each in told:
            each.ledger.of(each.table).used += 1
        yield make_record(kind.name, child, key, told[0][0].where, _merged([row for row, _ in told]))


def _anchor(kind: Kind, values: Mapping[str, object]) -> str:
    """What a row without a key is known by: the day it began, else its first other day, else what it holds."""
    days = (values.get(name) for name in (kind.begins, *(f.name for f in kind.fields)))
    return next((written(day) for day in days if isinstance(day, date)), None) or _digest(values.items())


def _digest(content: Iterable[object]) -> str:
    return blake2b(repr([*content]).encode("utf-8", "replace"), digest_size=6).hexdigest()


def _without_repeats(group: Sequence[tuple[_Row, OwnList]]) -> list[tuple[_Row, OwnList]]:
    if len(group) == 1:
        return [*group]
    kept: dict[str, tuple[_Row, OwnList]] = {}
    for row, each in group:
        if kept.setdefault(_content(row), (row, each))[0] is not row:
            each.ledger.of(each.table).aside[REPEATED] += 1
    return [*kept.values()]


def _content(row: _Row) -> str:
    return repr(sorted((name, str(value)) for name, value in row.values.items()))


def _numbered(
    child: str,
    anchor: str,
    group: list[tuple[_Row, OwnList]],
    kind: Kind,
    taken: Mapping[tuple[str, str], object],
) -> Iterator[tuple[str, tuple[_Row, OwnList]]]:
    """A key for each row of one day. Rows are put in order by their codes and links first, which change
    least, so that neither the order of the rows nor a date filled in later changes a key."""
    texts = [f.name for f in kind.fields if f.type == "text"]

    def order(one: tuple[_Row, OwnList]) -> tuple[list[str], str]:
        return [str(one[0].values.get(name, "")) for name in texts], _content(one[0])

    n = 0
    for row in sorted(group, key=order) if len(group) > 1 else group:
        n += 1
        while (child, key := anchor if n == 1 else f"{anchor} {n}") in taken:
            n += 1
        yield key, row


def _merged(rows: Sequence[_Row]) -> dict[str, object]:
    """The values of rows with one key: what one leaves blank another may fill, and what differs is a conflict."""
    found = rows[0].values
    for row in rows[1:]:
        for name, value in row.values.items():
            if found.setdefault(name, value) != value:
                found[name] = Unreadable(f"differs from that of {row.where}, which has the same key", "conflict")
    return found
