"""From YAML packs to a :class:`~alertd.rulebook.model.Rulebook`, or one error that says where and what to do.

A pack is refused whole: a rule that cannot be read must not leave its neighbours running as if all were well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from alertd.calendars.calendar import Nation
from alertd.calendars.durations import Duration
from alertd.errors import InputError
from alertd.rulebook import builtin
from alertd.rulebook.model import (
    Age,
    Birthday,
    Clock,
    DatedSpan,
    FromEvent,
    Law,
    Rule,
    Rulebook,
    Setting,
    Starting,
    Until,
)
from alertd.rulebook.names import UnknownNameError
from alertd.rulebook.profiles import Checkpoint, Ladder, Model, Step, WarningProfile
from alertd.rulebook.strict_yaml import Document, Loc, read_yaml, suggest
from alertd.rulebook.versions import lawful

TEST_SUFFIX: Final = ".test.yaml"


_FILLED: Final = frozenset({"pack", "edition", "place", "tests", "shipped", "shadow", "loosened_by"})
"""What loading fills, and nobody writes in a rule."""


class PackFile(Model):
    """One file of rules. ``edition`` says which text of the law or policy the numbers were read in;
    ``owner`` answers for its rules and ``review_by`` is when they have to be read again, where a
    rule says nothing else."""

    pack: str
    edition: str
    owner: str = ""
    review_by: date | None = None
    rules: tuple[Rule, ...]


class ProfileFile(Model):
    """The warning profiles and escalation ladders that rules name."""

    warnings: dict[str, WarningProfile]
    ladders: dict[str, Ladder]


def load_rulebook(
    packs: Sequence[Path], *, settings: Mapping[str, str] | None = None, nation: Nation = "england-and-wales"
) -> Rulebook:
    """The rules of all packs with the shipped profiles and the authority's own lengths.

    A pack is a folder (every ``*.yaml`` in it except ``*.test.yaml``) or one file. ``settings`` are
    lengths by name, as ``{"cp.visit.interval": "10 working days"}``. Raises :class:`InputError`
    with ``file:line`` and key for the first fault, and the number of further ones in that file.
    """
    profile_file = validate(read_yaml(builtin.profiles()), ProfileFile)
    rules: dict[str, Rule] = {}
    for path in pack_files(packs):
        for rule in _read_pack(path, profile_file):
            if rule.id in rules:
                raise InputError(
                    f"duplicate rule id {rule.id!r}, first at {rules[rule.id].place}",
                    where=rule.place,
                    fix="Give one of the two another id, or load one pack only.",
                )
            rules[rule.id] = rule
    replaced = _take_out_replaced(rules)
    return Rulebook(
        rules=tuple(rules.values()),
        warnings=profile_file.warnings,
        ladders=profile_file.ladders,
        settings=parse_settings(settings or {}, rules.values()),
        nation=nation,
        replaced=replaced,
    )


def _take_out_replaced(rules: dict[str, Rule]) -> dict[str, str]:
    """Take out the rules that others stand in for. What was taken out, each with the rule in its place.

    A stand-in loaded without what it stands in for is refused: the rest of that pack would be missing too.
    """
    replaced: dict[str, str] = {}
    for rule in rules.values():
        if rule.replaces is None:
            continue
        if rule.replaces not in rules:
            holder = builtin.holder_of(rule.replaces)
            raise InputError(
                f"{rule.id} replaces {rule.replaces!r}, and no pack loaded has that rule",
                where=rule.place,
                fix=f'Load the pack that has it as well: packs = ["{holder}", …].'
                if holder
                else suggest(rule.replaces, rules, "Rules loaded are"),
            )
        replaced[rule.replaces] = rule.id
    for name in replaced:
        del rules[name]
    return replaced


def pack_files(packs: Sequence[Path]) -> Iterator[Path]:
    """The rule files of the packs, sorted within each folder."""
    for pack in packs:
        if pack.is_dir():
            found = sorted(p for p in pack.glob("*.yaml") if not p.name.endswith(TEST_SUFFIX))
            if not found:
                raise InputError("there is no rule file (*.yaml) in this folder", where=str(pack))
            yield from found
        elif pack.exists():
            yield pack
        else:
            raise InputError("there is no such pack", where=str(pack), fix="Name a folder of rule files or one file.")


def cases_file(pack_file: Path) -> Path:
    """Where the cases of a rule file stand: ``<name>.test.yaml`` beside it."""
    return pack_file.with_name(pack_file.name.removesuffix(".yaml") + TEST_SUFFIX)


def setting_names(rule: Rule) -> Iterator[Setting]:
    """The settings one rule reads."""
    for length in (rule.clock.length, rule.clock.local):
        if isinstance(length, Setting):
            yield length


def _read_pack(path: Path, profiles: ProfileFile) -> Iterator[Rule]:
    document = read_yaml(path)
    pack = validate(document, PackFile)
    tests = _count_tests(cases_file(path))
    seen: dict[str, Loc] = {}
    for number, rule in enumerate(pack.rules):
        loc: Loc = ("rules", number)
        for key in _FILLED & rule.model_fields_set:
            raise InputError(f"`{key}` is not written in a rule", where=document.at((*loc, key)), fix="Remove it.")
        if rule.id in seen:
            raise InputError(
                f"duplicate rule id {rule.id!r}, first on line {document.lines[seen[rule.id]]}",
                where=document.at((*loc, "id")),
                fix="Give one of the two another id.",
            )
        seen[rule.id] = (*loc, "id")
        for key, named, known in (
            ("warn", rule.warn, list(profiles.warnings)),
            ("escalate", rule.escalate, list(profiles.ladders)),
        ):
            if named and named not in known:
                kind = "warning profile" if key == "warn" else "ladder"
                raise InputError(
                    f"there is no {kind} {named!r}",
                    where=document.at((*loc, key)),
                    fix=suggest(named, known, "There are"),
                )
        place = f"{path}:{document.lines[loc]}"
        filled = {
            "pack": pack.pack,
            "edition": pack.edition,
            "owner": rule.owner or pack.owner,
            "review_by": rule.review_by or pack.review_by,
            "place": place,
            "tests": tests[rule.id],
            "shipped": lawful(rule),
        }
        yield rule.model_copy(update=filled)


def _count_tests(path: Path) -> Counter[str]:
    if not path.exists():
        return Counter()
    value = read_yaml(path).value
    cases = value.get("cases") if isinstance(value, dict) else None
    return Counter(str(c.get("rule")) for c in cases if isinstance(c, dict)) if isinstance(cases, list) else Counter()


def parse_settings(given: Mapping[str, str], rules: Iterable[Rule]) -> dict[str, Duration]:
    """The authority's lengths. Raises :class:`InputError` for a name no rule reads, and for what is no length."""
    known = {s.setting for rule in rules for s in setting_names(rule)}
    found: dict[str, Duration] = {}
    for name, text in given.items():
        where = f"setting {name}"
        if name not in known:
            raise InputError("no rule reads this setting", where=where, fix=suggest(name, known, "Rules read"))
        try:
            found[name] = Duration.parse(text)
        except ValueError as error:
            raise InputError(str(error), where=where) from None
    return found


M = TypeVar("M", bound=Model)


def validate(document: Document, model: type[M], parts: Mapping[str, type[Model]] | None = None) -> M:
    """The file as a model, every fault told with the line of its key.

    ``parts`` are the models under the keys of the file, for suggesting a known key.
    """
    if not isinstance(document.value, dict):
        keys = ", ".join(_keys_of(model))
        raise InputError("is not a mapping", where=document.at(()), fix=f"Write the keys {keys}.")
    try:
        return model.model_validate(document.value, by_alias=True, by_name=False)
    except ValidationError as error:
        # A misspelt key explains the one that is missing, so it is told first.
        errors = sorted(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
    what, loc, fix = _explain(errors[0], document, model, parts or _MODELS)
    more = f" ({len(errors) - 1} more in this file)" if len(errors) > 1 else ""
    raise InputError(what + more, where=document.at(loc), fix=fix)


def _explain(
    error: ErrorDetails, document: Document, root: type[Model], parts: Mapping[str, type[Model]]
) -> tuple[str, Loc, str | None]:
    """One pydantic error in words: what is wrong, at which key, and what to do."""
    loc, kind = _real(error["loc"], document), error["type"]
    last = error["loc"][-1] if error["loc"] else ""
    cause = error.get("ctx", {}).get("error")
    if kind == "extra_forbidden":
        above = (parts[str(part)] for part in reversed(error["loc"][:-1]) if part in parts)
        known = _keys_of(next(above, root))
        return f"unknown key {last!r}", loc, suggest(str(last), known, "Known keys are")
    if kind == "missing":
        return f"`{last}:` is missing", loc, f"Add `{last}:`."
    if isinstance(cause, UnknownNameError):
        return (*_key_first(str(cause), loc, document, cause.name), suggest(cause.name, cause.known, "There are"))
    if isinstance(cause, ValueError):
        return (*_key_first(str(cause), loc, document), None)
    if kind == "literal_error":
        allowed = str(error["ctx"]["expected"])
        return f"{error['input']!r} is not one of {allowed}", loc, None
    if kind == "string_pattern_mismatch":
        fix = "Write lower-case words joined by dots, as cla.review.first."
        return f"{error['input']!r} is not a rule id", loc, fix
    plain: dict[str, tuple[str, str | None]] = {
        "string_type": ("is not text", "Put it in quotes."),
        "model_type": ("is not a mapping", "Write `key: value` lines under it."),
        "tuple_type": ("is not a list", "Write items that begin with `- `."),
        "dict_type": ("is not a mapping", "Write `key: value` lines under it."),
    }
    what, to_do = plain.get(kind, (error["msg"][0].lower() + error["msg"][1:], None))
    shown = error["input"]
    return (f"{shown!r} {what}" if kind in plain and isinstance(shown, bool | int | float | str) else what), loc, to_do


def _key_first(text: str, loc: Loc, document: Document, name: str = "") -> tuple[str, Loc]:
    """The model's own errors begin with the key they are about: ``until.where: …``. Its place, and the rest."""
    key, _, rest = text.partition(": ")
    found = (*loc, *key.split("."))
    if rest and found in document.lines:
        return rest, (*found, name) if (*found, name) in document.lines else found
    return text, loc


def _real(loc: tuple[str | int, ...], document: Document) -> Loc:
    """The place in the file: without the tags pydantic adds, conditions by key instead of number."""
    real: Loc = ()
    value = document.value
    for part in loc:
        if isinstance(value, dict) and isinstance(part, int):
            names = [n for n, wanted in value.items() for _ in (wanted if isinstance(wanted, dict) else (0,))]
            part = names[part]
        if (*real, part) in document.lines:
            real = (*real, part)
            value = value[part]  # type: ignore[index]
    return real


_MODELS: Final[Mapping[str, type[Model]]] = {
    "rules": Rule,
    "law": Law,
    "clock": Clock,
    "until": Until,
    "age": Age,
    "starting": Starting,
    "a setting": Setting,
    "dated lengths": DatedSpan,
    "a birthday": Birthday,
    "an event": FromEvent,
    "warnings": WarningProfile,
    "at": Checkpoint,
    "ladders": Ladder,
    "steps": Step,
}


def _keys_of(model: type[Model]) -> list[str]:
    filled_on_loading = {"pack", "place", "tests"} if model is Rule else set()
    return [f.alias or name for name, f in model.model_fields.items() if name not in filled_on_loading]
