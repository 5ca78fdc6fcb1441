"""The codes that may be said to an agency: those of the SSDA903 return, and the kinds of event alertd itself knows.

What a feed holds and is not here is not said. The words of codes are English in both languages: a term of law that
is translated wrongly says something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from alertd.cases import codes
from alertd.language import Language, Said


@dataclass(frozen=True, slots=True)
class Code:
    """A code and what it means. ``code`` is blank for what has no code outside alertd."""

    code: str
    meaning: str

    def text(self, language: Language) -> Said:
        """As it stands in a mail."""
        return Said(f"{self.code}: {self.meaning}") if self.code else language.say(self.meaning)


def _codes(meanings: Mapping[str, str]) -> Mapping[str, Code]:
    return {code: Code(code, meaning) for code, meaning in meanings.items()}


PLACEMENT: Final = _codes(codes.PLACEMENT)

LEGAL_STATUS: Final = _codes(codes.LEGAL_STATUS)

EVENTS: Final[Mapping[str, Code]] = {
    "provider_event": Code("", "An event in a children's home or foster placement"),
    "placement_ended": Code("", "A placement ended"),
    "plan_ended": Code("", "A plan ended"),
    "care_ended": Code("", "The child is no longer looked after"),
    "school_joined": Code("", "The child joined a school"),
    "school_left": Code("", "The child left a school"),
    "worker_assigned": Code("", "The child was given a social worker"),
}
