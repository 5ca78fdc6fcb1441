"""Which feeds can measure which rules: by what the rules need, what feeds can hold and what their readers fill."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from alertd.cases.kind import FEEDS
from alertd.cases.kinds import KINDS, LATEST_ONLY, FeedCode, Fills
from alertd.rulebook.describe import nation_of
from alertd.rulebook.model import Rule
from alertd.rulebook.patterns import Count, InARow

_HELD: Final[Mapping[FeedCode, Fills]] = {
    feed: {
        kind.name: frozenset(f.name for f in kind.fields if feed in kind.feeds_of(f.name))
        for kind in KINDS.values()
        if feed in kind.feeds
    }
    for feed in FEEDS
}
"""The kinds and fields each feed can hold."""

Status = Literal["read", "held", "-"]
SECTIONS: Final = ("Timescales", "Gaps", "Notifications", "Welsh differences")

_ROWS_OF_THEIR_OWN: Final = frozenset({"cla.iha.request", "cp.icpc.report", "cp.visit.bedroom"})
"""Rows of the law whose ids begin like another row's."""
_OF_NO_ROW: Final = "notify.receipt."
"""Rules about the receipts that alertd itself asks for."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a feed goes for a rule.

    ``read``: the reader of the feed fills all that the rule needs. ``held``: the feed can hold it, and
    nothing reads it from there yet. ``-``: the feed cannot hold it. ``lacking`` is what stands in the
    way, as ``kind``, ``kind.field`` or ``latest kind`` (no more than the latest is held); empty for
    ``read``, and where a feed has no reader at all.
    """

    status: Status
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One rule.

    ``law`` is what the rules of one row of the law have in common: the number of the Welsh difference,
    or the beginning of their ids; empty for a rule of no row. ``kinds`` and ``fields`` are what it
    needs; of the fields, those that not every feed with that kind can hold.
    """

    rule: Rule
    section: str
    law: str
    kinds: tuple[str, ...]
    fields: tuple[str, ...]
    feeds: Mapping[FeedCode, Reach]


@dataclass(frozen=True, slots=True)
class Total:
    """A section in figures. ``laws`` counts rows of the law, ``rules`` the rules that stand for them, ``feeds``
    the rules that are read and those that are held."""

    section: str
    laws: int
    rules: int
    enabled: int
    feeds: Mapping[FeedCode, tuple[int, int]]


def coverage(rules: Iterable[Rule], fills: Mapping[FeedCode, Fills]) -> tuple[Row, ...]:
    """A row for each rule, by section and id (in Wales by difference), so that rules of one row of the law
    follow each other.

    ``fills`` is what the readers there are fill, by feed. A rule over other rules goes as far as
    the best of the enabled ones it looks at.
    """
    found = list(rules)
    ids = {rule.id for rule in found}
    every = sorted(
        found,
        key=lambda rule: (
            SECTIONS.index(_section(rule)),
            rule.difference or 0,
            _in_order(_law(rule, ids) or rule.id),
            _in_order(rule.id),
        ),
    )
    own = {rule.id: {feed: _reach(rule, feed, fills.get(feed)) for feed in FEEDS} for rule in every}
    return tuple(
        Row(
            rule,
            _section(rule),
            _law(rule, ids),
            tuple(sorted(need for need in rule.needs if "." not in need)),
            tuple(sorted(need for need in rule.needs if _in_some_feeds(need))),
            _best(rule, every, own) if rule.others else own[rule.id],
        )
        for rule in every
    )


def totals(rows: Sequence[Row]) -> tuple[Total, ...]:
    """The figures of each section that has a rule."""
    return tuple(_total(name, own) for name in SECTIONS if (own := [row for row in rows if row.section == name]))


def _total(name: str, rows: Sequence[Row]) -> Total:
    def count(feed: FeedCode, status: Status) -> int:
        return sum(row.feeds[feed].status == status for row in rows)

    return Total(
        name,
        len({row.law for row in rows if row.law}),
        len(rows),
        sum(row.rule.enabled for row in rows),
        {feed: (count(feed, "read"), count(feed, "held")) for feed in FEEDS},
    )


def _section(rule: Rule) -> str:
    if nation_of(rule) == "wales":
        return "Welsh differences"
    return {"gap": "Gaps", "notify": "Notifications"}.get(rule.id.partition(".")[0], "Timescales")


def _law(rule: Rule, ids: set[str]) -> str:
    if rule.difference is not None or rule.id.startswith(_OF_NO_ROW):
        return str(rule.difference or "")
    parts = rule.id.split(".")
    if parts[0] in ("gap", "notify"):
        return ".".join(parts[:2])
    starts = [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
    return next((start for start in starts if start in _ROWS_OF_THEIR_OWN), next(s for s in starts if s in ids))


def _in_order(rule_id: str) -> tuple[tuple[str | int, ...], ...]:
    """For sorting: n2 before n10, and a rule before those that add to its id."""
    return tuple(
        tuple(int(piece) if piece.isdigit() else piece for piece in re.split(r"(\d+)", part))
        for part in rule_id.split(".")
    )


def _in_some_feeds(need: str) -> bool:
    kind, _, field = need.partition(".")
    return bool(field) and KINDS[kind].feeds_of(field) != KINDS[kind].feeds


def _reach(rule: Rule, feed: FeedCode, filled: Fills | None) -> Reach:
    beyond = _missing(rule, _HELD[feed])
    beyond += (f"latest {kind}" for kind in sorted(several_of(rule) & LATEST_ONLY.get(feed, frozenset())))
    if beyond:
        return Reach("-", tuple(beyond))
    if filled is None:
        return Reach("held")
    unread = _missing(rule, filled)
    return Reach("held", tuple(unread)) if unread else Reach("read")


def _missing(rule: Rule, there: Mapping[str, Collection[str]]) -> list[str]:
    """What the rule needs and is not there; of a kind that is not there, no fields."""
    kinds = [need for need in rule.needs if "." not in need and need not in there]
    pairs = (need.split(".") for need in rule.needs if "." in need)
    return sorted(kinds) + sorted(
        f"{kind}.{field}" for kind, field in pairs if kind in there and field not in there[kind]
    )


def several_of(rule: Rule) -> frozenset[str]:
    """The kinds of which the rule needs more than the latest record: to count them.

    A clock from an event of a number can do with the latest: "the second and later" is then counted from that,
    whichever it is, and "the first" where it comes soon enough to be that.
    """
    pattern = rule.pattern
    if isinstance(pattern, InARow) or (
        isinstance(pattern, Count) and (pattern.at_least > 1 or rule.for_ in pattern.kinds)
    ):
        return frozenset(pattern.kinds)
    return frozenset()


def _best(rule: Rule, every: Sequence[Rule], own: Mapping[str, Mapping[FeedCode, Reach]]) -> Mapping[FeedCode, Reach]:
    meant = [r for r in every if rule.others and r.enabled and not r.others and rule.others.means(r.id)]
    order: tuple[Status, ...] = ("read", "held", "-")
    return {
        feed: min((own[r.id][feed] for r in meant), key=lambda reach: order.index(reach.status), default=Reach("-"))
        for feed in FEEDS
    }
