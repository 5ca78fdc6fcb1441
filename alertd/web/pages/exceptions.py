"""*Exceptions*: the children whose needs are not being met, and who sees to it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from alertd.access.may import teams_seen
from alertd.views.alerts import team_name
from alertd.views.exceptions import By
from alertd.web import lists
from alertd.web.paging import page_number
from alertd.web.policy import Policy
from alertd.web.visit import Page, Visit


def exceptions(visit: Visit) -> Response:
    """One page of them, by owner or by what is missing."""
    directory, seen = visit.office.directory, teams_seen(visit.who, visit.office)
    by: By = "need" if visit.asked("by", "" if seen else "need") == "need" else "owner"
    team = visit.asked("team") if visit.asked("team") in seen else ""
    found, scope = lists.exceptions(visit, by, team, page_number(visit))

    def href(page: int) -> str:
        return f"/exceptions?{urlencode({'by': by, 'team': team, 'page': page})}"

    teams = sorted(((team_name(directory, one), one) for one in seen), key=lambda pair: (pair[0].casefold(), pair[1]))
    return visit.page(
        "exceptions.html.j2", title="Exceptions", found=found, by=by, team=team, teams=teams, href=href, scope=scope
    )


PAGES: Final = (Page("/exceptions", Policy.staff, exceptions),)
