"""The SSDA903 return (looked-after children, England): CSV or XML, one or more years.

An annual snapshot, for history, back-testing and demonstration. It says nothing of children
before or after the returns in which they appear.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Final

from alertd.cases.accounts import Account, Ledger
from alertd.cases.kinds import Fills, unfilled
from alertd.cases.reading import Progress, add
from alertd.cases.records import Record, Snapshot, Unreadable, Window, case_files, make_record
from alertd.cases.sources.cells import ident, reference
from alertd.cases.sources.dates import uk_day
from alertd.cases.sources.ssda903_episodes import (
    RESTATED,
    SHORT_BREAK,
    SHORT_BREAKS,
    Episodes,
    looked_after,
    read_episodes,
)
from alertd.cases.sources.ssda903_files import read_files
from alertd.cases.sources.ssda903_tables import SIGNATURES, File, no_child, refuse_month_first
from alertd.cases.sources.years import refuse_damaged, unbroken, year_of
from alertd.errors import InputError

_TABLES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "episodes": {
        "care_period": ("start", "end"),
        "placement": ("start", "end", "type", "change_reason"),
        "legal_status": ("start", "end", "status"),
    },
    "header": {"child": ("born",)},
    "reviews": {"cla_review": ("happened",)},
    "missing": {"missing": ("start", "end", "type")},
    "sw_episodes": {"allocation": ("start", "end", "worker", "role", "team_only")},
}
"""Each table that is read, with the kinds it fills and their fields."""
FILLS: Final[Fills] = {kind: frozenset(filled) for kinds in _TABLES.values() for kind, filled in kinds.items()}
"""What is read of a return that has all these tables."""
_STATES: Final = {
    "missing": ("missing", "MIS_START", "MIS_END", "MISSING"),
    "sw_episodes": ("allocation", "SW_DECOM", "SW_DEC", "SW_ID"),
}
_MISSING: Final = {"M": "missing", "A": "away"}

_FEW: Final = 0.01
"""The share of episodes below which a year is taken for a slip of the pen. Our own choice."""
_MANY: Final = 20
"""Children from which on a table of workers that names less than half of them is taken for one that is not filled:
each looked-after child has a worker. Our own choice."""

Return = tuple[Window, File, Episodes]


def _day(name: str, text: str) -> date | Unreadable | None:
    value = uk_day(text)
    return Unreadable(f"{name} {value.why}") if isinstance(value, Unreadable) else value


def read(
    path: Path,
    *,
    as_of: datetime | None = None,  # noqa: ARG001
    window: Window | None = None,
    progress: Progress | None = None,
) -> Snapshot:
    """Read every return in a folder, or one file: tables known by their columns, whatever the files are called.

    The window is the year to 31 March holding the latest DECOM of an episodes table; of several
    returns, their unbroken run up to the latest. A child's own window is that of the returns whose
    episodes name it. ``window`` overrides both. ``as_of`` is there for every reader: what a return says
    is the same whenever it is read. ``progress`` is told each table and its rows.
    Raises InputError (file:line where there is one) when the folder or a file cannot be used.
    """
    files, strangers = read_files(path, progress)
    for file in files:
        refuse_month_first(file)
    returns = _returns(files, path)
    tally: Counter[str] = Counter()
    merged, windows = _merge(returns)
    overall = window or unbroken(years for years, _, _ in returns)
    own = {child: window or unbroken(seen) for child, seen in windows.items()}
    records = [
        record
        for child, episodes in merged.items()
        for record in looked_after(child, episodes.values(), own[child], tally)
    ]
    records += [*_children(files), *_reviews(files), *_states(files)]
    late = sum(1 for r in records if overall.end and (day := r.day("happened")) and day > overall.end)
    tally[f"reviews after {overall.end}, the last day of the latest return: give its window where it is another"] = late
    total = Ledger()
    for file in files:
        refuse_damaged(file.ledger)
        if file.table not in _TABLES:
            file.account.aside[f"{file.table}: recognised, not used yet"] += file.account.rows - file.account.rejected
        add(total, file.ledger)
    if window is None:  # a child without episodes: the earliest return, which claims the least
        own = {record.child: returns[0][0] for record in records} | own
    holds, unheld = _holds(files, len({years for years, _, _ in returns}))
    with_worker = len({record.child for record in records if record.kind == "allocation"})
    if "allocation" in holds and len(merged) >= _MANY and with_worker < len(merged) / 2:
        holds -= {"allocation"}
        unheld.append(f"sw_episodes: names {with_worker:,} of {len(merged):,} children, so it is taken for not filled")
    tally["rows rejected"] = len(total.rejects)
    said = (*(f"{n} {what}" for what, n in tally.items() if n), *unheld, *(file.note for file in files if file.note))
    return Snapshot(
        source=f"ssda903:{path.as_posix()}",
        cases=case_files(records, overall, own),
        holds=holds,
        window=overall,
        accounts=total.accounts,
        rejects=tuple(total.rejects),
        notes=(*said, *total.notes(), *(f"{name}: not a table of the return, left alone" for name in strangers)),
        lacks=unfilled(FILLS),
    )


def _returns(files: Iterable[File], path: Path) -> list[Return]:
    """Each episodes table with its year, the earliest first."""
    found: list[Return] = []
    for file in files:
        if file.table == "episodes":
            if not file.account.rows:
                raise InputError("holds no episodes", where=f"{file.name}:1", fix="Export it again.")
            episodes = read_episodes(file)
            refuse_damaged(file.ledger)
            found.append((_year(file, [start for starts in episodes.values() for start in starts]), file, episodes))
    if not found:
        others = ", ".join(f"{file.table} ({file.name})" for file in files) or "no table of the return"
        raise InputError(
            "there is no episodes table here",
            where=str(path),
            fix=f"One CSV file needs the columns {', '.join(SIGNATURES['episodes'])}. Found: {others}.",
        )
    return sorted(found, key=lambda each: (each[0].end, each[1].name))


def _year(file: File, starts: list[date]) -> Window:
    """The year of a return: the latest in which more than a few of its episodes began.

    One day written in a wrong year would otherwise move the year, and leave nothing to be told of any child.
    """
    began = Counter(year_of(start).end for start in starts)
    latest = max(end for end, n in began.items() if end and n >= _FEW * len(starts))
    if later := sum(n for end, n in began.items() if end and end > latest):
        file.add_note(
            f"{later} of {len(starts):,} episodes begin after {latest.isoformat()}, its year's end by the rest"
        )
    return year_of(latest)


def _merge(returns: Iterable[Return]) -> tuple[Episodes, dict[str, list[Window]]]:
    """Episodes by child and DECOM, the later return's where two state one; and each child's years."""
    merged: Episodes = {}
    windows: dict[str, list[Window]] = {}
    of: dict[tuple[str, date], Account] = {}
    for years, file, episodes in returns:
        for child, found in episodes.items():
            for start in found:
                earlier = of.get((child, start))
                if earlier:
                    earlier.aside[RESTATED] += 1
                of[child, start] = file.account
            merged.setdefault(child, {}).update(found)
            windows.setdefault(child, []).append(years)
    for (child, start), account in of.items():
        if merged[child][start].status in SHORT_BREAKS:
            account.aside[SHORT_BREAK] += 1
        else:
            account.used += 1
    return merged, windows


def _children(files: Iterable[File]) -> Iterator[Record]:
    """One record a child, from the header and every other table that repeats the date of birth."""
    found: dict[str, tuple[date | Unreadable | None, str]] = {}
    for file in sorted(files, key=lambda f: f.table != "header"):
        if "DOB" not in file.columns:
            continue
        for where, (child, text) in file.rows("CHILD", "DOB"):
            nobody = no_child(child)
            if file.table == "header" and nobody:
                file.reject(where, nobody, "CHILD")
            elif file.table == "header":
                file.account.used += 1
            if nobody:
                continue
            born = _day("DOB", text)
            known, place = found.setdefault(child, (born, where))
            if known is None:
                found[child] = (born, where)
            elif isinstance(known, date) and isinstance(born, date) and known != born:
                found[child] = (Unreadable(f"dates of birth differ, see also {where}", "conflict"), place)
    for child, (born, where) in found.items():
        yield make_record("child", child, child, where, {"born": born})


def _rows(file: File, *names: str) -> Iterator[tuple[str, str, list[str]]]:
    """(where, child, the named cells) of each row; a row without a child is rejected."""
    for where, (child, *cells) in file.rows("CHILD", *names):
        if nobody := no_child(child):
            file.reject(where, nobody, "CHILD")
        else:
            yield where, child, cells


class _Keys:
    """Keys of records: their day; of those without one, their number among the child's own."""

    def __init__(self) -> None:
        self._undated: Counter[tuple[str, str]] = Counter()

    def of(self, kind: str, child: str, day: object) -> str:
        if isinstance(day, date):
            return day.isoformat()
        self._undated[kind, child] += 1
        return f"undated {self._undated[kind, child]}"


def _reviews(files: Iterable[File]) -> Iterator[Record]:
    seen: set[tuple[str, str]] = set()
    keys = _Keys()
    for file in files:
        if file.table != "reviews":
            continue
        for where, child, (text,) in _rows(file, "REVIEW"):
            held = _day("REVIEW", text) or Unreadable("REVIEW is blank")
            key = keys.of("cla_review", child, held)
            if (child, key) in seen:
                file.account.aside["stand again (same child and day)"] += 1
                continue
            seen.add((child, key))
            file.account.used += 1
            yield make_record("cla_review", child, key, where, {"happened": held})


def _states(files: Iterable[File]) -> Iterator[Record]:
    """Missing episodes and allocations. Returns restate an open one every year: a known end wins
    over a blank one, and two ends are a conflict."""
    found: dict[tuple[str, str, str], tuple[str, dict[str, object]]] = {}
    keys = _Keys()
    for file in files:
        if file.table not in _STATES:
            continue
        kind, first, last, code = _STATES[file.table]
        for where, child, (begins, ends, coded) in _rows(file, first, last, code):
            start, end = _day(first, begins) or Unreadable(f"{first} is blank"), _day(last, ends)
            raw: dict[str, object] = {"start": start, "end": end}
            key = keys.of(kind, child, start)
            if kind == "missing":
                raw["type"] = _MISSING.get(coded.upper(), "")
                # Days have no time: away, back and missing again on one day are two episodes.
                key = f"{key} away" if raw["type"] == "away" else key
            else:
                worker = reference(coded)
                key, raw["worker"], raw["role"] = f"{key} {ident(coded) or ''}".strip(), worker, "CW"
                raw["team_only"] = worker is None
            _, known = found.setdefault((kind, child, key), (where, raw))
            if known is raw:
                file.account.used += 1
                continue
            file.account.aside["stated again (same child and start): an end is taken over"] += 1
            if known["end"] is None:
                known["end"] = end
            elif end is not None and end != known["end"]:
                known["end"] = Unreadable(f"{last} differs, see also {where}", "conflict")
    for (kind, child, key), (where, raw) in found.items():
        yield make_record(kind, child, key, where, raw)


def _holds(files: Iterable[File], years: int) -> tuple[frozenset[str], list[str]]:
    """The kinds held, and why others are not. Of a table with fewer files than there are years,
    or with no row at all, silence proves nothing."""
    rows: dict[str, list[int]] = {}
    for file in files:
        rows.setdefault(file.table, []).append(file.account.rows)
    held: set[str] = set()
    notes = []
    for table, kinds in _TABLES.items():
        full = sum(1 for n in rows.get(table, ()) if n)
        if full >= years or (full and table in ("episodes", "header")):
            held.update(kinds)
        elif table in rows:
            what = f"{full} files with rows for {years} returns" if years > 1 else "no rows"
            notes.append(f"{table}: {what}, so rules that need {', '.join(kinds)} are not measured")
    return frozenset(held), notes
