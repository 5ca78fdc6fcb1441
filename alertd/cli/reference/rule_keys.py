"""The page that says in words what a rule file may hold, made from the same schema as editors use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from alertd.rulebook.schema import schema

_HEAD = """# What a rule file may say

<!-- Generated. Do not edit; run: alertd reference rule-keys > docs/rule-keys.md -->

Every key of packs, overlays and test cases. An editor that reads [the JSON Schema](rules.schema.json) completes and
checks them as one types; loading checks more, and names file, line and key. [Write a rule](write-a-rule.md) goes
through one rule from beginning to end.

A *length* is a whole number and a unit: `20 working days`, `6 months`, `72 hours`; also calendar days, weeks, years and
school days. *Conditions* are fields of the record with what each must be: `{child_seen: true}`; one of several,
`{type: {in: [N1, N2]}}`; other than, `{status: {not: closed}}`; at least or at most, `{score: {at_least: 17}}`; and the
same as in the record the clock is for, `{need: this.id}`. Kinds of record and their fields are in
[Lists of your own](csv-layout.md)."""

_SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "A pack": ("PackFile", "Rule", "Law", "Age"),
    "Clocks": ("Clock", "Birthday", "FromEvent", "Gestation", "Setting", "DatedSpan", "Starting", "Until"),
    "Patterns": ("Count", "InARow", "NoOpen", "Others", "ExplainedBy"),
    "An overlay": ("OverlayFile", "Change", "Loosening"),
    "Warnings and ladders": ("WarningProfile", "Checkpoint", "Ladder", "Step", "Held"),
    "Test cases": ("CaseSheet", "CaseText", "Expected", "Span", "TermText"),
}
_TITLES: Final[Mapping[str, str]] = {
    "PackFile": "The file of a pack",
    "Rule": "A rule",
    "Law": "`law`",
    "Age": "`age`",
    "Clock": "`clock`",
    "Birthday": "`from` a birthday",
    "FromEvent": "`from` an event",
    "Gestation": "`by` weeks of gestation",
    "Setting": "A length that each authority sets",
    "DatedSpan": "A length that changes with the law",
    "Starting": "`starting`",
    "Until": "`until` and `without`",
    "Count": "`count`",
    "InARow": "`in_a_row`",
    "NoOpen": "`no_open`",
    "Others": "`others`",
    "ExplainedBy": "`explained_by`",
    "OverlayFile": "The file of an overlay",
    "Change": "A change",
    "Loosening": "`loosened_by`",
    "WarningProfile": "A warning profile",
    "Checkpoint": "A warning",
    "Ladder": "A ladder",
    "Step": "A step",
    "Held": "`held_by`",
    "CaseSheet": "The file of cases",
    "CaseText": "A case",
    "Expected": "What is expected",
    "Span": "`window`",
    "TermText": "A term",
}
_NAMES: Final[Mapping[str, str]] = {
    "length": "length",
    "kind": "kind of record",
    "field": "field",
    "day": "date field",
    "agency": "kind of agency",
    "disclosable": "field of a notification",
    "record": "record: its `kind`, `key` and fields",
}


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_lines(schema()["$defs"])) + "\n"


def _lines(parts: Mapping[str, Any]) -> Iterator[str]:
    yield _HEAD
    for heading, names in _SECTIONS.items():
        yield f"\n## {heading}"
        for name in names:
            yield from _part(name, parts[name])
    yield "\n## Lists"
    yield "\n### Kinds of agency\n"
    yield ", ".join(f"`{name}`" for name in parts["agency"]["enum"]) + ".\n"
    yield "### Fields of a notification\n"
    yield ", ".join(f"`{name}`" for name in parts["disclosable"]["enum"]) + "."


def _part(name: str, part: Mapping[str, Any]) -> Iterator[str]:
    yield f"\n### {_TITLES[name]}\n"
    yield part["description"].split("\n\n")[0].replace("``", "`") + "\n"
    yield "| key | takes | is |\n|---|---|---|"
    for key, one in part["properties"].items():
        must = " (required)" if key in part.get("required", ()) else ""
        yield f"| `{key}`{must} | {_takes(one)} | {one['description']} |"


def _takes(one: Mapping[str, Any]) -> str:
    """What a key takes, in words."""
    if "$ref" in one:
        name = one["$ref"].rsplit("/", 1)[1]
        return _NAMES.get(name) or f"[{_TITLES[name]}](#{_anchor(_TITLES[name])})"
    if "const" in one:
        return f"`{one['const']}`"
    if "enum" in one:
        return ", ".join(f"`{value}`" for value in one["enum"])
    for several in ("anyOf", "oneOf"):
        if several in one:
            found = list(dict.fromkeys(_takes(each) for each in one[several]))
            return " or ".join(found)
    if one.get("type") == "array":
        return f"list: {_takes(one['items'])}"
    if one.get("type") == "object":
        if _is_conditions(one):
            return "conditions"
        return f"by name: {_takes(one['additionalProperties'])}"
    if one.get("format") == "date":
        return "day"
    if "pattern" in one and "T" not in one["pattern"] and one["pattern"].startswith(r"^\d{4}"):
        return "day, or day and time"
    return {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true`, `false`"}[one["type"]]


def _is_conditions(one: Mapping[str, Any]) -> bool:
    return one.get("propertyNames") == {"$ref": "#/$defs/field"}


def _anchor(title: str) -> str:
    return "".join(c for c in title.lower() if c.isalnum() or c in " -_").replace(" ", "-")
