"""What a payload of the DfE's CSC API may hold, and which of it is kept.

From the API's own description (DFE-Digital/children-in-social-care-schemas, openapi.json, version 1.0.1, MIT):
a payload is a list of at most 100 children; a child needs ``la_child_id``, and each element of the lists within
needs its own id where it has one. Names, UPN, postcodes, sex, ethnicity and disabilities are dropped as soon as
a payload is taken in: they reach neither a record nor the state file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MOST_CHILDREN: Final = 100
"""Children in one delivery, as the API says (``maxItems``). A file may hold more."""

ID: Final = re.compile(r"[A-Za-z0-9_-]{1,36}")
"""What an id may be. The API narrows it further for some; nothing depends on that."""


@dataclass(frozen=True, slots=True)
class Part:
    """The elements of one list: the field that names each, the field with which one is stated whole (see
    ``csc_api_state``), and the other fields, kept and known but dropped."""

    key: str
    begins: str
    kept: tuple[str, ...]
    dropped: tuple[str, ...] = ()
    purges: bool = True
    """Whether an element can be taken back by itself. If not, the list is always stated whole."""


EPISODES: Final = "social_care_episodes"
WORKERS: Final = "care_worker_details"
SDQS: Final = "sdq_assessments"
LEAVERS: Final = "care_leavers"
PLACEMENTS: Final = "child_looked_after_placements"

EPISODE: Final = Part(
    "social_care_episode_id",
    "referral_date",
    ("referral_no_further_action_flag", "closure_date", "closure_reason"),
    ("referral_source", "adoption"),
)
WITHIN: Final[Mapping[str, Part]] = {
    WORKERS: Part("worker_id", "start_date", ("end_date",), purges=False),
    "child_and_family_assessments": Part(
        "child_and_family_assessment_id", "start_date", ("authorisation_date",), ("factors",)
    ),
    "child_in_need_plans": Part("child_in_need_plan_id", "start_date", ("end_date",)),
    "section_47_assessments": Part(
        "section_47_assessment_id", "start_date", ("icpc_required_flag", "icpc_date", "end_date")
    ),
    "child_protection_plans": Part("child_protection_plan_id", "start_date", ("end_date",)),
    PLACEMENTS: Part(
        "child_looked_after_placement_id",
        "start_date",
        ("start_reason", "placement_type", "end_date", "end_reason", "change_reason"),
        ("postcode",),
    ),
}
"""The lists within an episode. ``adoption`` is dropped: no kind of record is made of its dates."""

LEAVER: Final = ("contact_date",)
SDQ: Final = ("date", "score")
DETAILS: Final = ("date_of_birth", "expected_date_of_birth")

KNOWN_OF_CHILD: Final = frozenset(
    {"la_child_id", "mis_child_id", "purge", "child_details", "health_and_wellbeing", EPISODES}
)
KNOWN_OF_DETAILS: Final = frozenset(
    {
        *DETAILS,
        "unique_pupil_number",
        "former_unique_pupil_number",
        "unique_pupil_number_unknown_reason",
        "first_name",
        "surname",
        "sex",
        "ethnicity",
        "disabilities",
        "postcode",
        "uasc_flag",
        "uasc_end_date",
        "purge",
    }
)
KNOWN_OF_LEAVER: Final = frozenset({*LEAVER, "activity", "accommodation", "purge"})

TABLES: Final = ("children", SDQS, EPISODES, *WITHIN, LEAVERS)
"""What is counted: each child, and each element within one that makes a record."""
