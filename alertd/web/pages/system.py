"""How alertd itself fares."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from alertd.web.policy import Policy
from alertd.web.visit import Page, Visit


def system(visit: Visit) -> Response:
    """What waits for somebody, feeds, channels, and when each part was last at work."""
    return visit.page("system.html.j2", title="Health of alertd", system=visit.web.system.of(visit.house))


PAGES: Final = (Page("/system", Policy.system, system),)
