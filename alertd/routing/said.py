"""What somebody has said of an alert, as others read it: who, what, and how long it holds. Never why: a reason
may hold personal data, and is shown by ``alertd alerts show`` alone."""

from __future__ import annotations

from datetime import date
from typing import Final

from alertd.alerts.handling import Handled
from alertd.language import ENGLISH, Language
from alertd.people.directory import Directory
from alertd.routing.words import day_words

_SAID: Final = {
    "claim": "{name} says it is done and not yet recorded; that holds until {day}.",
    "accept": "{name} has explained it; that holds until {day}. The date stands.",
    "hand_over": "{name} handed it over to {to}.",
    "dispute": "{name} says this alarm is wrong; whoever owns the rule looks into it.",
}


def said_words(handled: Handled, directory: Directory, today: date, language: Language = ENGLISH) -> str:
    """One sentence, for every reader of the alert."""
    day = day_words(handled.until, today, language) if handled.until else ""
    names = {"name": _name(directory, handled.by), "to": _name(directory, handled.to or "")}
    return language.say(_SAID[handled.kind], day=day, **names)


def _name(directory: Directory, person_id: str) -> str:
    person = directory.people.get(person_id)
    return person.name if person else person_id
