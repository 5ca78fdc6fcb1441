"""From YAML packs to a :class:`~alertd.rulebook.model.Rulebook`, or one error that says where and what to do.

A pack is refused whole: a rule that cannot be read must not leave its neighbours running as if all were well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from alertd.calendars.calendar import Nation, Term
from alertd.calendars.durations import Duration
from alertd.errors import InputError
from alertd.rulebook import builtin
from alertd.rulebook.laying import lay
from alertd.rulebook.model import Rule, Rulebook, Setting
from alertd.rulebook.overlay import Overlay, read_overlays
from alertd.rulebook.packs import ProfileFile, pack_files, read_pack
from alertd.rulebook.references import check_references, with_stand_ins
from alertd.rulebook.strict_yaml import read_yaml, suggest
from alertd.rulebook.written import validate


def load_rulebook(
    packs: Sequence[Path],
    *,
    overlays: Sequence[Path] = (),
    settings: Mapping[str, str] | None = None,
    nation: Nation = "england-and-wales",
    terms: tuple[Term, ...] = (),
) -> Rulebook:
    """The rules of all packs, with the shipped profiles and the authority's lengths, terms and overlays.

    A pack is a folder (every ``*.yaml`` in it except ``*.test.yaml``) or one file. ``settings`` are
    lengths by name, as ``{"cp.visit.interval": "10 working days"}``. Raises :class:`InputError`
    with ``file:line`` and key for the first fault, and the number of further ones in that file.
    """
    profile_file = validate(read_yaml(builtin.profiles()), ProfileFile)
    rules: dict[str, Rule] = {}
    for path in pack_files(packs):
        for rule in read_pack(path, profile_file):
            if rule.id in rules:
                raise InputError(
                    f"duplicate rule id {rule.id!r}, first at {rules[rule.id].place}",
                    where=rule.place,
                    fix="Give one of the two another id, or load one pack only.",
                )
            rules[rule.id] = rule
    replaced = _take_out_replaced(rules)
    book = Rulebook(
        rules=with_stand_ins(rules.values(), replaced),
        warnings=profile_file.warnings,
        ladders=profile_file.ladders,
        nation=nation,
        terms=terms,
        replaced=replaced,
    )
    laid = read_overlays(overlays, book)
    every_rule = [*rules.values(), *(rule for overlay in laid for rule in overlay.rules)]
    _check_settings(laid, settings or {}, every_rule)
    book = lay(book.model_copy(update={"settings": parse_settings(settings or {}, every_rule)}), laid)
    for one in (book, *book.teams.values()):
        check_references(one.rules, replaced)
    return book


def _check_settings(overlays: Sequence[Overlay], settings: Mapping[str, str], rules: Iterable[Rule]) -> None:
    """Refuse a length that no rule reads, and one that the authority's overlay and its settings both give."""
    known = {s.setting for rule in rules for s in setting_names(rule)}
    for overlay in overlays:
        for name in overlay.file.settings:
            if name not in known:
                raise overlay.refuse(
                    ("settings", name), "no rule reads this setting", suggest(name, known, "Rules read")
                )
            if name in settings and overlay.file.level == "authority":
                raise overlay.refuse(
                    ("settings", name), "is given under [rules.settings] as well", "Keep one of the two."
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


def setting_names(rule: Rule) -> Iterator[Setting]:
    """The settings one rule reads."""
    for length in (rule.clock.length, rule.clock.local):
        if isinstance(length, Setting):
            yield length


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
