"""What pages and the API show alike: exceptions, figures, and what stands behind these. Each look is kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import islice
from typing import Final

from alertd.access.may import teams_seen
from alertd.insight.comparison import Who
from alertd.insight.national import National, national
from alertd.views import exceptions as exceptional
from alertd.views import insight as figures
from alertd.web.policy import Policy
from alertd.web.visit import Visit

AT_ONCE: Final = 50
"""Alerts of one page of those behind a figure."""


def may_see(visit: Visit) -> Callable[[str], bool]:
    """Whether the viewer may see a child, asked once of each."""
    judge = visit.judge()
    return cache(lambda child: judge.verdict(Policy.child, visit.who, {"child": child}).allowed)


def exceptions(visit: Visit, by: exceptional.By, team: str, page: int) -> tuple[exceptional.Exceptions, str]:
    """One page of the exceptions that somebody follows, and whose they are."""
    seen = teams_seen(visit.who, visit.office)
    found = exceptional.exceptions(
        visit.session,
        visit.who,
        visit.house.rulebook,
        visit.office,
        by=by,
        team=team,
        page=page,
        of_all=visit.web.exceptions,
    )
    scope = "the service" if visit.who.oversees else "their teams and their own" if seen else "their own"
    children = sorted({line.row.child for group in found.groups for line in group.lines})
    visit.audit("saw list", why=f"exceptions of {scope}", team=team, children=children)
    return found, scope


def insight(visit: Visit, team: str, rule: str, patience: float) -> figures.Insight | None:
    """The figures, of one rule or of all; None while they are counted for the first time, for which ``patience``
    seconds are waited."""
    if not visit.web.figures.are_there(patience):
        return None
    return figures.insight(
        visit.session, visit.web.figures, visit.who, visit.house.rulebook, visit.office, _national(), team, rule
    )


def behind(visit: Visit, who: Who, team: str, which: figures.Which) -> tuple[list[figures.Behind], int | None]:
    """A page of the alerts behind a figure, of the children whom the viewer may see, and before which number the next
    begins, if there is one."""
    drilled = figures.drill(visit.session, which, visit.office.directory, visit.office.today, may_see(visit))
    found = list(islice(drilled, AT_ONCE + 1))
    shown = found[:AT_ONCE]
    children = [one.child for one in shown]
    visit.audit("saw list", why=f"behind a figure of {who}", rule=which.rule, team=team, children=children)
    return shown, shown[-1].alert if len(found) > AT_ONCE else None


@cache
def _national() -> dict[str, National]:
    return national()
