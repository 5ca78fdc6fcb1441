"""Whether a subscription tells anybody now, and what of it does not yet. Pure."""

from __future__ import annotations

from datetime import date

from alertd.people.directory import Directory
from alertd.rulebook.model import Rulebook
from alertd.subscriptions.model import CALENDAR, Wanted, covers, every_rule, not_there, reach


def standing(wanted: Wanted, directory: Directory, rulebook: Rulebook, today: date) -> str:
    """Whether somebody is told by it now, in words."""
    if why := reach(wanted.person, directory, today).why_not:
        return f"tells nobody: {why}"
    if why := not_there(directory.people[wanted.person], wanted.channel):
        return f"tells nobody: {why}"
    gone = [rule for rule in wanted.rules if not any(covers(rule, known) for known in every_rule(rulebook))]
    if len(gone) == len(wanted.rules):
        return "tells nobody: none of its rules is there any more"
    absence = directory.people[wanted.person].absence(today)
    return f"waits: {wanted.person} {absence}" if absence and wanted.channel != CALENDAR else "in force"


def in_shadow(wanted: Wanted, rulebook: Rulebook) -> tuple[int, int]:
    """How many of the rules asked for are in shadow, so that nobody is told of them yet, and how many are asked for."""
    asked = [rule for id_, (rule, _) in every_rule(rulebook).items() if any(covers(r, id_) for r in wanted.rules)]
    return sum(1 for rule in asked if rule.shadow), len(asked)
