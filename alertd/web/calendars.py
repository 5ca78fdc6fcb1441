"""The address of a calendar feed: ``GET /calendar/<secret>.ics``, for calendar programs to follow.

Whoever has the address sees the calendar, so it is asked again at each fetch whether the link's owner still may.
A link that never was, was revoked, or whose owner has left or no longer answers for the team is the same 404.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from threading import Lock
from typing import Final

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alertd.bootstrap import House
from alertd.cases.records import local_day
from alertd.db.engine import reading
from alertd.db.links import find_link
from alertd.subscriptions.calendar import calendar_of
from alertd.subscriptions.feeds import PATH, PURPOSE, items, shown
from alertd.web.per_minute import PerMinute

_HEADERS: Final = {
    "cache-control": "private, max-age=0, must-revalidate",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}


def routes(house: House, *, found: PerMinute | None = None, missed: PerMinute | None = None) -> list[Route]:
    """The route of the feeds. ``found`` limits the fetches of one calendar, ``missed`` all those of none together."""
    answer = _Feeds(house, found or PerMinute(10), missed or PerMinute(60))
    return [Route(f"/{PATH}", answer.fetch, methods=["GET"])]


class _Feeds:
    def __init__(self, house: House, found: PerMinute, missed: PerMinute) -> None:
        self._house, self._found, self._missed = house, found, missed
        self._staff = Lock()

    def fetch(self, request: Request) -> Response:
        """One calendar, or 304 where the program has it as it is."""
        house, now = self._house, self._house.clock()
        with Session(reading(house.engine)) as session:
            subject = find_link(session, PURPOSE, request.path_params["secret"]) or ""
            if not (self._found.allows(subject, now) if subject else self._missed.allows("", now)):
                house.log.warning("calendar_asked_too_often", whose=subject or "nobody's")
                return PlainTextResponse("429\n", 429, headers={"retry-after": "60", **_HEADERS})
            written = self._written(session, subject, now) if subject else b""
        if not written:
            return PlainTextResponse("There is no such calendar.\n", 404, headers=_HEADERS)
        tag = f'"{hashlib.sha256(written).hexdigest()[:32]}"'
        headers = {"etag": tag, **_HEADERS}
        if _has(request.headers.get("if-none-match", ""), tag):
            return Response(status_code=304, headers=headers)
        return Response(
            written,
            headers={"content-disposition": 'inline; filename="alertd.ics"', **headers},
            media_type="text/calendar; charset=utf-8",
        )

    def _written(self, session: Session, subject: str, now: datetime) -> bytes:
        """The calendar of a link; empty where it no longer answers."""
        house = self._house
        with self._staff:  # read again when it changed, by one of us at a time
            directory = house.staff.refresh()
        calendar, _ = shown(session, subject, directory, local_day(now))
        if calendar is None:
            return b""
        found = list(items(session, calendar, house.rulebook, house.calendar, now))
        return calendar_of(found, calendar.name, now, feed=subject)


def _has(given: str, tag: str) -> bool:
    """Whether If-None-Match names this tag; compared weakly, as RFC 9110 asks."""
    return given.strip() == "*" or tag in {one.strip().removeprefix("W/") for one in given.split(",")}
