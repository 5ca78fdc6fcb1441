"""What happens if nothing changes: the next step of the ladder, in words."""

from __future__ import annotations

from datetime import date, datetime

from alertd.calendars.calendar import Calendar
from alertd.calendars.clock import begin_of
from alertd.cases.records import local_day
from alertd.engine.findings import Finding
from alertd.engine.stages import step_moment
from alertd.people.directory import role_words
from alertd.routing.words import and_list, day_words
from alertd.rulebook.model import Rule, Rulebook


def next_step(finding: Finding, rule: Rule, rulebook: Rulebook, calendar: Calendar, today: date) -> str:
    """``If nothing changes: the team manager is told Thu 26 Nov.``, or what else there is to say.

    A step of a ladder that is not urgent goes with a digest, so it is told on a working day.
    """
    if finding.stage == "unknown":
        return "Until then nobody can be warned in time."
    ladder = rulebook.ladders[rule.escalate]
    for step in ladder.steps[finding.level :]:
        roles = [f"the {role_words(role)}" for role in step.tell if role != "worker"]
        if roles and finding.due is not None:
            at = step_moment(step, finding.start or finding.due, finding.due, calendar)
            verb = "are" if len(roles) > 1 else "is"
            return f"If nothing changes: {and_list(roles)} {verb} told {_told(at, today, calendar, ladder.urgent)}."
    return "Everybody who is to hear of it has been told."


def _told(at: datetime, today: date, calendar: Calendar, urgent: bool) -> str:
    day = max(local_day(at), today)
    if not urgent:
        return day_words(day if calendar.is_working(day) else calendar.add_working_days(day, 1), today)
    return day_words(day if at == begin_of(day) or day > local_day(at) else at, today)
