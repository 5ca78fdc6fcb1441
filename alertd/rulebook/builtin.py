"""Where the packs and profiles that come with alertd, or with another installed package, are found."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

import alertd
from alertd.errors import InputError
from alertd.rulebook.strict_yaml import suggest

GROUP: Final = "alertd.rules"


def rules_folder() -> Path:
    """The folder of shipped rules: inside the installed package, or beside it in a checkout."""
    package = Path(alertd.__file__).parent
    installed = package / "rules"
    return installed if installed.is_dir() else package.parent / "rules"


def england() -> Path:
    """The folder of the England packs (entry point ``england`` of the group ``alertd.rules``)."""
    return rules_folder() / "england"


def wales() -> Path:
    """The folder of the rules that differ in Wales (entry point ``wales``); they are loaded with England's."""
    return rules_folder() / "wales"


def profiles() -> Path:
    """The shipped warning profiles and escalation ladders."""
    return rules_folder() / "profiles.yaml"


def builtin_pack(name: str) -> Path:
    """The folder of the installed pack of that name. Raises :class:`InputError` naming those there are."""
    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        raise InputError(f"there is no installed rule pack {name!r}", fix=suggest(name, found, "Installed are"))
    folder = found[name].load()()
    assert isinstance(folder, Path)
    return folder


def holder_of(rule_id: str) -> str | None:
    """The name of the installed pack that has a rule of that id, or None."""
    return installed_ids().get(rule_id)


@lru_cache(maxsize=1)
def installed_ids() -> dict[str, str]:
    """The ids of the rules of all installed packs, each with its pack's name. The packs are not checked."""
    line = re.compile(r"^  - id: (\S+)$", re.MULTILINE)
    return {
        rule_id: name
        for name in sorted({point.name for point in entry_points(group=GROUP)})
        for path in builtin_pack(name).glob("*.yaml")
        for rule_id in line.findall(path.read_text("utf-8"))
    }
