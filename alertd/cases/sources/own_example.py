"""A made-up row for each kind of record, by its fields' types: for the documented layout, which tests read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from alertd.cases.kind import Field, Kind
from alertd.cases.kinds import KINDS
from alertd.cases.sources.own_cells import CODES
from alertd.cases.sources.own_lists import columns_of

_TEXTS: Final[Mapping[str, str]] = {
    "agency_link.agency": "gp-high-street",
    "agency_link.kind": "gp",
    "agency_notice.about": "agency_trigger-1",
    "agency_notice.notice": "notify.n2",
    "allocation.role": "CW",
    "allocation.team": "T7",
    "allocation.worker": "W31",
    "legal_status.status": "C2",
    "need.type": "parenting",
    "placement.change_reason": "CARPL",
    "placement.type": "U4",
    "planned_action.type": "emotional_health",
}
"""Codes of fields that may hold any, where A1 would look odd. No worker, team or child of these references exists."""
_BEGINS: Final = "2026-03-02"
_ENDS: Final = "2026-06-30"
_LATER: Final = "2026-03-09"


def example(kind: Kind) -> dict[str, str]:
    """A row by column. All examples are about one child, and links name the key of the linked kind's example."""
    return {name: _cell(kind, name) for name in columns_of(kind)}


def _cell(kind: Kind, name: str) -> str:
    if name in ("child", "key"):
        return "48213" if name == "child" or kind.name == "child" else f"{kind.name}-1"
    field = kind.field(name)
    assert field
    if field.type in ("date", "moment"):
        day = _BEGINS if name == kind.begins else _ENDS if name == kind.ends else _LATER
        return f"{day}T14:05" if field.type == "moment" else day
    return {"yes/no": "yes", "number": "12"}.get(field.type) or _text(kind, field)


def _text(kind: Kind, field: Field) -> str:
    name = f"{kind.name}.{field.name}"
    if field.links:
        return example(KINDS[field.links])["key"]
    return CODES[name][0] if name in CODES else _TEXTS.get(name, "A1")
