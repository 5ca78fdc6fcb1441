"""Rule files named on a command line, each with the rulebook in which its cases have to hold.

Most packs stand alone. One that stands in for rules of another is judged together with that one, and an
overlay over the England packs and whatever packs and wider overlays are named with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from alertd.errors import InputError
from alertd.rulebook.builtin import builtin_pack, england, installed_ids
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rule, Rulebook
from alertd.rulebook.overlay import read_overlay
from alertd.rulebook.packs import OVERLAY_SUFFIX, TEST_SUFFIX, cases_file, pack_files
from alertd.rulebook.testing import Case, read_cases

_REPLACES: Final = re.compile(r"^    replaces: (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Shelf:
    """``files`` are the rule files asked about, and ``changed`` the rules an overlay changes; ``below`` are the
    files they are laid over, none of them in ``files``."""

    rulebook: Rulebook
    files: tuple[Path, ...]
    below: tuple[Path, ...] = ()
    changed: frozenset[str] = frozenset()

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules written in the files."""
        places = {str(path) for path in self.files}
        return tuple(rule for rule in self.rulebook.rules if rule.place.rpartition(":")[0] in places)

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """The test cases beside the files."""
        return tuple(_cases(self.files))

    @cached_property
    def every_case(self) -> tuple[Case, ...]:
        """The same, and those of the packs below."""
        return (*self.cases, *_cases(self.below))


def _cases(files: Iterable[Path]) -> Iterator[Case]:
    for file in map(cases_file, files):
        if file.exists():
            yield from read_cases(file)


def rule_file(path: Path) -> Path:
    """The rule file a test file stands beside; any other path as it is."""
    name = path.name
    return path.with_name(name.removesuffix(TEST_SUFFIX) + ".yaml") if name.endswith(TEST_SUFFIX) else path


def shelves(paths: Sequence[Path]) -> list[Shelf]:
    """The rule files of folders and files, in as few rulebooks as they can be judged in.

    Raises :class:`InputError` for a folder without rule files and for what cannot be loaded.
    """
    files = list(dict.fromkeys(file for path in paths for file in _files(rule_file(path))))
    overlays = [f for f in files if f.name.endswith(OVERLAY_SUFFIX)]
    packs = [f for f in files if f not in overlays]
    standing_in = {f: names for f in packs if (names := _replaces(f))}
    alone = [f for f in packs if f not in standing_in]
    found: list[Shelf] = []
    if alone:
        found.append(Shelf(load_rulebook(alone), tuple(alone)))
    if standing_in:
        below = _below(standing_in.values(), alone)
        found.append(Shelf(load_rulebook([*below, *standing_in]), tuple(standing_in), tuple(below)))
    return [*found, *_of_overlays(overlays, packs)]


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return list(pack_files([path]))
    found = sorted(p for p in path.glob("*.yaml") if not p.name.endswith(TEST_SUFFIX))
    if not found:
        raise InputError("there is no rule file (*.yaml) in this folder", where=str(path))
    return found


def _replaces(file: Path) -> list[str]:
    try:
        return _REPLACES.findall(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        return []  # told by loading, with its line


def _below(replaced: Iterable[Sequence[str]], alone: Sequence[Path]) -> list[Path]:
    """The files that hold what is replaced: those named, or the installed packs."""
    ids = installed_ids()
    holders = {ids[name] for names in replaced for name in names if name in ids}
    return list(pack_files([builtin_pack(name) for name in sorted(holders)])) or list(alone)


def _of_overlays(overlays: Sequence[Path], packs: Sequence[Path]) -> Iterator[Shelf]:
    if not overlays:
        return
    national = list(pack_files([england()]))
    there = {path.resolve() for path in national}
    below = [*national, *(path for path in packs if path.resolve() not in there)]
    book = load_rulebook(below, overlays=overlays)
    for path in overlays:
        _, file = read_overlay(path)
        team = file.teams[0] if file.teams else None
        yield Shelf(book.of_team(team), (path,), tuple(below), frozenset(change.rule for change in file.changes))


def rulebook_of(path: Path, over: Sequence[Path] = ()) -> tuple[Rulebook, Rulebook]:
    """The rulebook of one pack or overlay: as a whole, and as its own team is judged.

    An overlay is laid over ``over``, or over the England packs; a pack is laid over what it stands in for.
    """
    if path.name.endswith(OVERLAY_SUFFIX):
        book = load_rulebook([*over, *([] if over else [england()])], overlays=[path])
        _, file = read_overlay(path)
        return book, book.of_team(file.teams[0] if file.teams else None)
    files = list(pack_files([path]))
    replaced = [names for file in files if (names := _replaces(file))]
    below = list(over) or (_below(replaced, []) if replaced else [])
    book = load_rulebook([*below, *files])
    return book, book
