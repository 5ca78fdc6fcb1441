"""The page of what is to be put right in the records: one HTML file that needs nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from alertd.cases.records import in_words
from alertd.insight.check import SEVERITIES
from alertd.insight.data_quality import TITLES, Item, in_order
from alertd.insight.page import environment

NO_TEAM = "No team named"


@dataclass(frozen=True, slots=True)
class Kind:
    """The items of one kind in one team."""

    name: str
    items: tuple[Item, ...]

    @property
    def title(self) -> str:
        return TITLES[self.name]

    @property
    def severity(self) -> str:
        return SEVERITIES[self.items[0].severity]

    @property
    def blocking(self) -> int:
        return sum(bool(item.blocks) for item in self.items)


@dataclass(frozen=True, slots=True)
class Team:
    """The items of one team, by kind."""

    name: str
    kinds: tuple[Kind, ...]

    @property
    def count(self) -> int:
        return sum(len(kind.items) for kind in self.kinds)

    @property
    def blocking(self) -> int:
        return sum(kind.blocking for kind in self.kinds)


def data_quality_page(
    items: Sequence[Item], accounts: Sequence[dict[str, Any]], *, as_of: datetime, source: str
) -> str:
    """The list as a page. ``accounts`` say what became of the rows of each table."""
    teams = tuple(
        Team(team or NO_TEAM, tuple(Kind(kind, tuple(of)) for kind, of in groupby(held, key=lambda i: i.kind)))
        for team, held in groupby(in_order(items), key=lambda i: i.team)
    )
    counts = Counter(item.severity for item in items)
    return environment().get_template("data_quality.html.j2").render(
        teams=teams,
        total=len(items),
        severities=[(title, counts[name]) for name, title in SEVERITIES.items()],
        blocking=sum(bool(item.blocks) for item in items),
        accounts=accounts,
        as_of=in_words(as_of),
        source=source,
    )  # fmt: skip
