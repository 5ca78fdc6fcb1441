"""The kinds of feed there are, and the one place where a feed's kind chooses its reader.

A reader is loaded when a feed of its kind is read: a daemon stays for months with whatever it has loaded, and most
have one feed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, get_args

from alertd.cases.reading import Progress, Reading, collected, latest_of
from alertd.cases.records import Snapshot, Window
from alertd.cases.sources.manifest import MANIFEST, check_manifest
from alertd.errors import InputError, did_you_mean

FeedKind = Literal["ssd", "annex_a", "cin_census", "ssda903", "csc_api", "sql", "csv"]
FEED_KINDS: Final[tuple[FeedKind, ...]] = get_args(FeedKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a feed is and how it is laid out.

    ``url`` is a database address for ``ssd`` and ``sql``, a file or folder otherwise. ``schema``,
    ``prefix`` and ``timeframe_years`` are the SSD's, ``queries`` (SELECT by kind) those of ``sql``,
    ``window`` overrides the year of an SSDA903 return.
    """

    kind: FeedKind
    url: str = field(repr=False)
    schema: str | None = None
    prefix: str = "ssd_"
    timeframe_years: int = 6
    queries: Mapping[str, str] = field(default_factory=dict)
    window: Window | None = None


def kind_of(text: str) -> FeedKind:
    """The kind of feed of that name. Raises InputError, with a suggestion, for any other."""
    for kind in FEED_KINDS:
        if kind == text:
            return kind
    fix = did_you_mean(text, FEED_KINDS) or f"The kinds are {', '.join(FEED_KINDS)}"
    raise InputError(f"{text!r} is not a kind of source", fix=fix)


@contextmanager
def opened(place: Place, as_of: datetime, progress: Progress | None = None) -> Iterator[Reading | Snapshot]:
    """A feed, open to be read: child by child where it may be large, else whole.

    Raises InputError for a feed that cannot be used, that its manifest does not agree with, or that
    changed while it was being read.
    """
    match place.kind:
        case "ssd":
            from alertd.cases.sources import ssd

            with ssd.opened(
                place.url,
                as_of=as_of,
                schema=place.schema,
                prefix=place.prefix,
                timeframe_years=place.timeframe_years,
                progress=progress,
            ) as reading:
                yield reading
        case "sql":
            from alertd.cases.sources import own_sql

            snapshot = own_sql.read(place.url, queries=place.queries, as_of=as_of, progress=progress)
            yield replace(snapshot, latest=latest_of(snapshot.cases))
        case "csc_api":  # payloads may come in at any moment, each whole
            from alertd.cases.sources import csc_api

            path = Path(place.url)
            _check_files(path)
            yield csc_api.open_payloads(path, as_of=as_of, progress=progress)
        case _:
            yield _from_files(place, as_of, progress)


def read(place: Place, as_of: datetime, progress: Progress | None = None) -> Snapshot:
    """All of a feed at once. Raises as :func:`opened` does."""
    with opened(place, as_of, progress) as found:
        return found if isinstance(found, Snapshot) else collected(found)


def _check_files(path: Path) -> None:
    _refuse_odd_files(path)
    if path.is_dir():
        check_manifest(path)


def _from_files(place: Place, as_of: datetime, progress: Progress | None) -> Snapshot:
    path = Path(place.url)
    _check_files(path)
    before = _stamps(path)
    match place.kind:
        case "ssda903":
            from alertd.cases.sources import ssda903

            snapshot = ssda903.read(path, as_of=as_of, window=place.window, progress=progress)
        case "annex_a":
            from alertd.cases.sources import annex_a

            snapshot = annex_a.read(path, as_of=as_of, progress=progress)
        case "cin_census":
            from alertd.cases.sources import cin_census

            snapshot = cin_census.read(path, as_of=as_of, progress=progress)
        case _:
            from alertd.cases.sources import own_csv

            snapshot = own_csv.read(path, as_of=as_of, progress=progress)
    if _stamps(path) != before:
        raise InputError("changed while it was being read", where=str(path), fix="Read it again when it is complete")
    notes = (*snapshot.notes, *_left_alone(path, snapshot))
    return replace(snapshot, notes=notes, latest=latest_of(snapshot.cases))


def _left_alone(path: Path, snapshot: Snapshot) -> Iterator[str]:
    """A note for each file of a folder of which the reading says nothing: it may be a year under a wrong ending."""
    from alertd.cases.sources.own_csv import WINDOWS

    said = (*snapshot.accounts, *snapshot.notes)
    for name, _, _ in _stamps(path) if path.is_dir() else ():
        apart = name.startswith((".", "~$")) or name.lower() in (MANIFEST, WINDOWS)
        if not apart and not any(name in each for each in said):
            yield f"{name}: not a file that such a feed is read from, left alone"


def _refuse_odd_files(path: Path) -> None:
    """A pipe or a device in a file's place would be waited for without end; a name may steer a terminal."""
    try:
        within = [*path.iterdir()] if path.is_dir() else []
        odd = next((each for each in (path, *within) if each.exists() and not (each.is_file() or each.is_dir())), None)
    except (OSError, ValueError):  # its reader will say
        return
    if any(not each.name.isprintable() for each in within):
        raise InputError("holds a file whose name has a control character", where=str(path), fix="Rename it")
    if odd is not None:
        raise InputError("is neither a file nor a folder", where=odd.name, fix="Put the file itself there")


def _stamps(path: Path) -> list[tuple[str, int, int]]:
    """The name, size and time of change of each file; none where there is no such place, as its reader will say."""
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()]
    except OSError:
        return []
