"""The codes that may be said to an agency: those of the SSDA903 return, and the kinds of event alertd itself knows.

What a feed holds and is not here is not said. The words of codes are English in both languages: a term of law that
is translated wrongly says something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from alertd.language import Language, Said


@dataclass(frozen=True, slots=True)
class Code:
    """A code and what it means. ``code`` is blank for what has no code outside alertd."""

    code: str
    meaning: str

    def text(self, language: Language) -> Said:
        """As it stands in a mail."""
        return Said(f"{self.code}: {self.meaning}") if self.code else language.say(self.meaning)


def _codes(**meanings: str) -> Mapping[str, Code]:
    return {code: Code(code, meaning) for code, meaning in meanings.items()}


PLACEMENT: Final = _codes(
    A3="placed for adoption with consent, with the current foster carer",
    A4="placed for adoption with consent, not with the current foster carer",
    A5="placed for adoption with a placement order, with the current foster carer",
    A6="placed for adoption with a placement order, not with the current foster carer",
    H5="semi-independent living",
    K1="secure children's home",
    K2="children's home",
    P1="placed with own parents",
    P2="independent living",
    P3="residential employment",
    R1="residential care home",
    R2="health establishment",
    R3="family centre or mother and baby unit",
    R5="young offender institution",
    S1="residential school",
    T0="temporary move",
    T1="temporary stay in hospital",
    T2="temporary absence on holiday",
    T3="temporary stay with another foster carer",
    T4="other temporary move",
    U1="foster placement with a relative or friend, long term",
    U2="foster placement with a relative or friend who is also an approved adopter",
    U3="foster placement with a relative or friend",
    U4="foster placement with another foster carer, long term",
    U5="foster placement with another foster carer who is also an approved adopter",
    U6="foster placement with another foster carer",
    Z1="other placement",
)

LEGAL_STATUS: Final = _codes(
    C1="interim care order",
    C2="full care order",
    D1="freeing order",
    E1="placement order",
    J1="remanded to local authority accommodation or youth detention accommodation",
    J2="accommodated under the Police and Criminal Evidence Act",
    J3="sentenced to a youth rehabilitation order with a residence requirement",
    L1="under police protection",
    L2="emergency protection order",
    L3="child assessment order",
    V2="accommodated under section 20",
    V3="accommodated in an agreed series of short breaks",
    V4="accommodated in an agreed series of short breaks, each placement recorded",
)

EVENTS: Final[Mapping[str, Code]] = {
    "provider_event": Code("", "An event in a children's home or foster placement"),
    "placement_ended": Code("", "A placement ended"),
    "plan_ended": Code("", "A plan ended"),
    "care_ended": Code("", "The child is no longer looked after"),
    "school_joined": Code("", "The child joined a school"),
    "school_left": Code("", "The child left a school"),
    "worker_assigned": Code("", "The child was given a social worker"),
}
