"""The same made-up children as each feed would tell of them.

Each writer goes by the published specification of its feed alone, so that a reader who makes the same
of it as of the others has been checked by somebody who did not look at it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from alertd.errors import InputError, did_you_mean
from alertd.synth.authority import Progress, tell_lives, version_row
from alertd.synth.feeds import annex_a, cin_census, csc_api, own_lists, ssda903
from alertd.synth.feeds.adoptions import orders_and_placements
from alertd.synth.feeds.cut import cut
from alertd.synth.feeds.deaths import some_die
from alertd.synth.feeds.truth import Truth, truth, year_to
from alertd.synth.write import write

__all__ = ["FEEDS", "Feed", "make_feed", "make_feeds"]


class Feed(NamedTuple):
    """One way to tell of the children.

    ``place`` is the file or folder it has within a folder of several. ``yearly``: it tells of the latest
    year to 31 March, whatever came after it.
    """

    place: str
    write: Callable[[Path, Truth], None]
    yearly: bool = False


def _annex_a(path: Path, told: Truth) -> None:
    """A workbook for a name that ends in xlsx, else a folder of CSV files."""
    if path.suffix.lower() == ".xlsx":
        annex_a.write_workbook(path, told)
    else:
        annex_a.write_csv(path, told)


def _ssda903(path: Path, told: Truth) -> None:
    """One file for a name that ends in xml, else a folder of CSV files."""
    if path.suffix.lower() == ".xml":
        ssda903.write_xml(path, told)
    else:
        ssda903.write_csv(path, told)


def _ssd(path: Path, told: Truth) -> None:
    write(path, told.rows, None)


FEEDS: Final[Mapping[str, Feed]] = MappingProxyType(
    {
        "ssd": Feed("ssd.db", _ssd),
        "annex_a": Feed("annex_a.xlsx", _annex_a),
        "annex_a_csv": Feed("annex_a", _annex_a),
        "annex_a_2019": Feed("annex_a_2019.xlsx", lambda path, told: annex_a.write_workbook(path, told, "2019")),
        "cin_census": Feed("cin_census.xml", cin_census.write, yearly=True),
        "ssda903": Feed("ssda903", _ssda903, yearly=True),
        "ssda903_xml": Feed("ssda903.xml", _ssda903, yearly=True),
        "csc_api": Feed("csc_api.json", csc_api.write),
        "csv": Feed("csv", own_lists.write),
    }
)
"""The feeds that can be written, by the name they are asked for."""


def make_feeds(
    folder: Path,
    *,
    la: str,
    children: int,
    seed: int,
    as_of: date,
    kinds: Iterable[str] = tuple(FEEDS),
    progress: Progress | None = None,
) -> dict[str, Path]:
    """Write the same synthetic children as each of ``kinds`` into ``folder``; say where each is.

    ``la``, ``children``, ``seed`` and ``as_of`` as for :func:`alertd.synth.make`; no row is spoilt, and a
    few children have died. The same arguments give the same files, byte for byte. Raises InputError for
    arguments or a folder that cannot be used, and rather than write over anything that may be real.
    """
    wanted = {kind: _feed(kind) for kind in kinds}
    told = _told(la, children, seed, as_of, progress)
    found: dict[str, Path] = {}
    for n, (kind, feed) in enumerate(wanted.items(), 1):
        found[kind] = folder / feed.place
        _write(feed, found[kind], told)
        if progress:
            progress("Writing feeds", n, len(wanted))
    return found


def make_feed(
    kind: str,
    out: Path,
    *,
    la: str,
    children: int,
    seed: int,
    as_of: date,
    progress: Progress | None = None,
) -> None:
    """Write synthetic children as one feed to ``out``: as :func:`make_feeds`, with a name of your choice."""
    feed = _feed(kind)
    _write(feed, out, _told(la, children, seed, as_of, progress))


def _feed(kind: str) -> Feed:
    if kind not in FEEDS:
        fix = did_you_mean(kind, list(FEEDS)) or f"Choose from {', '.join(FEEDS)}"
        raise InputError(f"there is no feed {kind!r}", where="--as", fix=fix)
    return FEEDS[kind]


def _told(la: str, children: int, seed: int, as_of: date, progress: Progress | None) -> Truth:
    made = tell_lives(la, children, seed, as_of, progress)
    made.rows["ssd_version_log"] = [version_row(seed, as_of)]
    told = truth(la, as_of, made.rows)
    orders_and_placements(told)
    some_die(told, seed)
    return told


def _write(feed: Feed, out: Path, told: Truth) -> None:
    if feed.yearly:
        last = year_to(told.today)[1]
        told = told if last == told.today else replace(told, rows=cut(told.rows, last), today=last)
    _must_be_free(feed, out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        feed.write(out, told)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=str(out), fix="Choose another place") from None


def _must_be_free(feed: Feed, out: Path) -> None:
    """What is there may be real, and a return or a list does not say what it is. A database of ours does."""
    if feed.write is not _ssd and out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise InputError("is there already", where=str(out), fix="Choose a name that is free, or an empty folder")
