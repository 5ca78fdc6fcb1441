"""``alertd rules coverage``: which feed can measure which rule, and what is lacking where none can."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.table import Table

from alertd.cases.kind import FEEDS
from alertd.cases.kinds import KINDS
from alertd.cases.sources.fills import FILLS
from alertd.cli.output import console
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.coverage import SECTIONS, Reach, Row, coverage, totals
from alertd.rulebook.describe import nation_of
from alertd.rulebook.shelf import shelves

_FEEDS: Final = ("SSD", "Annex A", "CIN", "903", "CSC API", "extra")
"""The feeds as headings, in the order of FEEDS."""
_COLUMNS: Final = ("id", "title", "kind", "nation", "cite", "confidence", "enabled", "needs", *_FEEDS)

_INTRODUCTION: Final = """\
# What alertd covers, and from where

<!-- Generated. Do not edit; run: alertd rules coverage --format md > docs/coverage.md -->

A row for each rule that is shipped: the law it stands for, how its number was read, whether it is enabled (and if
not, why), and from which feed it can be measured. Rules whose ids begin alike stand for one row of the law.

**Confidence** says how the number was read: V on the text itself, V† on the text as first made, V\\* on a page
restating it, P a local practice standard, K working knowledge only, K/P local practice from working knowledge.
Rules of K and K/P are shipped disabled.

**Needs** are the kinds of record without which the rule cannot be measured, and after the semicolon those fields that
not every feed with such records holds. Under each feed stands

* `read`: the feed can hold all of it, and alertd reads it from there;
* `held`: the feed can hold all of it, and alertd does not read it from there yet. Where the feed is read, what is not
  read of it follows;
* `-`: the feed cannot hold it, and what it lacks follows: a kind, a field, or *latest* before a kind of which it holds
  only the latest record, so that nothing can be counted or numbered (`+2`: two more things). The authority's own list,
  the feed *extra*, is needed.

The feeds are the Standard Safeguarding Dataset (SSD), the Annex A lists, the CIN census, the SSDA903 return (903), the
CSC API payload, and *extra*: lists of the authority's own. What a feed can hold, an authority's own system may still
leave blank: then the rule says for which child it cannot tell. A census or return speaks for the year it covers, and
Annex A for six months. Where a feed does not say whose a child protection plan is, it is taken to be the authority's
own. A rule over what other rules find goes as far as the best of those.
"""


class CoverageFormat(StrEnum):
    """How the coverage is printed."""

    table = "table"
    md = "md"
    jsonl = "jsonl"


def show_coverage(
    format_: Annotated[
        CoverageFormat, typer.Option("--format", help="table, md (the page in docs) or jsonl.")
    ] = CoverageFormat.table,
) -> None:
    """List for each rule of England and Wales what it needs, and which feeds can hold it and are read."""
    rows = shipped()
    if format_ is CoverageFormat.md:
        print(page(rows), end="")
    elif format_ is CoverageFormat.jsonl:
        for row in rows:
            print(json.dumps(_as_json(row), ensure_ascii=False))
    else:
        table = Table(*_COLUMNS, box=None, header_style="bold")
        for row in rows:
            table.add_row(*_cells(row))
        console().print(table)


def shipped() -> tuple[Row, ...]:
    """The coverage of the packs that come with alertd, with the readers it has."""
    found = shelves([builtin_pack("england"), builtin_pack("wales")])
    return coverage((rule for shelf in found for rule in shelf.rules), FILLS)


def page(rows: Sequence[Row]) -> str:
    """The coverage as a Markdown page, with totals on top."""
    return "\n".join(_lines(rows)) + "\n"


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    yield _INTRODUCTION
    yield "## Totals\n"
    yield "Rules; under each feed, how many are read and how many more are held.\n"
    yield from _heading("", "rows of the law", "rules", "enabled", *_FEEDS)
    for total in totals(rows):
        reach = (f"{read} read, {held} held" for read, held in total.feeds.values())
        yield _line(total.section, str(total.laws), str(total.rules), str(total.enabled), *reach)
    yield ""
    yield from _readers()
    for section in SECTIONS:
        yield f"\n## {section}\n"
        yield from _heading(*_COLUMNS)
        yield from (_line(*_cells(row)) for row in rows if row.section == section)


def _readers() -> Iterator[str]:
    """The feeds that are read, and which kinds they could hold besides."""
    yield "Feeds that are read today:\n"
    for feed, name in zip(FEEDS, _FEEDS, strict=True):
        if feed in FILLS:
            left = [kind.name for kind in KINDS.values() if feed in kind.feeds and kind.name not in FILLS[feed]]
            yield f"* {name}: {len(FILLS[feed])} kinds of record" + (f"; not yet {', '.join(left)}" if left else "")


def _heading(*names: str) -> Iterator[str]:
    yield _line(*names)
    yield _line(*("---" for _ in names))


def _line(*cells: str) -> str:
    return "| " + " | ".join(re.sub(r"[|*]", r"\\\g<0>", cell) for cell in cells) + " |"


def _cells(row: Row) -> tuple[str, ...]:
    rule = row.rule
    needs = (
        "what other rules find"
        if rule.others
        else "; ".join(", ".join(names) for names in (row.kinds, row.fields) if names)
    )
    nation = nation_of(rule) + (f", difference {rule.difference}" if rule.difference else "")
    return (
        rule.id,
        rule.title,
        rule.kind,
        nation,
        rule.law.cite,
        rule.law.confidence,
        "yes" if rule.enabled else f"no: {rule.disabled_because}",
        needs,
        *(_short(row.feeds[feed]) for feed in FEEDS),
    )


def _short(reach: Reach) -> str:
    if not reach.lacking:
        return reach.status
    first, *more = reach.lacking
    return f"{reach.status} {first}" + (f" +{len(more)}" if more else "")


def _as_json(row: Row) -> dict[str, object]:
    rule = row.rule
    return {
        "id": rule.id,
        "title": rule.title,
        "kind": rule.kind,
        "nation": nation_of(rule),
        "section": row.section,
        "law": row.law,
        "cite": rule.law.cite,
        "confidence": rule.law.confidence,
        "enabled": rule.enabled,
        "disabled_because": rule.disabled_because,
        "kinds": row.kinds,
        "fields": row.fields,
        "feeds": {feed: {"status": reach.status, "lacking": reach.lacking} for feed, reach in row.feeds.items()},
    }
