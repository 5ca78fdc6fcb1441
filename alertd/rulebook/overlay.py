"""Overlays: what an authority, a service or a team lays over the packs below it.

Each level may ask for more than the one below it in the file order, and add rules of its own. To ask
for less than the law, or than a level above has set, is refused unless a named officer, the reason and
the date are written down with it: nobody weakens the law quietly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from alertd.calendars.clock import CountFrom
from alertd.errors import InputError
from alertd.rulebook.conditions import Names, Where
from alertd.rulebook.model import Loosening, Rule, Rulebook
from alertd.rulebook.packs import filled_rules
from alertd.rulebook.profiles import Ladder, Model, Span, WarningProfile
from alertd.rulebook.strict_yaml import Document, Loc, read_yaml
from alertd.rulebook.timing import DatedSpan, as_length
from alertd.rulebook.written import MODELS, validate

Level = Literal["authority", "service", "team"]
LEVELS: Final[tuple[Level, ...]] = ("authority", "service", "team")


def _own_length(value: object) -> object:
    if isinstance(value, dict):
        raise ValueError("a changed limit is a length; a setting is given its value under `settings:`")  # noqa: TRY004 - pydantic reads ValueError
    return as_length(value)


OwnLength = Annotated[
    tuple[DatedSpan, ...], BeforeValidator(_own_length, json_schema_input_type=Span | list[DatedSpan])
]


class Change(Model):
    """What is different about one rule. ``limit`` replaces a local number; a number of the law stays,
    with the limit beside it as the authority's own. ``also_where`` are further conditions on what
    stops the clock. ``loosened_by`` goes with what asks for less, and with nothing else."""

    rule: str
    limit: OwnLength | None = None
    count_from: CountFrom | None = None
    also_where: Where = ()
    warn: str | None = None
    escalate: str | None = None
    enabled: bool | None = None
    disabled_because: str | None = None
    title: str | None = None
    why: str | None = None
    clears: str | None = None
    owner: str | None = None
    review_by: date | None = None
    loosened_by: Loosening | None = None

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        if not self.model_fields_set - {"rule", "loosened_by"}:
            raise ValueError("rule: nothing is changed here")
        if self.limit == ():
            raise ValueError("limit: give a length, as `15 working days`")
        if self.enabled is False and not (self.disabled_because or self.loosened_by):
            raise ValueError("enabled: say why with `disabled_because:`")
        if self.disabled_because and self.enabled is not False:
            raise ValueError("disabled_because: goes with `enabled: false`")
        return self


class OverlayFile(Model):
    """One overlay file. ``teams`` are the keys of the teams it holds for, at the levels service and team.
    ``settings`` are lengths by name; ``warnings`` and ``ladders`` are profiles with new names."""

    overlay: str
    edition: str
    level: Level
    teams: Names = ()
    owner: str = ""
    review_by: date | None = None
    settings: dict[str, Span] = Field(default_factory=dict)
    warnings: dict[str, WarningProfile] = Field(default_factory=dict)
    ladders: dict[str, Ladder] = Field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    rules: tuple[Rule, ...] = ()

    @model_validator(mode="after")
    def _teams_of_a_level(self) -> Self:
        if self.level == "authority" and self.teams:
            raise ValueError("teams: an authority's overlay holds for all teams")
        if self.level != "authority" and not self.teams:
            raise ValueError(f"level: an overlay of a {self.level} names its `teams:`")
        return self


_PARTS: Final[Mapping[str, type[Model]]] = {**MODELS, "changes": Change, "loosened_by": Loosening}


@dataclass(frozen=True, slots=True)
class Overlay:
    """One overlay, read. ``rules`` are its new rules, with their places."""

    document: Document
    file: OverlayFile
    rules: tuple[Rule, ...]

    @property
    def touches(self) -> frozenset[str]:
        """The rules it changes or adds, by id."""
        return frozenset([c.rule for c in self.file.changes] + [r.id for r in self.rules])

    def refuse(self, loc: Loc, what: str, fix: str | None = None) -> InputError:
        """The error for a place in it."""
        return InputError(what, where=self.document.at(loc), fix=fix)


def read_overlay(path: Path) -> tuple[Document, OverlayFile]:
    """One overlay as written. Raises :class:`InputError` with ``file:line`` for the first fault."""
    document = read_yaml(path)
    return document, validate(document, OverlayFile, _PARTS)


def read_overlays(paths: Iterable[Path], below: Rulebook) -> tuple[Overlay, ...]:
    """The overlays, from the widest level to the narrowest. ``below`` is what they will be laid over.

    Raises :class:`InputError` with ``file:line`` for the first fault.
    """
    files = [read_overlay(path) for path in paths]
    files.sort(key=lambda pair: LEVELS.index(pair[1].level))
    ids = {rule.id: rule.place for rule in below.rules} | dict.fromkeys(below.replaced, "a pack")
    found: list[Overlay] = []
    for document, file in files:
        rules = tuple(filled_rules(document, file, file.overlay))
        overlay = Overlay(document, file, rules)
        _check_names(overlay, below, ids)
        ids |= {rule.id: rule.place for rule in rules}
        found.append(overlay)
    return tuple(found)


def _check_names(overlay: Overlay, below: Rulebook, ids: dict[str, str]) -> None:
    for i, rule in enumerate(overlay.rules):
        if rule.id in ids:
            raise overlay.refuse(
                ("rules", i, "id"),
                f"there is a rule {rule.id!r} already, at {ids[rule.id]}",
                "Change it under `changes:`, or give this one another id.",
            )
        if rule.replaces:
            raise overlay.refuse(
                ("rules", i, "replaces"),
                "an overlay replaces no rule: that would let go of the law without a name to it",
                "Change the rule under `changes:`.",
            )
    for key, given, there in (
        ("warnings", overlay.file.warnings, below.warnings),
        ("ladders", overlay.file.ladders, below.ladders),
    ):
        for name in given:
            if name in there:
                raise overlay.refuse((key, name), f"{name!r} is there already", "Give the authority's own a new name.")
    seen: dict[str, int] = {}
    for i, change in enumerate(overlay.file.changes):
        if change.rule in seen:
            line = overlay.document.lines["changes", seen[change.rule], "rule"]
            raise overlay.refuse(
                ("changes", i, "rule"), f"{change.rule} is changed twice, first on line {line}", "Make it one change."
            )
        seen[change.rule] = i
