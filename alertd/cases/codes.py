"""What the codes of the SSDA903 return mean, in words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

PLACEMENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "A3": "placed for adoption with consent, with the current foster carer",
        "A4": "placed for adoption with consent, not with the current foster carer",
        "A5": "placed for adoption with a placement order, with the current foster carer",
        "A6": "placed for adoption with a placement order, not with the current foster carer",
        "H5": "semi-independent living",
        "K1": "secure children's home",
        "K2": "children's home",
        "K3": "supported accommodation",
        "P1": "placed with own parents",
        "P2": "independent living",
        "P3": "residential employment",
        "R1": "residential care home",
        "R2": "health establishment",
        "R3": "family centre or mother and baby unit",
        "R5": "young offender institution",
        "S1": "residential school",
        "T0": "temporary move",
        "T1": "temporary stay in hospital",
        "T2": "temporary absence on holiday",
        "T3": "temporary stay with another foster carer",
        "T4": "other temporary move",
        "U1": "foster placement with a relative or friend, long term",
        "U2": "foster placement with a relative or friend who is also an approved adopter",
        "U3": "foster placement with a relative or friend",
        "U4": "foster placement with another foster carer, long term",
        "U5": "foster placement with another foster carer who is also an approved adopter",
        "U6": "foster placement with another foster carer",
        "Z1": "other placement",
    }
)

LEGAL_STATUS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "C1": "interim care order",
        "C2": "full care order",
        "D1": "freeing order",
        "E1": "placement order",
        "J1": "remanded to local authority accommodation or youth detention accommodation",
        "J2": "accommodated under the Police and Criminal Evidence Act",
        "J3": "sentenced to a youth rehabilitation order with a residence requirement",
        "L1": "under police protection",
        "L2": "emergency protection order",
        "L3": "child assessment order",
        "V2": "accommodated under section 20",
        "V3": "accommodated in an agreed series of short breaks",
        "V4": "accommodated in an agreed series of short breaks, each placement recorded",
    }
)

CHANGE_REASON: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ALLEG": "an allegation was made",
        "APPRR": "the carer's or home's approval was removed",
        "CARPL": "the care plan asked for it",
        "CHILD": "the child asked for it",
        "CLOSE": "the home closed or the carer resigned",
        "CREQB": "the carer asked for it, on account of the child's behaviour",
        "CREQO": "the carer asked for it, for another reason",
        "CUSTOD": "the child went into custody",
        "LAREQ": "the authority asked for it",
        "OTHER": "of another reason",
        "PLACE": "only the status of the placement changed",
        "STAND": "there was concern about standards of care",
    }
)
"""Why a placement ended, as a clause."""
