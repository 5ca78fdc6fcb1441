"""Rule files: which belong to a pack, and what each holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Final, Protocol

from alertd.errors import InputError
from alertd.rulebook.model import Rule
from alertd.rulebook.profiles import Ladder, Model, WarningProfile
from alertd.rulebook.strict_yaml import Document, Loc, read_yaml, suggest
from alertd.rulebook.versions import lawful
from alertd.rulebook.written import FILLED, validate

TEST_SUFFIX: Final = ".test.yaml"
OVERLAY_SUFFIX: Final = ".overlay.yaml"


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


class _Head(Protocol):
    """What a pack and an overlay say once for all their rules."""

    @property
    def edition(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def review_by(self) -> date | None: ...
    @property
    def rules(self) -> tuple[Rule, ...]: ...


def pack_files(packs: Sequence[Path]) -> Iterator[Path]:
    """The rule files of the packs, sorted within each folder; overlays and cases are no rule files."""
    for pack in packs:
        if pack.is_dir():
            found = sorted(p for p in pack.glob("*.yaml") if not p.name.endswith((TEST_SUFFIX, OVERLAY_SUFFIX)))
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


def read_pack(path: Path, profiles: ProfileFile) -> Iterator[Rule]:
    """The rules of one file, each with its pack and its place."""
    document = read_yaml(path)
    pack = validate(document, PackFile)
    for number, rule in enumerate(filled_rules(document, pack, pack.pack)):
        check_profiles(document, ("rules", number), rule, profiles.warnings, profiles.ladders)
        yield rule


def filled_rules(document: Document, head: _Head, pack: str) -> Iterator[Rule]:
    """The rules of a pack or an overlay, with what loading fills. Raises :class:`InputError` for two of one id."""
    tests = _count_tests(cases_file(document.path))
    seen: dict[str, Loc] = {}
    for number, rule in enumerate(head.rules):
        loc: Loc = ("rules", number)
        for key in FILLED & rule.model_fields_set:
            raise InputError(f"`{key}` is not written in a rule", where=document.at((*loc, key)), fix="Remove it.")
        if rule.id in seen:
            raise InputError(
                f"duplicate rule id {rule.id!r}, first on line {document.lines[seen[rule.id]]}",
                where=document.at((*loc, "id")),
                fix="Give one of the two another id.",
            )
        seen[rule.id] = (*loc, "id")
        filled = {
            "pack": pack,
            "edition": head.edition,
            "owner": rule.owner or head.owner,
            "review_by": rule.review_by or head.review_by,
            "place": f"{document.path}:{document.lines[loc]}",
            "tests": tests[rule.id],
            "shipped": lawful(rule),
        }
        yield rule.model_copy(update=filled)


def check_profiles(
    document: Document,
    loc: Loc,
    rule: Rule,
    warnings: Collection[str],
    ladders: Collection[str],
) -> None:
    """Raises :class:`InputError` for a rule that names a warning profile or a ladder there is not."""
    for key, named, known, kind in (
        ("warn", rule.warn, warnings, "warning profile"),
        ("escalate", rule.escalate, ladders, "ladder"),
    ):
        if named not in known and (named or key == "escalate"):  # a pattern has no warnings
            raise InputError(
                f"there is no {kind} {named!r}",
                where=document.at((*loc, key)),
                fix=suggest(named, known, "There are"),
            )


def _count_tests(path: Path) -> Counter[str]:
    if not path.exists():
        return Counter()
    value = read_yaml(path).value
    cases = value.get("cases") if isinstance(value, dict) else None
    return Counter(str(c.get("rule")) for c in cases if isinstance(c, dict)) if isinstance(cases, list) else Counter()
