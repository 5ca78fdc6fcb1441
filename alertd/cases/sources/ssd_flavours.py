"""Which case system a Standard Safeguarding Dataset was made from, and what is to be known of its records.

Each case system has a script of its own that fills the tables; the scripts differ in columns, and in
what they count as an end or leave out. From the facts of releases 1.4.4 and 1.4.5.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final, Literal

Flavour = Literal["SystemC", "Mosaic", "Eclipse"]

FLAVOURS: Final[Mapping[Flavour, tuple[str, ...]]] = MappingProxyType(
    {
        "SystemC": (),
        "Mosaic": (
            "the columns are Mosaic's: there the end of a missing episode is the day its step was finished, which may "
            "be later than the return",
        ),
        "Eclipse": (
            "the columns are Eclipse's: there only finished forms are in the dataset, so an assessment or enquiry that "
            "is still open is not in it, nor a child who is still missing",
        ),
    }
)
"""Notes for the operator. SystemC's layout is what the tables are described by."""


def flavour_of(columns: Collection[tuple[str, str]]) -> Flavour:
    """By the columns, as (table without prefix, name here): each of the other two names or leaves out its own."""
    lowered = {(table, name.lower()) for table, name in columns}
    if {("cin_plans", "cin_plan_id"), ("cla_care_plan", "lacp_cla_care_plan_id")} & lowered:
        return "Mosaic"
    reviews = {name for table, name in lowered if table == "cla_reviews"}
    return "Eclipse" if reviews and "clar_cla_person_id" not in reviews else "SystemC"
