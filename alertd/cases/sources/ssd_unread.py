"""The core tables of the Standard Safeguarding Dataset that alertd does not read, and why.

What is not read cannot leak: a table is read when a rule, a worker's digest or a chronology needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

NOT_READ: Final[Mapping[str, str]] = MappingProxyType(
    {
        "address": "addresses and postcodes are never kept, and no rule needs them",
        "assessment_factors": "a factor found is not a need that somebody agreed to meet; needs come from the "
        "authority's own list",
        "cla_convictions": "no rule asks for offences",
        "cla_previous_permanence": "it is of years before this care, half undated, and no rule asks for it",
        "cla_substance_misuse": "health data, and no rule asks for it; its date is of the note, not of any help",
        "department": "not of a child: `[people] from_feed` reads it for the teams; teams.csv has their inboxes",
        "disability": "health data, and no rule asks for it",
        "immigration_status": "special data, and no rule asks for it; moves between authorities are a list of its own",
        "mother": "it names a parent; brothers and sisters are put together by the family's number",
        "professionals": "not of a child: `[people] from_feed` reads it for the staff; people.csv has the addresses",
    }
)
"""By the table's name without its prefix."""
