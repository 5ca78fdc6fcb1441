"""JSON Schema of what people write: rule packs, overlays and test cases, for editors that check as one types.

It says no more than loading does, and less: that a field belongs to its kind, or that two keys go together,
only loading can tell.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic.json_schema import models_json_schema

from alertd.cases.kinds import KINDS
from alertd.rulebook.agencies import AGENCIES, DISCLOSABLE
from alertd.rulebook.key_words import KEY_WORDS
from alertd.rulebook.overlay import OverlayFile
from alertd.rulebook.packs import PackFile
from alertd.rulebook.profiles import LENGTH
from alertd.rulebook.testing import CaseSheet
from alertd.rulebook.written import FILLED

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def schema() -> Schema:
    """The schema of all three kinds of file; which of them a file is, its first key tells."""
    _, found = models_json_schema([(m, "validation") for m in (PackFile, OverlayFile, CaseSheet)], by_alias=True)
    parts: Schema = _plain(found["$defs"], "$defs")
    parts = {name: part for name, part in parts.items() if "properties" in part and name != "Duration"}
    for key in FILLED:
        parts["Rule"]["properties"].pop(key, None)
    _use_names(parts)
    for name, words in KEY_WORDS.items():
        for key, said in words.items():
            parts[name]["properties"][key] = parts[name]["properties"][key] | {"description": said}
    return {
        "$schema": DIALECT,
        "title": "alertd rule packs, overlays and test cases",
        "type": "object",
        "if": {"required": ["cases"]},
        "then": {"$ref": "#/$defs/CaseSheet"},
        "else": {
            "if": {"required": ["overlay"]},
            "then": {"$ref": "#/$defs/OverlayFile"},
            "else": {"$ref": "#/$defs/PackFile"},
        },
        "$defs": _names() | parts,
    }


def _plain(node: Any, inside: str = "") -> Any:
    """Without the titles pydantic makes up, defaults, which say how a value is held, and null, which nobody writes."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("pattern") == LENGTH:
        return {"$ref": "#/$defs/length"}
    dropped = () if inside in ("properties", "$defs") else ("title", "default")
    found = {key: _plain(value, key) for key, value in node.items() if key not in dropped}
    if {"type": "null"} in found.get("anyOf", ()):
        others = [one for one in found.pop("anyOf") if one != {"type": "null"}]
        found |= others[0] if len(others) == 1 else {"anyOf": others}
    return found


def _names() -> Schema:
    """The names a file may use, each list once."""
    fields = [field for kind in KINDS.values() for field in kind.fields]
    days = sorted({field.name for field in fields if field.type in ("date", "moment")})
    return {
        "length": {"type": "string", "pattern": LENGTH, "description": "a length, as `20 working days`"},
        "kind": {"enum": sorted(KINDS), "description": "a record kind"},
        "field": {"enum": sorted({field.name for field in fields}), "description": "a field of some record kind"},
        "day": {"enum": days, "description": "a date field of some record kind"},
        "agency": {"enum": sorted(AGENCIES), "description": "whom a notification may tell"},
        "disclosable": {"enum": sorted(DISCLOSABLE), "description": "what a notification may hold"},
        "record": {
            "type": "object",
            "required": ["kind"],
            "properties": {
                "kind": {"$ref": "#/$defs/kind"},
                "key": {"description": "the source's own key; made up where it is left out"},
            },
            "propertyNames": {"anyOf": [{"$ref": "#/$defs/field"}, {"enum": ["kind", "key"]}]},
        },
    }


def _use_names(parts: Schema) -> None:
    """Every place where such a name is written refers to its list."""
    of = {name: part["properties"] for name, part in parts.items()}
    of["Rule"]["for"] = of["FromEvent"]["record"] = _ref("kind")
    for name in ("Until", "Count", "InARow", "NoOpen", "ExplainedBy"):
        of[name]["record"] = _one_or_more("kind")
    for name in ("Until", "Count", "InARow", "NoOpen"):
        of[name]["on"] = _ref("day")
    of["Until"]["own"] = of["Clock"]["plan"] = _ref("day")
    of["Rule"] |= {"tell": _one_or_more("agency"), "disclose": {"type": "array", "items": _ref("disclosable")}}
    of["CaseText"]["records"]["items"] = _ref("record")
    for name in ("Rule", "Until", "Count", "InARow", "NoOpen", "ExplainedBy"):
        of[name]["where"]["propertyNames"] = _ref("field")
    of["Change"]["also_where"]["propertyNames"] = _ref("field")


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _one_or_more(name: str) -> Schema:
    return {"anyOf": [_ref(name), {"type": "array", "items": _ref(name)}]}
