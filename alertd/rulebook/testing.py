"""Test cases of a pack, written by people who know practice: these records, on this day, are judged so.

They run through the same ``Evaluator`` as the daemon, one rule at a time, beside it the rules it
looks at (``others:``) and those that a case names under ``also:``, to see who speaks for whom. What
is expected is what the one rule finds. It and those named are tested as if enabled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator
from pydantic import Field as Default

from alertd.calendars.calendar import Term
from alertd.cases.kinds import KINDS, Field
from alertd.cases.records import LONDON, CaseFile, Record, Unreadable, Window, local_day, make_record
from alertd.engine.evaluate import Evaluator
from alertd.engine.findings import Binding, Cause, Finding, Stage
from alertd.errors import InputError
from alertd.rulebook.load import parse_settings
from alertd.rulebook.model import Rule, Rulebook
from alertd.rulebook.profiles import Model
from alertd.rulebook.strict_yaml import Document, Loc, read_yaml, suggest
from alertd.rulebook.written import validate

CHILD: Final = "C1"


def _moment(value: object) -> object:
    """``2026-11-30 14:30``, Europe/London, or a day as it is."""
    if isinstance(value, str):
        try:
            return datetime.strptime(value, "%Y-%m-%d %H:%M").replace(tzinfo=LONDON)
        except ValueError:
            raise ValueError(
                f"{value!r} is text, and neither a day nor a moment: write 2026-11-30 or 2026-11-30 14:30, no quotes"
            ) from None
    return value


_WHEN: Final = r"^\d{4}-\d\d-\d\d( \d\d:\d\d)?$"
When = Annotated[
    datetime | date, BeforeValidator(_moment, json_schema_input_type=Annotated[str, Default(pattern=_WHEN)])
]


class Expected(Model):
    """One finding looked for; keys left out may be anything. ``cannot_tell`` is the field, ``because`` the cause."""

    stage: Stage
    due: When | None = None
    met: When | None = None
    start: When | None = None
    statutory: When | None = None
    local: When | None = None
    plan: When | None = None
    binding: Binding | None = None
    occurrence: str | None = None
    warned: int | None = None
    level: int | None = None
    cannot_tell: str | None = None
    because: Cause | None = None
    limit: str | None = None
    explained: str | None = None
    spoken_for_by: str | None = None


class Span(Model):
    """The span the feed can speak for; a blank side is unbounded."""

    start: date | None = None
    end: date | None = None


class TermText(Model):
    """A school term, and the days in it on which schools are closed."""

    start: date
    end: date
    closed: tuple[date, ...] = ()


def _nothing(value: object) -> object:
    if value == "nothing":
        return ()
    if isinstance(value, list) and value:
        return tuple(value)
    raise ValueError("write the findings as a list, or `nothing`")


class CaseText(Model):
    """One case as written."""

    name: str
    rule: str
    also: tuple[str, ...] = ()
    as_of: When
    records: tuple[dict[str, object], ...] = ()
    window: Span = Span()
    terms: tuple[TermText, ...] = ()
    settings: dict[str, str] = Default(default_factory=dict)
    expect: Annotated[
        tuple[Expected, ...],
        BeforeValidator(_nothing, json_schema_input_type=Literal["nothing"] | list[Expected]),
    ]


class CaseSheet(Model):
    """A ``*.test.yaml`` file."""

    cases: tuple[CaseText, ...]


_PARTS: Final[Mapping[str, type[Model]]] = {"cases": CaseText, "expect": Expected, "window": Span, "terms": TermText}


@dataclass(frozen=True, slots=True)
class Case:
    """One case, ready to run. ``place`` is ``file:line``."""

    name: str
    rule: str
    also: tuple[str, ...]
    as_of: datetime
    file: CaseFile
    terms: tuple[Term, ...]
    settings: Mapping[str, str]
    expect: tuple[Expected, ...]
    place: str

    @property
    def fires(self) -> bool:
        """Whether it shows the rule asking for something."""
        return any(e.stage in ("upcoming", "due", "overdue") for e in self.expect)

    @property
    def stays_silent(self) -> bool:
        """Whether it shows the rule asking nobody for anything."""
        return all(e.stage in ("running", "met", "met_late", "ended") for e in self.expect)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a case found. ``differences`` are lines for a reader; none when the case holds."""

    case: Case
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the findings are those expected, no more and no fewer."""
        return not self.differences


def read_cases(path: Path) -> tuple[Case, ...]:
    """The cases of one file. Raises :class:`InputError` with ``file:line`` for the first fault."""
    document = read_yaml(path)
    sheet = validate(document, CaseSheet, _PARTS)
    return tuple(_case(text, ("cases", i), document) for i, text in enumerate(sheet.cases))


def _case(text: CaseText, loc: Loc, document: Document) -> Case:
    records = tuple(_record(raw, i, (*loc, "records", i), document) for i, raw in enumerate(text.records))
    keys = [r.ref for r in records]
    for i, ref in enumerate(keys):
        if ref in keys[:i]:
            raise InputError(
                f"a second record {ref}", where=document.at((*loc, "records", i)), fix="Give it another key."
            )
    as_of = text.as_of if isinstance(text.as_of, datetime) else datetime.combine(text.as_of, time(23, 59, 59), LONDON)
    return Case(
        text.name,
        text.rule,
        text.also,
        as_of,
        CaseFile(CHILD, records, Window(text.window.start, text.window.end)),
        tuple(Term(t.start, t.end, t.closed) for t in text.terms),
        text.settings,
        text.expect,
        f"{document.path}:{document.lines[loc]}",
    )


def _record(raw: Mapping[str, object], number: int, loc: Loc, document: Document) -> Record:
    name = raw.get("kind")
    if not isinstance(name, str) or name not in KINDS:
        where, fix = document.at((*loc, "kind")), suggest(str(name), KINDS, "There are")
        raise InputError(f"there is no record kind {name!r}", where=where, fix=fix)
    kind = KINDS[name]
    values: dict[str, object] = {}
    for key, value in raw.items():
        if key in ("kind", "key"):
            continue
        field = kind.field(key)
        if field is None:
            known = [f.name for f in kind.fields]
            where, fix = document.at((*loc, key)), suggest(key, known, "It has")
            raise InputError(f"{name} has no field {key!r}", where=where, fix=fix)
        values[key] = _value(field, value, document.at((*loc, key)))
    return make_record(name, CHILD, str(raw.get("key", f"{name}-{number + 1}")), document.at(loc), values)


def _value(field: Field, value: object, where: str) -> object:
    """A field's value as a feed would hand it over; ``{unreadable: why}`` stands for one it could not read."""
    if isinstance(value, dict) and list(value) == ["unreadable"]:
        return Unreadable(str(value["unreadable"]))
    if field.type == "moment":
        try:
            value = _moment(value)
        except ValueError as error:
            raise InputError(str(error), where=where) from None
    expected = {"date": date, "moment": date, "yes/no": bool, "text": str, "number": int}[field.type]
    if value is not None and (not isinstance(value, expected) or (field.type == "number" and value is True)):
        fix = "Write it as 2026-11-30, without quotes" if field.type == "date" else None
        raise InputError(f"{field.name} is a {field.type} field and cannot hold {value!r}", where=where, fix=fix)
    return value


class Runner:
    """Runs cases against a rulebook: what one rule finds, compiled once for the same rules, settings and terms."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self._ready: dict[tuple[object, ...], Evaluator] = {}

    def run(self, case: Case) -> Outcome:
        """Judge one case. Raises :class:`InputError` for a rule or setting there is not."""
        found = [f for f in self._evaluator(case).evaluate(case.file, case.as_of) if f.rule == case.rule]
        return Outcome(case, tuple(_differences(case.expect, found)))

    def _evaluator(self, case: Case) -> Evaluator:
        key = (case.rule, case.also, case.terms, tuple(sorted(case.settings.items())))
        if key not in self._ready:
            rules = self._rules(case)
            settings = {**self._rulebook.settings, **_settings_of(case, rules)}
            changed = {"rules": rules, "settings": settings, "terms": case.terms or self._rulebook.terms, "teams": {}}
            self._ready[key] = Evaluator.of(self._rulebook.model_copy(update=changed))
        return self._ready[key]

    def _rules(self, case: Case) -> tuple[Rule, ...]:
        """The rule under test, those the case names beside it, and those that these look at."""
        named = {name: _enabled(self._rule(name, case)) for name in (case.rule, *case.also)}
        over = [rule.others for rule in named.values() if rule.others]
        meant = [r for r in self._rulebook.enabled if r.id not in named and any(o.means(r.id) for o in over)]
        return (*named.values(), *meant)

    def _rule(self, name: str, case: Case) -> Rule:
        rule = self._rulebook.rule(name)
        if rule is None:
            known = [r.id for r in self._rulebook.rules]
            raise InputError(f"there is no rule {name!r}", where=case.place, fix=suggest(name, known, "There are"))
        return rule


def _enabled(rule: Rule) -> Rule:
    return rule.model_copy(update={"enabled": True, "disabled_because": None})


def _settings_of(case: Case, rules: Sequence[Rule]) -> Mapping[str, object]:
    try:
        return parse_settings(case.settings, rules)
    except InputError as error:
        raise InputError(f"{error.where}: {error.what}", where=case.place, fix=error.fix) from None


def _differences(expect: Sequence[Expected], found: Sequence[Finding]) -> list[str]:
    """Lines that say what was expected and not found, and what was found and not expected."""
    left = list(found)
    missing: list[Expected] = []
    # The most particular first, so that a general one does not take its finding.
    for wanted in sorted(expect, key=lambda e: -len(e.model_fields_set)):
        match = next((f for f in left if _matches(wanted, f)), None)
        if match:
            left.remove(match)
        else:
            missing.append(wanted)
    if not expect and left:
        return ["expected  nothing", *(f"found     {_line(f)}" for f in left)]
    return [
        *(f"expected  {_wanted_line(e)}" for e in missing),
        *(f"found     {_line(f)}" for f in left),
        *(["found     nothing"] if missing and not found else []),
    ]


def _matches(wanted: Expected, found: Finding) -> bool:
    return all(_same(getattr(wanted, key), _found(found, key)) for key in wanted.model_fields_set)


def _found(finding: Finding, key: str) -> object:
    if key in ("cannot_tell", "because"):
        reason = finding.cannot_tell
        return reason and (reason.field if key == "cannot_tell" else reason.cause)
    return getattr(finding, key)


def _same(wanted: object, found: object) -> bool:
    if found == "":  # a text there is none of
        return not wanted
    if isinstance(found, datetime) and isinstance(wanted, date) and not isinstance(wanted, datetime):
        return local_day(found) == wanted
    return wanted == found


def _wanted_line(wanted: Expected) -> str:
    return _words({key: getattr(wanted, key) for key in Expected.model_fields if key in wanted.model_fields_set})


def _line(finding: Finding) -> str:
    found = {key: _found(finding, key) for key in Expected.model_fields}
    unsaid: tuple[object, ...] = (None, 0, "")
    return _words({key: value for key, value in found.items() if value not in unsaid})


def _words(values: Mapping[str, object]) -> str:
    stage, *rest = values.items()
    return "  ".join([str(stage[1]), *(f"{key} {_shown(value)}" for key, value in rest)])


def _shown(value: object) -> str:
    return f"{value.astimezone(LONDON):%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)
