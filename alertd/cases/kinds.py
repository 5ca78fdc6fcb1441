"""The kinds of record there are, with their fields as rule writers see them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from alertd.cases.kind import FeedCode, Field, FieldType, Kind
from alertd.cases.kinds_agencies import AGENCIES
from alertd.cases.kinds_care import CARE
from alertd.cases.kinds_core import CORE
from alertd.cases.kinds_health_education import HEALTH_EDUCATION
from alertd.cases.kinds_office import OFFICE
from alertd.cases.kinds_permanence import PERMANENCE
from alertd.cases.kinds_protection import PROTECTION
from alertd.cases.kinds_services import SERVICES
from alertd.cases.kinds_wales import WALES

__all__ = ["KINDS", "LATEST_ONLY", "FeedCode", "Field", "FieldType", "Fills", "Kind", "unfilled"]

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (*CORE, *PROTECTION, *CARE, *SERVICES, *AGENCIES, *HEALTH_EDUCATION, *PERMANENCE, *OFFICE, *WALES)
    }
)

Fills = Mapping[str, frozenset[str]]
"""What the reader of a feed fills: its kinds, and of each the fields."""

LATEST_ONLY: Final[Mapping[FeedCode, frozenset[str]]] = {
    "ssd": frozenset({"care_leaver", "immunisation_status", "iro_contact", "leaver_contact", "pathway_plan"}),
    "annex_a": frozenset(
        {
            "adoption_authority",
            "care_leaver",
            "care_period",
            "cin_visit",
            "cla_review",
            "cla_visit",
            "cp_plan",
            "cp_review",
            "cp_visit",
            "health_assessment",
            "iro_contact",
            "leaver_contact",
            "legal_status",
            "pathway_plan",
            "placement",
        }
    ),
    "api": frozenset({"leaver_contact"}),
}
"""Kinds of which a feed holds no more than the latest of each child, so that it can neither count nor number them."""


def unfilled(fills: Fills) -> frozenset[str]:
    """The fields, as ``kind.field``, that a reader leaves blank though it fills their kind."""
    return frozenset(
        f"{kind}.{field.name}"
        for kind, filled in fills.items()
        for field in KINDS[kind].fields
        if field.name not in filled
    )
