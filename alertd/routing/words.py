"""Dates, distances and roles as people say them, in their language and in London time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from alertd.calendars.calendar import Calendar
from alertd.cases.records import LONDON, local_day
from alertd.language import ENGLISH, Language, Said
from alertd.people.directory import role_words

TOLD_AS: Final = (
    "{role}: deputy of {person}, who {reason}",
    "inbox of {team}: {why}",
    "duty address: {why}",
    "worker {person} is not in the staff directory",
    "worker {person} {reason}",
    "nobody here holds the role {role}",
    "nobody is here as {role}",
    "nobody is {role}",
    "is away until {day}",
    "is away, as their mailbox answered on {day}",
    "{role} of {team}",
)
"""The forms of :attr:`Resolved.how`, which is put into English when somebody is found."""


def day_words(value: date | datetime, today: date, language: Language = ENGLISH) -> str:
    """``Tue 24 Nov``, with the year where it is not this one and the time where there is one."""
    day = local_day(value)
    time = f" {value.astimezone(LONDON):%H:%M}" if isinstance(value, datetime) else ""
    return language.day(day, "EEE d MMM" if day.year == today.year else "EEE d MMM y") + time


def distance_words(value: date | datetime, today: date, calendar: Calendar, language: Language = ENGLISH) -> str:
    """How far off: ``today``, ``tomorrow``, ``2 working days ago``, ``3 working days left``.

    In calendar days where no working day lies between, or the calendar does not reach that far.
    """
    day = local_day(value)
    days = (day - today).days
    if abs(days) <= 1:
        return language.say({0: "today", 1: "tomorrow", -1: "yesterday"}[days])
    in_reach = calendar.first_year <= min(day, today).year and max(day, today).year <= calendar.last_year
    working = abs(calendar.working_days_between(today, day)) if in_reach else 0
    length = language.units(working, "working day") if working else language.units(abs(days), "day")
    return language.say("{length} ago" if days < 0 else "{length} left", length=length)


def and_list(words: Sequence[str], language: Language = ENGLISH) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return language.both(words)


def the_role(role: str, language: Language = ENGLISH) -> str:
    """``the team manager``."""
    return language.say(f"the {role_words(role)}")


def told_as(how: str, language: Language = ENGLISH) -> Said:
    """Why somebody is told (:attr:`Resolved.how`), in their language as far as it can be said in it."""
    return language.reword(how, TOLD_AS)
