"""What happens if nothing changes: the next step of the ladder, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime

from alertd.calendars.calendar import Calendar
from alertd.calendars.clock import begin_of
from alertd.cases.records import local_day
from alertd.engine.findings import Finding
from alertd.engine.stages import step_moment
from alertd.language import ENGLISH, Language
from alertd.routing.words import and_list, day_words, the_role
from alertd.rulebook.model import Rule, Rulebook
from alertd.rulebook.profiles import Step


def nobody_named(_role: str) -> str:
    """Names nobody: the step is told by its roles alone."""
    return ""


def next_step(
    finding: Finding,
    rule: Rule,
    rulebook: Rulebook,
    calendar: Calendar,
    today: date,
    named: Callable[[str], str] = nobody_named,
    language: Language = ENGLISH,
    *,
    level: int | None = None,
    waits: Callable[[Step], datetime | None] = lambda _: None,
) -> str:
    """``If nothing changes: the team manager, Ann Hughes, is told Thu 26 Nov.``, or what else there is to say.

    ``named`` gives the name of who would be told as a role today, blank where that is not known. A step of a
    ladder that is not urgent goes with a digest, so it is told on a working day. ``level`` counts the steps told,
    where those are not all that were reached; ``waits`` says until when somebody's word holds a step back.
    """
    if finding.stage == "unknown":
        return language.say("Until then nobody can be warned in time.")
    ladder = rulebook.ladders[rule.escalate]
    for step in ladder.steps[finding.level if level is None else level :]:
        roles = [role for role in step.tell if role != "worker"]
        if roles and finding.due is not None:
            at = step_moment(step, finding.start or finding.due, finding.due, calendar)
            at = max(at, waits(step) or at)
            when = day_words(_told(at, today, calendar, ladder.urgent), today, language)
            one, many = "If nothing changes: {who} is told {when}.", "If nothing changes: {who} are told {when}."
            who = _who(roles, named, language)
            return language.say(many if len(roles) > 1 else one, who=who, when=when)
    return language.say("Everybody who is to hear of it has been told.")


def _who(roles: Iterable[str], named: Callable[[str], str], language: Language) -> str:
    """Each role with its holder; whoever holds two of them is named with the first."""
    phrases: list[str] = []
    seen = {""}
    for role in roles:
        name = named(role)
        words = the_role(role, language)
        phrases.append(words if name in seen else language.say("{role}, {name},", role=words, name=name))
        seen.add(name)
    return and_list(phrases, language).replace(",,", ",")


def _told(at: datetime, today: date, calendar: Calendar, urgent: bool) -> date | datetime:
    day = max(local_day(at), today)
    if not urgent:
        return day if calendar.is_working(day) else calendar.add_working_days(day, 1)
    return day if at == begin_of(day) or day > local_day(at) else at
