"""The SSDA903 return (looked-after children, England): CSV files in a folder, one or more years.

An annual snapshot, for history, back-testing and demonstration. It says nothing of children
before or after the returns in which they appear.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from alertd.cases.accounts import Account, Reject
from alertd.cases.kinds import Fills, unfilled
from alertd.cases.records import Record, Snapshot, Unreadable, Window, case_files, make_record
from alertd.cases.sources.dates import uk_day
from alertd.cases.sources.ssda903_episodes import RESTATED, Episodes, looked_after, read_episodes
from alertd.cases.sources.ssda903_files import SIGNATURES, File, read_files, refuse_damaged
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

Return = tuple[Window, File, Episodes]


def _day(name: str, text: str) -> date | Unreadable | None:
    value = uk_day(text)
    return Unreadable(f"{name} {value.why}") if isinstance(value, Unreadable) else value


def read(folder: Path, *, window: Window | None = None, progress: Callable[[str, int], None] | None = None) -> Snapshot:
    """Read every return in ``folder``: all tables known by their columns, whatever the files are called.

    The window is the year to 31 March holding the latest DECOM of an episodes file; of several
    returns, their unbroken run up to the latest. A child's own window is that of the returns whose
    episodes name it. ``window`` overrides both. ``progress`` is told each file's name and rows.
    Raises InputError (file:line where there is one) when the folder or a file cannot be used.
    """
    files, strangers = read_files(folder, progress)
    returns = _returns(files, folder)
    tally: Counter[str] = Counter()
    merged, windows = _merge(returns, tally)
    overall = window or _union(years for years, _, _ in returns)
    own = {child: window or _union(seen) for child, seen in windows.items()}
    records = [
        record
        for child, episodes in merged.items()
        for record in looked_after(child, episodes.values(), own[child], tally)
    ]
    records += [*_children(files), *_reviews(files, tally), *_states(files, tally)]
    for file in files:
        refuse_damaged(file)
    if window is None:  # a child without episodes: the earliest return, which claims the least
        own = {record.child: returns[0][0] for record in records} | own
    holds, unheld = _holds(files, len({years for years, _, _ in returns}))
    rejects = tuple(reject for file in files for reject in file.rejects)
    tally["rows rejected"] = len(rejects)
    return Snapshot(
        source=f"ssda903:{folder.as_posix()}",
        cases=case_files(records, overall, own),
        holds=holds,
        window=overall,
        accounts={f.name: Account(f.count, f.count - len(f.rejects), rejected=len(f.rejects)) for f in files},
        rejects=rejects,
        notes=(*(f"{n} {what}" for what, n in tally.items() if n), *unheld, *_about_files(files, strangers)),
        lacks=unfilled(FILLS),
    )


def _returns(files: Iterable[File], folder: Path) -> list[Return]:
    """Each episodes file with its year, the earliest first."""
    found: list[Return] = []
    for file in files:
        if file.table == "episodes":
            if not file.count:
                raise InputError("holds a heading and no episodes", where=f"{file.name}:1", fix="Export it again.")
            episodes = read_episodes(file)
            refuse_damaged(file)
            found.append((_year(max(start for starts in episodes.values() for start in starts)), file, episodes))
    if not found:
        others = ", ".join(f"{file.table} ({file.name})" for file in files) or "no table of the return"
        raise InputError(
            "there is no episodes table here",
            where=str(folder),
            fix=f"One CSV file needs the columns {', '.join(SIGNATURES['episodes'])}. Found: {others}.",
        )
    return sorted(found, key=lambda each: (each[0].end, each[1].name))


def _year(latest: date) -> Window:
    end = latest.year + (latest > date(latest.year, 3, 31))
    return Window(date(end - 1, 4, 1), date(end, 3, 31))


def _union(windows: Iterable[Window]) -> Window:
    """The unbroken run of years up to the latest."""
    latest, *earlier = sorted({(w.start, w.end) for w in windows if w.start and w.end}, reverse=True)
    start, end = latest
    for before, until in earlier:
        if until + timedelta(days=1) < start:
            break
        start = before
    return Window(start, end)


def _merge(returns: Iterable[Return], tally: Counter[str]) -> tuple[Episodes, dict[str, list[Window]]]:
    """Episodes by child and DECOM, the later return's where two state one; and each child's years."""
    merged: Episodes = {}
    windows: dict[str, list[Window]] = {}
    stated = 0
    for years, file, episodes in returns:
        stated += file.count - len(file.rejects)
        for child, found in episodes.items():
            merged.setdefault(child, {}).update(found)
            windows.setdefault(child, []).append(years)
    tally[RESTATED] = stated - sum(len(found) for found in merged.values())
    return merged, windows


def _children(files: Iterable[File]) -> Iterator[Record]:
    """One record a child, from the header and every other table that repeats the date of birth."""
    found: dict[str, tuple[date | Unreadable | None, str]] = {}
    for file in sorted(files, key=lambda f: f.table != "header"):
        if "DOB" not in file.columns:
            continue
        for where, (child, text) in file.rows("CHILD", "DOB"):
            if not child:
                if file.table == "header":
                    file.rejects.append(Reject(where, "has no CHILD"))
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
        if child:
            yield where, child, cells
        else:
            file.rejects.append(Reject(where, "has no CHILD"))


def _reviews(files: Iterable[File], tally: Counter[str]) -> Iterator[Record]:
    seen: set[tuple[str, str]] = set()
    for file in files:
        if file.table != "reviews":
            continue
        for where, child, (text,) in _rows(file, "REVIEW"):
            held = _day("REVIEW", text) or Unreadable("REVIEW is blank")
            key = held.isoformat() if isinstance(held, date) else where
            if (child, key) in seen:
                tally["review rows that repeat a child and day"] += 1
                continue
            seen.add((child, key))
            yield make_record("cla_review", child, key, where, {"happened": held})


def _states(files: Iterable[File], tally: Counter[str]) -> Iterator[Record]:
    """Missing episodes and allocations. Returns restate an open one every year: a known end wins
    over a blank one, and two ends are a conflict."""
    found: dict[tuple[str, str, str], tuple[str, dict[str, object]]] = {}
    for file in files:
        if file.table not in _STATES:
            continue
        kind, first, last, code = _STATES[file.table]
        for where, child, (begins, ends, coded) in _rows(file, first, last, code):
            start, end = _day(first, begins) or Unreadable(f"{first} is blank"), _day(last, ends)
            raw: dict[str, object] = {"start": start, "end": end}
            day = start.isoformat() if isinstance(start, date) else where
            if kind == "missing":
                key, raw["type"] = day, _MISSING.get(coded.upper(), "")
            else:
                key, raw["worker"], raw["role"] = f"{day} {coded}".strip(), coded, "CW"
                raw["team_only"] = not coded
            _, known = found.setdefault((kind, child, key), (where, raw))
            if known is raw:
                continue
            tally[f"{file.table} rows that repeat a child and start"] += 1
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
        rows.setdefault(file.table, []).append(file.count)
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


def _about_files(files: Iterable[File], strangers: Iterable[str]) -> Iterator[str]:
    for file in files:
        if file.note:
            yield file.note
        if file.table not in _TABLES:
            yield f"{file.name}: {file.count} rows of {file.table} recognised, not used yet"
    for name in strangers:
        yield f"{name}: not a table of the return, left alone"
