"""Which rules an authority has adopted: by officer, role and date, in a file that can be reviewed.

Until a pack is adopted its rules are in *shadow*: evaluated and counted, shown to whoever runs
alertd, told to nobody. What is adopted is the number, what starts the clock and what stops it, as
the pack ships them: when an update changes one of these for a rule, that rule is in shadow again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import yaml
from pydantic import Field

from alertd.errors import InputError
from alertd.rulebook.model import Rule, Rulebook
from alertd.rulebook.profiles import Model
from alertd.rulebook.strict_yaml import means_itself, read_yaml
from alertd.rulebook.written import validate

HEADER = """# What this authority has adopted, and the floods it has confirmed. Written by `alertd rules adopt` and
# `alertd rules confirm`; keep it with the settings, under version control.
"""


class _Plain(yaml.SafeDumper):
    """Writes the same day twice rather than once with a reference to it, which we do not read."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """In quotes, where our own reader would refuse or misread it without: a staff number 0089, the initial N."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if means_itself(text) else '"')


_Plain.add_representer(str, _text)


class Adoption(Model):
    """One pack, adopted by an officer. ``rules`` holds the version of each rule as it was adopted."""

    pack: str
    edition: str
    officer: str
    role: str
    date_: date = Field(alias="date")
    rules: dict[str, str]


class Confirmation(Model):
    """One rule whose first messages would reach many at once, let go by an officer."""

    rule: str
    officer: str
    date_: date = Field(alias="date")


class Adopted(Model):
    """The file: the latest adoption of a pack counts, with whatever it leaves out left to earlier ones."""

    adopted: tuple[Adoption, ...] = ()
    confirmed: tuple[Confirmation, ...] = ()

    def why_shadow(self, rule: Rule) -> str:
        """Why a rule is told to nobody yet; blank when it is adopted as it stands."""
        of_pack = [a for a in self.adopted if a.pack == rule.pack]
        if not of_pack:
            return f"the pack {rule.pack} is not adopted"
        versions = [(a.rules[rule.id], a.date_) for a in of_pack if rule.id in a.rules]
        if not versions:
            return f"not among the rules of {rule.pack} that were adopted"
        version, when = versions[-1]
        return "" if version == rule.shipped else f"changed since it was adopted on {when}"

    @property
    def let_go(self) -> frozenset[str]:
        """The rules whose flood is confirmed."""
        return frozenset(c.rule for c in self.confirmed)


def read_adopted(path: Path | None) -> Adopted:
    """The authority's file; nothing is adopted where there is none. Raises InputError with ``file:line``."""
    if path is None or not path.exists():
        return Adopted()
    parts: dict[str, type[Model]] = {"adopted": Adoption, "confirmed": Confirmation}
    return validate(read_yaml(path), Adopted, parts)


def with_adoption(rulebook: Rulebook, adopted: Adopted) -> Rulebook:
    """The rulebook with every rule in shadow that is not adopted, for the teams' own likewise."""
    rules = tuple(r.model_copy(update={"shadow": adopted.why_shadow(r)}) for r in rulebook.rules)
    teams = {team: with_adoption(book, adopted) for team, book in rulebook.teams.items()}
    return rulebook.model_copy(update={"rules": rules, "teams": teams})


def adopt(rules: Iterable[Rule], *, edition: str, officer: str, role: str, on: date) -> Adoption:
    """The adoption of a pack's rules as they ship. Raises InputError for a blank officer or role."""
    found = list(rules)
    for name, value in (("officer", officer), ("role", role)):
        if not value.strip():
            raise InputError(f"an adoption needs the {name}", fix=f"Give --{name}")
    packs = {rule.pack for rule in found}
    (pack,) = packs
    versions = {rule.id: rule.shipped for rule in sorted(found, key=lambda r: r.id)}
    return Adoption(pack=pack, edition=edition, officer=officer, role=role, date_=on, rules=versions)


def write_adopted(path: Path, adopted: Adopted) -> None:
    """Write the file whole, so that a crash leaves the old one or the new one."""
    data = adopted.model_dump(mode="python", by_alias=True)
    beside = path.with_name(f".{path.name}.new")
    filled = {key: list(items) for key, items in data.items() if items}
    text = yaml.dump(filled, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)
    beside.write_text(HEADER + text, encoding="utf-8")
    beside.replace(path)
