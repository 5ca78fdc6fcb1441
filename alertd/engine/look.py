"""What a worker does for a child. Small, so that a worker is soon started: it loads what it is handed by name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from alertd.cases.holding import Holding, family, holding
from alertd.cases.records import CaseFile, local_day
from alertd.engine.agenda import next_look
from alertd.engine.evaluate import Evaluator, Known
from alertd.engine.findings import Finding
from alertd.engine.subject import Slack


class Ahead(NamedTuple):
    """When a child is next to be looked at, and how many days the feeds' windows may move until then."""

    at: datetime
    slack: int | None
    is_open: bool
    team: str | None


class Seen(NamedTuple):
    """What is true of one child now, as far as it asks for something or there is an alert of it; and when that may
    next be otherwise."""

    findings: tuple[Finding, ...]
    held: Holding
    family: str | None
    ahead: Ahead


def look(evaluator: Evaluator, case: CaseFile, as_of: datetime, told: Known, heard: Sequence[date] = ()) -> Seen:
    """What a worker does for a child. ``told`` are alerts there are, its own among them; ``heard`` the days on which
    each of several feeds last said anything new.

    Of a child twenty findings and more are true, and nearly all ask for nothing: they stay where they were found.
    """
    today, slack = local_day(as_of), Slack()
    findings = evaluator.look(case, as_of, slack, told)
    if heard:
        _believed_until(case, heard, slack)
    held = holding(case, today)
    ahead = Ahead(next_look(evaluator, case, as_of, findings), slack.days, case.is_open(today), held.team)
    wanted = tuple(f for f in findings if f.asks_for_action or f.identity in told)
    return Seen(wanted, held, family(case, today), ahead)


def _believed_until(case: CaseFile, heard: Sequence[date], slack: Slack) -> None:
    """What one feed says of days of which another has not yet heard is believed until it has; and what they do not
    agree on may be settled by each reading."""
    if case.disputes:
        slack.at_most(0)
    for record in case.records:
        for value in record.values.values():
            if isinstance(value, date):
                day = local_day(value)
                for said_on in heard:
                    if day >= said_on:
                        slack.at_most((day - said_on).days)
