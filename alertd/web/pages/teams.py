"""Boards of teams."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from alertd.access.may import teams_seen
from alertd.views import teams as view
from alertd.views.alerts import PRESSING, person_name
from alertd.views.work import by_child
from alertd.web.policy import Policy
from alertd.web.visit import Page, Visit


def teams(visit: Visit) -> Response:
    """The teams whose boards somebody sees."""
    found = view.teams(visit.session, teams_seen(visit.who, visit.office), visit.who, visit.office, visit.web.counts)
    return visit.page("teams.html.j2", title="Teams", teams=found, stages=PRESSING)


def board(visit: Visit) -> Response:
    """One team: people and stages, what is passed up next, who is away."""
    counts = visit.web.counts
    found = view.board(visit.session, visit.path["team"], visit.who, visit.house.rulebook, visit.office, counts)
    most = {stage: max((row.counts[stage] for row in found.people), default=0) for stage in PRESSING}
    return visit.page("board.html.j2", title=found.name, board=found, stages=PRESSING, most=most, cap=view.CAP)


def of_person(visit: Visit) -> Response:
    """What stands behind a figure of the board."""
    person, stage = visit.asked("person"), visit.asked("stage")
    stage = stage if stage in PRESSING else ""
    team = visit.path["team"]
    rows = view.of_person(visit.session, team, person, stage, visit.who, visit.house.rulebook, visit.office)
    children = by_child(rows)
    visit.audit("saw list", why=visit.right.why, team=team, children=[one.child for one in children])
    name = person_name(visit.office.directory, person) if person else "Nobody allocated"
    return visit.page("board_person.html.j2", title=name, children=children, team=team, stage=stage, n=len(rows))


PAGES: Final = (
    Page("/teams", Policy.teams, teams),
    Page("/teams/{team}", Policy.team, board),
    Page("/teams/{team}/alerts", Policy.team, of_person),
)
