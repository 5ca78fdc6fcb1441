"""Short ways to write a case and to put a chronology on paper, and the children of the synthetic authority."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import pytest

from alertd.cases.merge import Part, joined
from alertd.cases.records import LONDON, CaseFile, Record, Window, case_file, in_words, make_record
from alertd.cases.sources.readers import FeedKind, Place, read
from alertd.chronology.entry import Entry
from alertd.synth import make_feeds

TODAY = date(2026, 8, 14)

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "chronology"
SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples"

OF_THE_RETURN = "625998"
"""A child of the fake return, with moves, changes of status and a missing episode over two years."""


def rec(kind: str, key: str, **raw: object) -> Record:
    """One record of the child 1."""
    return make_record(kind, "1", key, f"{kind}.csv:{key}", raw)


def case(*records: Record) -> CaseFile:
    """The child 1's case file."""
    return case_file("1", records, Window(), of_kinds={})


def on_paper(entries: Iterable[Entry]) -> str:
    """A chronology as text: day, headline, until when, how late it was entered; what else there is to say below."""
    lines = []
    for entry in entries:
        until = f" [until {in_words(entry.until)}]" if entry.until else ""
        late = f" [entered {entry.recorded_late} days late]" if entry.recorded_late else ""
        lines.append(f"{in_words(entry.day) if entry.day else 'No date':<17}{entry.headline}{until}{late}")
        lines += [" " * 17 + entry.detail] if entry.detail else []
    return "\n".join(lines) + "\n"


def synthetic(folder: Path) -> dict[str, CaseFile]:
    """Children of a small synthetic authority, from its case system and its own lists together."""
    made = make_feeds(folder, la="350", children=60, seed=8, as_of=TODAY, kinds=("ssd", "csv"))
    noon = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=LONDON)
    kinds: dict[str, tuple[FeedKind, str]] = {
        "ssd": ("ssd", f"sqlite:///{made['ssd']}"),
        "csv": ("csv", str(made["csv"])),
    }
    snapshots = {name: read(Place(kind=kind, url=url), noon) for name, (kind, url) in kinds.items()}
    said = {name: {each.child: each for each in snapshot.cases} for name, snapshot in snapshots.items()}
    return {
        child: joined(
            child,
            [
                Part(name, s.holds, s.window, {}, s.latest, said[name].get(child), s.lacks)
                for name, s in snapshots.items()
            ],
            {},
        )
        for child in said["ssd"]
    }


def of_the_return() -> CaseFile:
    """The child of the fake SSDA903 return; the test is skipped where the sample is not beside this checkout."""
    folder = SAMPLES / "ssda903-demand-model"
    if not folder.is_dir():
        pytest.skip("the sample ssda903-demand-model is not beside this checkout")
    snapshot = read(Place(kind="ssda903", url=str(folder)), datetime(2019, 4, 1, 12, tzinfo=LONDON))
    return next(each for each in snapshot.cases if each.child == OF_THE_RETURN)
