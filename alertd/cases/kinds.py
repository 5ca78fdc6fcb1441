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

__all__ = ["KINDS", "FeedCode", "Field", "FieldType", "Kind", "lacked_by"]

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (*CORE, *PROTECTION, *CARE, *SERVICES, *AGENCIES, *HEALTH_EDUCATION, *PERMANENCE, *OFFICE, *WALES)
    }
)


def lacked_by(feed: FeedCode) -> frozenset[str]:
    """The fields, as ``kind.field``, that a feed cannot hold though it may hold their kind."""
    return frozenset(
        f"{kind.name}.{field.name}"
        for kind in KINDS.values()
        for field in kind.fields
        if feed in kind.feeds and feed not in kind.feeds_of(field.name)
    )
