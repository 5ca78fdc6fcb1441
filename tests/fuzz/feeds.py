"""The feeds that are mutated: small ones that our own generator writes, and the public samples where they are."""

from __future__ import annotations

import csv
import hashlib
import io
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Final

from alertd import synth
from alertd.cases.sources.readers import FeedKind, Place

AS_OF: Final = datetime(2026, 3, 31, 20, tzinfo=UTC)
SAMPLES: Final = Path(__file__).resolve().parents[3] / "shared" / "samples"
CANARY: Final = "Qzxwren Ablett"
"""A name that nobody has, put into cells: no message, reject, note or doubt may repeat it."""

_MADE: Final[Mapping[str, FeedKind]] = {
    "ssd": "ssd",
    "annex_a": "annex_a",
    "annex_a_csv": "annex_a",
    "annex_a_2019": "annex_a",
    "cin_census": "cin_census",
    "ssda903": "ssda903",
    "ssda903_xml": "ssda903",
    "csc_api": "csc_api",
    "csv": "csv",
}
_SAMPLES: Final[tuple[tuple[str, FeedKind], ...]] = (
    ("ssda903-csc-validator", "ssda903"),
    ("ssda903-demand-model", "ssda903"),
    ("ssda903-liia", "ssda903"),
    ("cin-csc-validator", "cin_census"),
    ("cin-csc-validator/CIN2rows.xml", "cin_census"),
    ("cin-csc-validator/CIN_Census_2021.xml", "cin_census"),
    ("cin-csc-validator/CIN_Census_2024.xml", "cin_census"),
    ("cin-csc-validator/fake_CIN_data_odd.xml", "cin_census"),
    ("annexa-liia/Annex_A_2024_Jan.xlsx", "annex_a"),
    ("annexa-cscdp/2015-01-sample.xlsx", "annex_a"),
    ("annexa-cscdp/example-A-2005.xls", "annex_a"),
    ("csc-api/example_payload.json", "csc_api"),
)


@dataclass(frozen=True)
class Given:
    """A sound feed. ``single``: it is read as the one file it has, not as a folder."""

    name: str
    kind: FeedKind
    files: Mapping[str, bytes]
    single: bool
    queries: Mapping[str, str] = field(default_factory=dict)

    @property
    def format(self) -> str:
        """How it is written, for the table of results."""
        endings = sorted({Path(name).suffix for name in self.files})
        return f"{self.kind} {'/'.join(end.lstrip('.') for end in endings)}"


@dataclass
class Draft:
    """A feed on its way to being broken. ``rows`` is how many data rows a change took away or added, by what the
    account of these rows is called; ``lost`` names an account in which something must have been said of a cell
    that is not to be read. ``folders`` and ``pipes`` are put in the place of files."""

    given: Given
    rng: Random
    files: dict[str, bytes]
    done: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    lost: str = ""
    planted: bool = False
    sound: dict[str, frozenset[int]] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    pipes: list[str] = field(default_factory=list)

    def file(self, *endings: str) -> str | None:
        """One of the files, of these endings."""
        found = [name for name in sorted(self.files) if not endings or name.lower().endswith(endings)]
        return self.rng.choice(found) if found else None

    def write(self, folder: Path) -> Place:
        """Put it down; where it is to be read."""
        folder.mkdir(parents=True)
        for name, data in self.files.items():
            (folder / name).write_bytes(data)
        for name in self.folders:
            (folder / name).mkdir()
        for name in self.pipes:
            import os

            os.mkfifo(folder / name)
        there = [*self.files, *self.folders, *self.pipes]
        single = self.given.single or self.given.kind in ("ssd", "sql")
        place = folder / there[0] if single and there else folder
        return Place(kind=self.given.kind, url=str(place), queries=self.given.queries)


def make_given(folder: Path) -> None:
    """Write the made feeds into a folder, for :func:`all_given` of every worker to take up."""
    common = {"la": "350", "seed": 1, "as_of": date(2026, 3, 31)}
    small = ("ssd", "annex_a", "annex_a_csv", "annex_a_2019", "csc_api", "csv")
    synth.make_feeds(folder / "made", children=40, kinds=small, **common)  # type: ignore[arg-type]
    synth.make_feeds(  # a twentieth of them is looked after
        folder / "made", children=250, kinds=("ssda903", "ssda903_xml"), **common
    )  # type: ignore[arg-type]
    synth.make_feeds(folder / "made", children=60, kinds=("cin_census",), **common)  # type: ignore[arg-type]
    synth.make(str(folder / "dirty.db"), children=40, dirty=0.1, **common)  # type: ignore[arg-type]


def all_given(folder: Path) -> list[Given]:
    """The made feeds, then the samples that are there."""
    found = [_given(f"made {name}", kind, folder / "made" / synth.FEEDS[name].place) for name, kind in _MADE.items()]
    lists = found[-1]
    found += [
        _given("made ssd, a tenth of its rows spoilt", "ssd", folder / "dirty.db"),
        _with_manifest(lists),
        _in_database(lists),
        _two_payloads(next(each for each in found if each.kind == "csc_api")),
    ]
    return found + [
        _given(f"sample {name}", kind, SAMPLES / name) for name, kind in _SAMPLES if (SAMPLES / name).exists()
    ]


def _given(name: str, kind: FeedKind, place: Path) -> Given:
    files = sorted(place.iterdir()) if place.is_dir() else [place]
    return Given(name, kind, {file.name: file.read_bytes() for file in files}, not place.is_dir())


def _with_manifest(lists: Given) -> Given:
    lines = ["file,rows,sha256"]
    for name, data in lists.files.items():
        rows = sum(1 for _ in csv.reader(io.StringIO(data.decode()))) - 1
        lines.append(f"{name},{rows},{hashlib.sha256(data).hexdigest()}")
    files = {**lists.files, "manifest.csv": "\n".join(lines).encode()}
    return Given("made csv with a manifest", "csv", files, False)


def _in_database(lists: Given) -> Given:
    """The same lists as tables of a database, with a query each."""
    connection = sqlite3.connect(":memory:")
    queries = {}
    for name, data in lists.files.items():
        kind = name.removesuffix(".csv")
        if kind == "windows":
            continue
        heading, *rows = csv.reader(io.StringIO(data.decode()))
        connection.execute(f'CREATE TABLE "{kind}" ({", ".join(heading)})')
        connection.executemany(f'INSERT INTO "{kind}" VALUES ({", ".join("?" * len(heading))})', rows)
        queries[kind] = f'SELECT * FROM "{kind}"'
    connection.commit()
    return Given("made sql", "sql", {"lists.db": connection.serialize()}, True, queries)


def _two_payloads(payload: Given) -> Given:
    (data,) = payload.files.values()
    files = {f"20260331T0{n}0000000000Z-00000000-0000-0000-0000-00000000000{n}.json": data for n in (1, 2)}
    return Given("made csc_api, an inbox of two", "csc_api", files, False)
