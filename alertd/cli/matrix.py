"""``alertd sources matrix``: feed by rule, measurable, partly or no, found by running them all on one made-up truth."""

from __future__ import annotations

import json
import re
import tempfile
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from alertd.calendars.clock import end_of
from alertd.cases.records import Snapshot
from alertd.cases.sources.readers import Place, kind_of, read
from alertd.cli.output import console, progress_bar
from alertd.db.engine import open_engine, upgrade
from alertd.engine.stages import MOMENT
from alertd.engine.sweep import sweep
from alertd.insight.reach import EXTENTS, Extent, Reach, reaches
from alertd.intake.kept import Named, kept_snapshot
from alertd.intake.sync import take_in
from alertd.intake.whole import Whole
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rulebook
from alertd.synth.feeds import make_feeds

_FEEDS: Final[Mapping[str, str]] = {
    "ssd": "SSD",
    "annex_a": "Annex A",
    "cin_census": "CIN",
    "ssda903": "903",
    "csc_api": "CSC API",
}
"""The national feeds, with their headings."""
_TOGETHER: Final = "SSD + own lists"
_AS_OF: Final = date(2026, 3, 31)
"""The last day of a year of returns, so that those speak for the day they are asked about."""
_CHILDREN: Final = 400
_SHORT: Final[Mapping[Extent, str]] = {"measurable": "yes", "partly": "partly", "no": "no"}

Found = dict[str, list[Reach]]

_INTRODUCTION: Final = """\
# From which feed which rule can be measured

<!-- Generated. Do not edit; run: alertd sources matrix --format md > docs/feeds.md -->

Found by running: one made-up authority was written as each feed, read back, and every enabled rule of England was
evaluated on every child as of {as_of}. Rules that are not enabled, and those of Wales, are in
[coverage.md](coverage.md), which goes by what a feed can hold.

* **yes**: for every child the feed holds, the rule says something definite, or what it lacks is that child's own.
* **partly**: for some children the feed itself stands in the way (its window ends, or begins too late), or it holds
  only the latest of a kind, which each finding then says.
* **no**: the feed lacks a kind of record or a field without which the rule says nothing for anybody.

*{together}* is the Standard Safeguarding Dataset beside a folder of an authority's own CSV lists
([csv-layout.md](csv-layout.md)), read as two feeds. With more lists than these more rules are measured:

{lists}.
"""


class MatrixFormat(StrEnum):
    """How the matrix is printed."""

    table = "table"
    md = "md"
    jsonl = "jsonl"


def matrix(
    format_: Annotated[
        MatrixFormat, typer.Option("--format", help="table, md (the page in docs) or jsonl.")
    ] = MatrixFormat.table,
) -> None:
    """Run every enabled rule of England on the same made-up children as each feed, and say how far each feed goes."""
    with progress_bar() as bar:
        task = bar.add_task("Making the feeds", total=len(_FEEDS) + 1)

        def say(what: str) -> None:
            bar.update(task, description=what)
            bar.advance(task)

        found, lists = run(say)
    if format_ is MatrixFormat.md:
        print(page(found, lists), end="")
    elif format_ is MatrixFormat.jsonl:
        for at, first in enumerate(next(iter(found.values()))):
            feeds = {name: {"measurable": r[at].extent, "why": r[at].why} for name, r in found.items()}
            print(json.dumps({"id": first.rule.id, "feeds": feeds}, ensure_ascii=False))
    else:
        table = Table("rule", *found, box=None, header_style="bold")
        for row in _rows(found):
            table.add_row(*row)
        console().print(table)


def run(say: Callable[[str], None] = lambda _: None) -> tuple[Found, list[str]]:
    """How far each feed goes for each enabled rule of England; and the kinds of the own lists made up."""
    rulebook = load_rulebook([builtin_pack("england")], settings={"cp.visit.interval": "10 working days"})
    instant = end_of(_AS_OF) - MOMENT
    found: Found = {}
    with tempfile.TemporaryDirectory() as folder:
        places = make_feeds(Path(folder), la="350", children=_CHILDREN, seed=1, as_of=_AS_OF, kinds=(*_FEEDS, "csv"))
        snapshots = {}
        for name, heading in _FEEDS.items():
            say(f"Reading and evaluating {heading}")
            snapshots[name] = read(Place(kind=kind_of(name), url=str(places[name])), instant)
            found[heading] = _reaches(rulebook, snapshots[name], instant)
        say(f"Reading and evaluating {_TOGETHER}")
        own = read(Place(kind="csv", url=str(places["csv"])), instant)
        found[_TOGETHER] = _reaches(rulebook, _together(Path(folder), snapshots["ssd"], own), instant)
    return found, sorted(own.holds - snapshots["ssd"].holds)


def _reaches(rulebook: Rulebook, snapshot: Snapshot, instant: datetime) -> list[Reach]:
    return reaches(rulebook, snapshot, sweep(snapshot, rulebook, instant).findings)


def _together(folder: Path, *snapshots: Snapshot) -> Snapshot:
    """Several feeds as the daemon puts them together."""
    engine = open_engine(f"sqlite:///{folder / 'kept.db'}")
    upgrade(engine)
    names = [Named(f"feed {n}") for n, _ in enumerate(snapshots)]
    for named, snapshot in zip(names, snapshots, strict=True):
        take_in(engine, named.feed, Whole(snapshot), datetime(2026, 4, 1, tzinfo=UTC), max_loss=1)
    return kept_snapshot(engine, names)


def page(found: Found, lists: Sequence[str]) -> str:
    """The matrix as a Markdown page, with totals on top and the reasons below."""
    return "\n".join(_lines(found, lists)) + "\n"


def _lines(found: Found, lists: Sequence[str]) -> Iterator[str]:
    yield _INTRODUCTION.format(
        as_of=f"{_AS_OF:%-d %B %Y}", together=_TOGETHER, lists=textwrap.fill(", ".join(lists), 118)
    )
    yield "## Totals\n"
    yield _line("", *found)
    yield _line(*("---" for _ in range(len(found) + 1)))
    for extent in EXTENTS:
        counts = [Counter(reach.extent for reach in each)[extent] for each in found.values()]
        yield _line(f"**{_SHORT[extent]}**", *(str(n) for n in counts))
    yield "\n## Rules\n"
    yield _line("rule", *found)
    yield _line(*("---" for _ in range(len(found) + 1)))
    for row in _rows(found):
        yield _line(*row)
    yield "\n## Why partly, or not\n"
    for heading, each in found.items():
        yield f"### {heading}\n"
        for extent in ("partly", "no"):
            why: dict[str, list[str]] = {}
            for reach in each:
                if reach.extent == extent:
                    why.setdefault(_without_days(reach.why), []).append(reach.rule.id)
            for reason, rules in sorted(why.items(), key=lambda item: (-len(item[1]), item[0])):
                yield f"* {_SHORT[extent]}: {reason}: {', '.join(rules)}"
        yield ""


def _without_days(why: str) -> str:
    """A reason as it is for every child: what one child needs is that child's."""
    return re.sub(r", and this needs .* to .*$", "", why)


def _rows(found: Found) -> Iterator[tuple[str, ...]]:
    for each in zip(*found.values(), strict=True):
        yield (each[0].rule.id, *(_SHORT[reach.extent] for reach in each))


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
