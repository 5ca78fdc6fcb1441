"""Ofsted's Annex A lists as they are laid out, and how their codes are written.

Read from Ofsted's template of August 2019 and from the layout of January 2024, in which the list of
care leavers has four columns more (Crown copyright, Open Government Licence v3.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

Layout = Literal["2024", "2019"]

_WHO: Final = ("Child Unique ID", "Gender", "Ethnicity", "Date of Birth", "Age of Child (Years)")
_DISABILITY: Final = "Does the Child have a Disability"
_HELD_BY: Final = ("Allocated Team", "Allocated Worker")

LISTS: Final[Mapping[int, tuple[str, ...]]] = MappingProxyType(
    {
        1: (*_WHO, "Date of Contact", "Contact Source"),
        2: (
            *_WHO,
            "Assessment start date",
            "Assessment completion date",
            "Organisation completing assessment",
        ),
        3: (
            *_WHO,
            "Date of referral",
            "Referral Source",
            "Referral NFA?",
            "Number of Referrals in Last 12 Months",
            *_HELD_BY,
        ),
        4: (
            *_WHO,
            _DISABILITY,
            "Continuous Assessment Start Date",
            "Child Seen During Continuous Assessment",
            "Continuous Assessment Date of Authorisation",
            "Was the child assessed as requiring LA children's social care support?",
            *_HELD_BY,
        ),
        5: (
            *_WHO,
            _DISABILITY,
            "Strategy discussion initiating Section 47 Enquiry Start Date",
            "Was an Initial Child Protection Conference deemed unnecessary?",
            "Date of Initial Child Protection Conference",
            "Did the Initial Child Protection Conference Result in a Child Protection Plan",
            "Number of Section 47 Enquiries in the last 12 months",
            "Number of ICPCs in the last 12 months",
            *_HELD_BY,
        ),
        6: (
            *_WHO,
            _DISABILITY,
            "CIN Start Date",
            "Primary Need Code",
            "Date Child Was Last Seen",
            "CIN Closure Date",
            "Reason for Closure",
            "Case Status",
            *_HELD_BY,
        ),
        7: (
            *_WHO,
            _DISABILITY,
            "Child Protection Plan Start Date",
            "Initial Category of Abuse",
            "Latest Category of Abuse",
            "Date of the Last Statutory Visit",
            "Was the Child Seen Alone?",
            "Date of latest review conference",
            "Child Protection Plan End Date",
            "Subject to Emergency Protection Order or Protected Under Police Powers in Last Six Months (Y/N)",
            "Number of Previous Child Protection Plans",
            *_HELD_BY,
        ),
        8: (
            *_WHO,
            "Unaccompanied Asylum Seeking Child (UASC) within the Last 12 Months (Y/N)",
            _DISABILITY,
            "Date Started to be Looked After",
            "Child's Category of Need",
            "Is this a second or subsequent period of being a Looked After Child within the last 12 months (Y/N)",
            "Start date of current legal status",
            "Child's Legal Status",
            "Date of Latest Statutory Review",
            "Date of Last Social Work Visit",
            "What is the permanence plan for this child?",
            "Date of Last IRO Visit / Contact to the Child",
            "Date of Last Health Assessment",
            "Date of Last Dental Check",
            "Number of Placements in the Last 12 months",
            "Date Ceased to be Looked After",
            "Reason Ceased to be Looked After",
            "Start Date of Most Recent Placement",
            "Placement Type",
            "Placement Provider",
            "Placement postcode",
            "URN of Placement",
            "Placement Location",
            "LA of Placement",
            "Number of Episodes the Child has been 'Missing' from their Placement in the last 12 months",
            "Number of Episodes the Child has been 'Absent' from their Placement in the last 12 months",
            "Was the child offered a Return Interview after their last missing episode (Y/N)?",
            "Did the child accept a Return Interview after their last missing episode (Y/N)?",
            *_HELD_BY,
        ),
        9: (
            *_WHO,
            "Unaccompanied Asylum Seeking Child (UASC), or formerly UASC if 18 or over (Y/N)",
            _DISABILITY,
            *_HELD_BY,
            "Allocated Personal Advisor",
            "Eligibility Category",
            "Latest Pathway Plan Review Date",
            "LA in Touch",
            "Latest Date of Contact",
            "Type of Accommodation",
            "Suitability of Accommodation",
            "Activity Status",
        ),
        10: (
            _WHO[0],
            "Family identifier",
            *_WHO[1:],
            _DISABILITY,
            "Date the Child Entered Care",
            "Date of Decision that Child Should be Placed for Adoption",
            "Date of Placement Order",
            "Date of Matching Child and Prospective Adopters",
            "Date Placed for Adoption",
            "Date of Adoption Order",
            "Date of Decision that Child Should No Longer be Placed for Adoption",
            "Reason Why Child No Longer Placed for Adoption",
            "Date the child was placed for fostering in FFA or concurrent planning placement",
        ),
        11: (
            "Individual adopter identifier",
            "Family identifier",
            "Gender",
            "Ethnicity",
            "Disability",
            "Is the (prospective) adopter fostering for adoption?",
            "Date enquiry received",
            "Date Stage 1 started",
            "Date Stage 1 ended",
            "Date Stage 2 started",
            "Date Stage 2 ended",
            "Date application submitted",
            "Date application approved",
            "Date adopter matched with child(ren)",
            "Date child/children placed with adopter(s)",
            "No. of children placed",
            "Date of Adoption Order",
            "Date of leaving adoption process",
            "Reason for leaving adoption process",
        ),
    }
)
"""The headings of each list in the layout of January 2024."""

TITLES: Final[Mapping[int, str]] = MappingProxyType(
    {
        1: "Contacts",
        2: "Early Help",
        3: "Referral",
        4: "Assessments",
        5: "Section 47 enquiries and Initial Child Protection Conferences",
        6: "Children in Need",
        7: "Child protection",
        8: "Children in care",
        9: "Care leavers",
        10: "Adoption",
        11: "Adopters",
    }
)

ONLY_2024: Final = frozenset(
    {
        "Unaccompanied Asylum Seeking Child (UASC), or formerly UASC if 18 or over (Y/N)",
        "Allocated Personal Advisor",
        "Latest Pathway Plan Review Date",
        "Latest Date of Contact",
    }
)
"""Columns of the list of care leavers that the layout of 2019 does not have."""

YES, NO, UNKNOWN = "a) Yes", "b) No", "c) Unknown"


def _lettered(*codes: str) -> dict[str, str]:
    return {code: f"{chr(97 + n)}) {code}" for n, code in enumerate(codes)}


def _worded(*pairs: str) -> dict[str, str]:
    """``CODE: words`` by code."""
    return {pair.partition(":")[0].partition(") ")[2] or pair.partition(":")[0]: pair for pair in pairs}


GENDER: Final = {"M": "a) Male", "F": "b) Female", "U": "c) Not stated/recorded"}
ETHNICITY: Final = _lettered(
    *("WBRI", "WIRI", "WIRT", "WOTH", "WROM", "MWBC", "MWBA", "MWAS", "MOTH", "AIND", "APKN", "ABAN", "AOTH"),
    *("BCRB", "BAFR", "BOTH", "CHNE", "OOTH", "NOBT", "REFU"),
)
SOURCE: Final = _worded(
    "a) 1A: Individual",
    "e) 2A: Schools",
    "g) 3A: Health services",
    "m) 4: Housing",
    "n) 5A: LA services",
    "q) 6: Police",
    "t) 9: Anonymous",
)
NEED: Final = {
    "N1": "N1 - Abuse or neglect",
    "N2": "N2 - Child’s disability",
    "N3": "N3 - Parental disability or illness",
    "N4": "N4 - Family in acute stress",
    "N5": "N5 - Family dysfunction",
    "N6": "N6 - Socially unacceptable behaviour",
    "N7": "N7 - Low income",
    "N8": "N8 - Absent parenting",
    "N9": "N9 - Cases other than children in need",
    "N0": "N0 - Not stated",
}
CLOSURE: Final = {
    "RC1": "RC1 - Adopted",
    "RC2": "RC2 - Died",
    "RC3": "RC3 - Child arrangements order",
    "RC4": "RC4 - Special guardianship order",
    "RC5": "RC5 - Transferred to services of another local authority",
    "RC6": "RC6 - Transferred to adult social care services",
    "RC7": "RC7 - Services ceased for any other reason, including child no longer in need",
    "RC8": "RC8 - Case closed after assessment, no further action",
}
ABUSE: Final = {
    "Neglect": "a) Neglect",
    "Physical abuse": "b) Physical abuse",
    "Sexual abuse": "c) Sexual abuse",
    "Emotional abuse": "d) Emotional abuse",
    "Multiple": "e) Multiple/not recommended",
}
LEGAL: Final = _worded(
    "C1: ICO",
    "C2: FCO",
    "E1: Placement order",
    "V2: Single period under S20",
    "L1: Police protection LA accommodation",
    "L2: EPO",
    "V3: Short term breaks, episodes recorded",
    "V4: Short term breaks, agreements recorded",
)
PERMANENCE: Final = {
    "RETURN6M": "a) Return to family",
    "ADOPTION": "b) Adoption",
    "SUPPLIV": "d) Supported living in the community",
    "LTFOST18": "f) Long-term fostering",
    "LTRELFR": "g) other",
}
CEASED: Final = _worded(
    "a) E11: Adopted - application unopposed",
    "b) E12: Adopted - consent dispensed",
    "c) E2: Died",
    "d) E3: Care taken by another LA",
    "e) E4A: Returned home to live with parents or relatives - part of planning",
    "f) E4B: Returned home to live with parents or relatives - not part of planning",
    "h) E41: Residence order granted",
    "i) E45: Special Guardianship Orders - former carer relative/friend",
    "j) E46: Special Guardianship Orders - former carer other",
    "m) E5: Moved into independent living - supported",
    "o) E7: Transferred to residential care funded by adult social services",
    "t) E8: Care ceased for any other reason",
    "E17: Aged 18 and remained with current carers",
)
PLACEMENT: Final = _worded(
    "a) U1: Foster placement - relatives - long term",
    "c) U3: Foster placement - relative - not FFA",
    "d) U4: Foster placement - long term",
    "f) U6: Foster placement - not FFA",
    "i) A5: Placed for adoption - order - foster",
    "j) A6: Placed for adoption - order - not foster",
    "k) P1: Placed with parents",
    "p) K2: Children’s Homes",
    "K3: Supported accommodation",
    "q) R1: Residential Care Home",
    "s) R3: Family Centre or Mother and Baby Unit",
)
PROVIDER: Final = _worded(
    "a) PR0: Parents/Parental responsibility",
    "b) PR1: Own provision",
    "e) PR4: Private provision",
    "f) PR5: Voluntary/third sector",
)
LEAVER: Final = {"Relevant": "a) Relevant child", "Former relevant": "b) Former relevant child"}
IN_TOUCH: Final = {"YES": YES, "NO": NO, "REFU": "d) Refu"}
LIVES: Final = _worded(
    "B: Parents/relatives",
    "D: Semi-independent, transitional accommodation and self-contained accommodation",
    "U: Independent living",
    "Z: With former foster carers",
)
SUITS: Final = {"1": "a) Suitable", "2": "b) Unsuitable"}
DOES: Final = _worded(
    "F2: Full time in education other than higher",
    "P2: Part time in education other than higher",
    "F5: Full time in training or employment, not an apprenticeship",
    "G5: Not in education, employment or training - other",
)
