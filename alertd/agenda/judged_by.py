"""By what a child is judged, as a digest: rules, calendar, program, and what the feeds hold."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from typing import Any, Final

from alertd.bootstrap import House
from alertd.cases.records import Snapshot, Window
from alertd.intake.edition import parts
from alertd.intake.kept import Named
from alertd.intake.store import Standing
from alertd.rulebook.model import Rulebook

_PROGRAM: Final = ("calendars", "cases", "engine", "partners", "rulebook")
"""The parts of the program that say what is true of a child."""

_OF_NO_ANSWER: Final = frozenset({"place", "tests", "edition", "owner", "review_by", "why"})
"""What a rule says of itself that no answer depends on."""


@dataclass(frozen=True, slots=True)
class JudgedBy:
    """The digest of those whose team has rules of its own, by team, and that of all others.

    A team's rules changed: its children are looked at again. That a team has rules of its own, or no longer, has all
    looked at: nobody keeps of a child by which of the two it was judged.
    """

    all: str
    teams: Mapping[str, str]

    def of(self, team: str | None) -> str:
        """The digest of what the children of a team are judged by."""
        return self.teams.get(team or "", self.all)

    @property
    def each(self) -> Collection[str]:
        """Every digest that is up to date."""
        return {self.all, *self.teams.values()}


def judged_by(
    house: House,
    able: Rulebook,
    snapshot: Snapshot,
    feeds: Sequence[tuple[Named, Standing]],
    stale: Collection[str],
    fed: Collection[str],
) -> JudgedBy:
    """The digests of what children are judged by now, by rules that the feeds are ``able`` to measure. If one rule is
    another, all children are looked at again, whether they have a record that it is about or not: to know would take
    as long as to look."""
    policy = {rule: house.policy.of(rule).model_dump(mode="json") for rule in sorted(house.policy.sent)}
    common = {
        "program": _program(),
        "calendar": [house.calendar.nation, house.calendar.bank_holidays],
        "policy": policy,
        "holds": [sorted(snapshot.holds), sorted(snapshot.lacks), sorted(snapshot.latest), sorted(snapshot.silent)],
        "fed": sorted(fed),
        "feeds": [[named.feed, named.authority] for named, _ in feeds],
        "precedence": {kind: list(order) for kind, order in house.settings.precedence.items()},
        "stale": sorted(stale),
        "spans": _spans(feeds) if len(feeds) > 1 else [],
        "teams": sorted(able.teams),
    }
    return JudgedBy(
        _digest({**common, "book": _book(able)}),
        {team: _digest({**common, "book": _book(book), "team": team}) for team, book in able.teams.items()},
    )


def _spans(feeds: Sequence[tuple[Named, Standing]]) -> list[Any]:
    """Which feed's window of a kind covers which other's: that decides whose history is whole."""
    kinds = sorted({kind for _, one in feeds for kind in one.said.holds})
    return [
        [kind, a.feed, b.feed]
        for kind in kinds
        for a, one in feeds
        for b, other in feeds
        if a != b and _window(one, kind).spans(_window(other, kind))
    ]


def _window(one: Standing, kind: str) -> Window:
    return one.said.windows.get(kind, one.said.window)


def _book(book: Rulebook) -> dict[str, Any]:
    said = book.model_dump(mode="json", exclude={"rules": True, "teams": True})
    said["rules"] = [rule.model_dump(mode="json", exclude=set(_OF_NO_ANSWER)) for rule in book.rules]
    return said


def _digest(said: Mapping[str, Any]) -> str:
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, default=str)
    return blake2b(text.encode(), digest_size=16).hexdigest()


@cache
def _program() -> str:
    found = blake2b(digest_size=16)
    for part in _PROGRAM:
        for file in parts(files(f"alertd.{part}")):
            found.update(file.read_bytes())
    return found.hexdigest()
