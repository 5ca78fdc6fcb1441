"""*Rules*: the rulebook as a shelf to look along, one rule with all that is known of it, and one tried on a child.

Everybody sees the rules of their own team; where that team has none of its own, those of the authority.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from alertd.access.viewer import Viewer
from alertd.alerts.handling import Office
from alertd.bootstrap import House, packs_of
from alertd.calendars.calendar import Nation
from alertd.cases.holding import holding
from alertd.cases.records import in_words
from alertd.engine.explain import Explained, Why, coming, explain_one
from alertd.engine.findings import Finding
from alertd.engine.phrases import besides, counting, state
from alertd.intake.kept import KeptCases, Silence, snapshot_of
from alertd.partners.notices import sent_notices, with_notices
from alertd.rulebook.describe import clock_in_words
from alertd.rulebook.diff import Difference, differences, same
from alertd.rulebook.load import load_rulebook, setting_names
from alertd.rulebook.model import Rule, Rulebook
from alertd.rulebook.packs import cases_file
from alertd.rulebook.testing import Case, read_cases
from alertd.rulebook.versions import timing, wording
from alertd.views.alerts import team_name
from alertd.views.rule_words import (
    READ,
    CountedWeek,
    Example,
    area_of,
    counted_weeks,
    example,
    key_words,
    kind_words,
    moment_words,
    named_kinds,
    told,
    warned,
    when_told,
)

AHEAD: Final = timedelta(weeks=26)
"""How far a rule tried on a child looks ahead, as ``alertd explain`` does."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One rule on the shelf. ``changed``: the council has made it otherwise than it ships."""

    id: str
    title: str
    kind: str
    area: str
    clock: str
    enabled: bool
    shadow: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Shelf:
    """The rules by area of work; ``areas`` are all there are, ``found`` how many of ``total`` are shown."""

    groups: tuple[tuple[str, tuple[Listed, ...]], ...]
    areas: tuple[str, ...]
    found: int
    total: int


def shelf(house: House, viewer: Viewer, office: Office, *, area: str = "", kind: str = "", words: str = "") -> Shelf:
    """The rules that somebody's team is judged by, of one area or kind, or with all of some words in them."""
    book = house.rulebook.of_team(viewer.team)
    shipped = {rule.id: rule for rule in _shipped(house).rules}
    wanted = words.lower().split()
    found: dict[str, list[Listed]] = {}
    for rule in sorted(book.rules, key=lambda rule: rule.title):
        of = area_of(rule)
        if (area and of != area) or (kind and rule.kind != kind) or not _has(rule, wanted):
            continue
        before = shipped.get(rule.id)
        changed = before is None or not same(before, rule)
        clock = named_kinds(clock_in_words(rule, book, office.today))
        found.setdefault(of, []).append(
            Listed(rule.id, rule.title, rule.kind, of, clock, rule.enabled, rule.shadow, changed)
        )
    groups = tuple((of, tuple(found[of])) for of in sorted(found))
    areas = tuple(sorted({area_of(rule) for rule in book.rules}))
    return Shelf(groups, areas, sum(map(len, found.values())), len(book.rules))


def _has(rule: Rule, words: Sequence[str]) -> bool:
    text = " ".join((rule.id, rule.title, rule.why, rule.clears, rule.law.cite)).lower()
    return all(word in text for word in words)


@dataclass(frozen=True, slots=True)
class Changed:
    """What the council made otherwise: what, what it was as shipped and what it is now."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RulePage:
    """One rule, every text finished. ``of_team`` is the team whose own rulebook it is from, blank for the authority's.
    ``added``: no pack ships it. ``days`` says how much earlier or later its clocks end than as shipped."""

    rule: Rule
    area: str
    about: str
    clock: str
    read: str
    settings: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    ladder: str
    steps: tuple[tuple[str, str], ...]
    urgent: bool
    versions: tuple[str, str]
    of_team: str
    added: bool
    changes: tuple[Changed, ...]
    days: str
    replaces: str
    examples: tuple[Example, ...]


def rule_page(house: House, viewer: Viewer, rule_id: str, office: Office) -> RulePage | None:
    """One rule as somebody's team is judged by it; None where no rulebook has it."""
    team = viewer.team if viewer.team in house.rulebook.teams else None
    book = house.rulebook.of_team(team)
    rule = book.rule(rule_id)
    if rule is None:
        team = next((key for key, one in house.rulebook.teams.items() if one.rule(rule_id)), None)
        book = house.rulebook.of_team(team)
        rule = book.rule(rule_id)
    if rule is None:
        return None
    shipped = _shipped(house)
    difference = _difference(shipped, book, rule, office.today)
    ladder, warn = book.ladders[rule.escalate], book.warnings.get(rule.warn)
    return RulePage(
        rule=rule,
        area=area_of(rule),
        about=kind_words(rule.for_),
        clock=named_kinds(clock_in_words(rule, book, office.today)),
        read=READ[rule.law.confidence],
        settings=tuple(_settings(rule, book)),
        warnings=tuple(warned(one) for one in warn.at) if warn else (),
        ladder=ladder.title,
        steps=tuple((when_told(step), told(step)) for step in ladder.steps),
        urgent=ladder.urgent,
        versions=(timing(rule, book), wording(rule)),
        of_team=team_name(office.directory, team) if team else "",
        added=shipped.rule(rule.id) is None,
        changes=tuple(Changed(key_words(c.key), c.before or "", c.after or "") for c in difference.keys)
        if difference
        else (),
        days=_days(difference),
        replaces=rule.replaces or "",
        examples=tuple(example(case) for case in _cases(house, rule)),
    )


def _difference(shipped: Rulebook, book: Rulebook, rule: Rule, today: date) -> Difference | None:
    before = shipped.rule(rule.id)
    if before is None:
        return None
    was, now = (one.model_copy(update={"rules": (r,), "teams": {}}) for one, r in ((shipped, before), (book, rule)))
    return next(iter(differences(was, now, today)), None)


def _days(difference: Difference | None) -> str:
    if difference is None or difference.days is None:
        return ""
    least, most = difference.days
    span = f"{abs(least):g}" if least == most else f"{min(abs(least), abs(most)):g} to {max(abs(least), abs(most)):g}"
    if least < 0 < most:
        return f"Its dates are between {-least:g} days earlier and {most:g} days later than as shipped."
    return f"Its dates are {span} days {'later' if most > 0 else 'earlier'} than as shipped."


def _settings(rule: Rule, book: Rulebook) -> Iterable[tuple[str, str]]:
    for one in setting_names(rule):
        value = book.settings.get(one.setting)
        default = f"{one.default} (nobody has set it otherwise)" if one.default else "not set"
        yield one.setting, str(value) if value else default


def _cases(house: House, rule: Rule) -> list[Case]:
    """Its cases: those beside its pack, and those of the council's own overlays."""
    files = dict.fromkeys([Path(rule.place.rpartition(":")[0]), *house.settings.rules.overlays])
    sheets = [cases_file(file) for file in files]
    return [case for sheet in sheets if sheet.exists() for case in _read(sheet, sheet.stat().st_mtime_ns)
            if case.rule == rule.id]  # fmt: skip


@lru_cache(maxsize=64)
def _read(sheet: Path, _changed: int) -> tuple[Case, ...]:
    return read_cases(sheet)


def _shipped(house: House) -> Rulebook:
    """The packs as they ship, with nothing of the council's own laid over them."""
    return _packs(tuple(packs_of(house.settings)), house.settings.authority.nation)


@lru_cache(maxsize=4)
def _packs(packs: tuple[Path, ...], nation: Nation) -> Rulebook:
    return load_rulebook(packs, nation=nation)


@dataclass(frozen=True, slots=True)
class Working:
    """One clock of the child and its count. ``past``: nobody can do anything about it any more."""

    finding: Finding
    past: bool
    cannot_tell: str
    said: tuple[str, ...]
    dates: tuple[tuple[str, str, bool], ...]
    weeks: tuple[CountedWeek, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """A rule tried on a child. ``next`` is what changes, and when, if nothing new is recorded."""

    explained: Explained
    clocks: tuple[Working, ...]
    next: tuple[tuple[str, str, str], ...]


def tried(session: Session, house: House, kept: KeptCases, rule_id: str, child: str, office: Office) -> Tried | str:
    """Why the rule asks what it asks of a child, why not, and what comes next; or why that cannot be said."""
    case = kept.of(child)
    if case is None:
        return "No case data of this child is held now"
    team = holding(case, office.today).team
    rule = house.rulebook.of_team(team).rule(rule_id)
    if rule is None:
        return f"The children of {team_name(office.directory, team)} are not judged by this rule"
    if not rule.enabled:
        return f"The rule does not run here: {rule.disabled_because or 'it is switched off'}"
    snapshot = replace(snapshot_of(kept, Silence()), cases=(case,))
    if house.policy.sent:
        fed = {kind for _, standing in kept.feeds for kind in standing.said.holds}
        snapshot = with_notices(snapshot, sent_notices(session, house.merged), house.policy.sent, fed)
    found = explain_one(snapshot, house.rulebook, rule_id, office.now, office.now + AHEAD)
    clocks = tuple(_working(why, found.rule) for why in reversed(found.why))
    ahead = tuple((moment_words(one.at), one.record, coming(one, found)) for one in found.when_next)
    return Tried(found, clocks, ahead)


def _working(why: Why, rule: Rule) -> Working:
    f = why.finding
    said: list[str] = []
    if f.asks_for_action:
        said = [] if f.cannot_tell else [state(f, rule, f.start, in_words)]
        said += [counting(f, rule, f.start, in_words), *besides(f, rule, in_words)]
    three = (("The law's", f.statutory, "statutory"), ("The authority's own", f.local, "local"),
             ("The child's plan", f.plan, "plan"))  # fmt: skip
    return Working(
        finding=f,
        past=f.met is not None or f.closed,
        cannot_tell=_sentence(f.cannot_tell.text) if f.cannot_tell else "",
        said=tuple(said),
        dates=tuple((name, in_words(day), f.binding == which) for name, day, which in three if day),
        weeks=tuple(counted_weeks(why.days)),
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
