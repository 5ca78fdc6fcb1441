"""*Exceptions*: the children whose needs are not being met, and who sees to it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from alertd.access.may import teams_seen
from alertd.views import exceptions as view
from alertd.views.alerts import team_name
from alertd.web.paging import page_number
from alertd.web.policy import Policy
from alertd.web.visit import Page, Visit


def exceptions(visit: Visit) -> Response:
    """One page of them, by owner or by what is missing."""
    directory, seen = visit.office.directory, teams_seen(visit.who, visit.office)
    by: view.By = "need" if visit.asked("by", "" if seen else "need") == "need" else "owner"
    team = visit.asked("team") if visit.asked("team") in seen else ""
    found = view.exceptions(
        visit.session, visit.who, visit.house.rulebook, visit.office,
        by=by, team=team, page=page_number(visit),
    )  # fmt: skip
    children = sorted({line.row.child for group in found.groups for line in group.lines})
    scope = "the service" if visit.who.oversees else "their teams and their own" if seen else "their own"
    visit.audit("saw list", why=f"exceptions of {scope}", team=team, children=children)

    def href(page: int) -> str:
        return f"/exceptions?{urlencode({'by': by, 'team': team, 'page': page})}"

    teams = sorted(((team_name(directory, one), one) for one in seen), key=lambda pair: (pair[0].casefold(), pair[1]))
    return visit.page(
        "exceptions.html.j2", title="Exceptions", found=found, by=by, team=team, teams=teams, href=href, scope=scope
    )


PAGES: Final = (Page("/exceptions", Policy.staff, exceptions),)
