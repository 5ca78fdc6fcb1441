"""The lists of Annex A that are read: by which columns each is known, and which fields they fill.

Headings are compared by their letters and digits alone, so that case, spaces, line breaks and
punctuation do not matter, nor "(Y/N)" behind a question. Layouts of August 2019 and January 2024; of
a column that was renamed, both names. Source: Ofsted, ILACS child-level data (Annex A).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from alertd.cases.kinds import Fills

Columns = Mapping[str, tuple[str, ...]]

CHILD: Final = ("Child Unique ID", "Child Unique Identifier", "Child ID")
_PERSON: Final[Columns] = {"child": CHILD, "born": ("Date of Birth",), "age": ("Age of Child (Years)", "Age")}
_WORKER: Final[Columns] = {"team": ("Allocated Team",), "worker": ("Allocated Worker",)}
_ALLOCATION: Final = {"worker": ("worker",), "team": ("team",), "role": ("worker",)}
_BORN: Final = {"born": ("born",), "expected": ("born", "age")}


@dataclass(frozen=True, slots=True)
class List:
    """One list. ``known_by`` are the columns without which it is not that list; ``columns`` has all
    that are read, with the headings they go by. ``fills`` has the kinds it can fill and, of each, the
    fields with the columns they come from; the first field is the one without which the kind is not
    held. ``events`` are columns of a day on which something was last done. ``aside`` says why a list
    is known and not read.
    """

    number: int
    title: str
    known_by: tuple[str, ...]
    columns: Columns
    fills: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    events: tuple[str, ...] = ()
    aside: str = ""


LISTS: Final[tuple[List, ...]] = (
    List(
        1,
        "contacts",
        ("contact_date",),
        {**_PERSON, "contact_date": ("Date of Contact",)},
        {"child": _BORN, "contact": {"happened": ("contact_date",)}},
    ),
    List(
        2,
        "early help",
        ("help_start", "help_end"),
        {
            "child": CHILD,
            "help_start": ("Assessment start date",),
            "help_end": ("Assessment completion date",),
        },
        aside="early help, of which no records are made",
    ),
    List(
        3,
        "referrals",
        ("referral_date",),
        {**_PERSON, **_WORKER, "referral_date": ("Date of referral",), "nfa": ("Referral NFA?",)},
        {
            "child": _BORN,
            "allocation": _ALLOCATION,
            "referral": {"start": ("referral_date",), "nfa": ("nfa",)},
        },
    ),
    List(
        4,
        "assessments",
        ("assessment_start",),
        {
            **_PERSON,
            **_WORKER,
            "assessment_start": ("Continuous Assessment Start Date",),
            "seen": ("Child Seen During Continuous Assessment",),
            "authorised": ("Continuous Assessment Date of Authorisation",),
            "support": (
                "Was the child assessed as requiring LA children's social care support?",
                "Was the child assessed as being in need at assessment?",
            ),
        },
        {
            "child": _BORN,
            "allocation": _ALLOCATION,
            "assessment": {
                "start": ("assessment_start",),
                "authorised": ("authorised",),
                "child_seen": ("seen",),
                "outcome": ("support",),
            },
        },
    ),
    List(
        5,
        "section 47 enquiries and conferences",
        ("s47_start",),
        {
            **_PERSON,
            **_WORKER,
            "s47_start": ("Strategy discussion initiating Section 47 Enquiry Start Date",),
            "no_conference": ("Was an Initial Child Protection Conference deemed unnecessary?",),
            "conference": ("Date of Initial Child Protection Conference",),
        },
        {
            "child": _BORN,
            "allocation": _ALLOCATION,
            "s47": {"start": ("s47_start",), "outcome": ("no_conference", "conference")},
            "icpc": {"happened": ("conference",), "s47": ("s47_start",)},
        },
    ),
    List(
        6,
        "children in need",
        ("need_start",),
        {
            **_PERSON,
            **_WORKER,
            "need_start": ("CIN Start Date",),
            "last_seen": ("Date Child Was Last Seen",),
            "closed": ("CIN Closure Date",),
            "closure": ("Reason for Closure",),
            "case_status": ("Case Status",),
        },
        {
            "child": {**_BORN, "died": ("closed", "closure")},
            "allocation": _ALLOCATION,
            "referral": {"start": ("need_start",), "end": ("closed",)},
            "cin_visit": {"happened": ("last_seen",), "child_seen": ("last_seen",)},
        },
        events=("last_seen",),
    ),
    List(
        7,
        "child protection",
        ("plan_start",),
        {
            **_PERSON,
            **_WORKER,
            "plan_start": ("Child Protection Plan Start Date",),
            "cp_visit": ("Date of the Last Statutory Visit",),
            "seen_alone": ("Was the Child Seen Alone?",),
            "cp_review": ("Date of latest review conference",),
            "plan_end": ("Child Protection Plan End Date",),
        },
        {
            "child": _BORN,
            "allocation": _ALLOCATION,
            # no column says whose plan it is
            "cp_plan": {"start": ("plan_start",), "end": ("plan_end",), "other_authority": ()},
            "cp_visit": {"happened": ("cp_visit",), "seen_alone": ("seen_alone",)},
            "cp_review": {"happened": ("cp_review",)},
        },
        events=("cp_visit", "cp_review"),
    ),
    List(
        8,
        "children in care",
        ("care_start",),
        {
            **_PERSON,
            **_WORKER,
            "care_start": ("Date Started to be Looked After",),
            "status_start": ("Start date of current legal status",),
            "status": ("Child's Legal Status",),
            "review": ("Date of Latest Statutory Review",),
            "visit": ("Date of Last Social Work Visit",),
            "iro": ("Date of Last IRO Visit / Contact to the Child",),
            "health": ("Date of Last Health Assessment",),
            "dental": ("Date of Last Dental Check",),
            "care_end": ("Date Ceased to be Looked After",),
            "ceased": ("Reason Ceased to be Looked After",),
            "placement_start": ("Start Date of Most Recent Placement",),
            "placement_type": ("Placement Type",),
        },
        {
            "child": {**_BORN, "died": ("care_end", "ceased")},
            "allocation": _ALLOCATION,
            "care_period": {"start": ("care_start",), "end": ("care_end",)},
            "legal_status": {"start": ("status_start",), "status": ("status",), "end": ("care_end",)},
            "placement": {"start": ("placement_start",), "type": ("placement_type",), "end": ("care_end",)},
            "cla_review": {"happened": ("review",)},
            "cla_visit": {"happened": ("visit",)},
            "iro_contact": {"happened": ("iro",)},
            "health_assessment": {"happened": ("health",)},
        },
        events=("review", "visit", "iro", "health", "dental"),
    ),
    List(
        9,
        "care leavers",
        ("eligibility",),
        {
            **_PERSON,
            **_WORKER,
            "adviser": ("Allocated Personal Advisor", "Allocated Personal Adviser"),
            "eligibility": ("Eligibility Category",),
            "pathway": ("Latest Pathway Plan Review Date",),
            "in_touch": ("LA in Touch",),
            "leaver_contact": ("Latest Date of Contact",),
        },
        {
            "child": _BORN,
            "allocation": _ALLOCATION,
            "care_leaver": {"eligibility": ("eligibility",)},
            "pathway_plan": {"happened": ("pathway",)},
            "leaver_contact": {"happened": ("leaver_contact",)},
        },
        events=("pathway", "leaver_contact"),
    ),
    List(
        10,
        "adoption",
        ("order",),
        {
            **_PERSON,
            "order": ("Date of Placement Order",),
            "matched": ("Date of Matching Child and Prospective Adopters",),
            "placed": ("Date Placed for Adoption",),
            "adopted": ("Date of Adoption Order",),
            "reversed": ("Date of Decision that Child Should No Longer be Placed for Adoption",),
        },
        {
            "child": _BORN,
            "adoption_authority": {"start": ("order",), "end": ("placed",), "matched": ("matched",)},
        },
    ),
    List(
        11,
        "adopters",
        ("adopter",),
        {"adopter": ("Individual adopter identifier",)},
        aside="adopters, of whom no records are made",
    ),
)

FILLS: Final[Fills] = {
    kind: frozenset(name for each in LISTS for name in each.fills.get(kind, ()))
    for kind in dict.fromkeys(kind for each in LISTS for kind in each.fills)
}
"""What is read of an extract that has all these lists and columns."""


def plain(heading: object) -> str:
    """A heading by its letters and digits alone; "" for what is no text."""
    if not isinstance(heading, str):
        return ""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"\(\s*y\s*/\s*n\s*\)", "", heading.lower()))


_PLAIN: Final = {
    each.number: {name: {plain(h) for h in headings} for name, headings in each.columns.items()} for each in LISTS
}


def list_of(headings: Sequence[object]) -> tuple[List, dict[str, int]] | None:
    """The list that a row of headings belongs to, and where each of its columns stands; None if it is of no list.

    Of a heading that is there twice, the first counts.
    """
    there: dict[str, int] = {}
    for at, heading in enumerate(headings):
        if name := plain(heading):
            there.setdefault(name, at)
    for each in LISTS:
        at_columns = {
            name: min(there[h] for h in names & there.keys())
            for name, names in _PLAIN[each.number].items()
            if names & there.keys()
        }
        if {*each.known_by, *(each.columns.keys() & {"child"})} <= at_columns.keys():
            return each, at_columns
    return None


def names_a_child(headings: Iterable[object]) -> bool:
    """Whether this looks like a row of headings, and has the column that every list of children has."""
    written = {plain(h) for h in headings} - {""}
    return len(written) > 3 and bool(written & {plain(h) for h in CHILD})
