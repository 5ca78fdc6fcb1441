"""The page on which an agency acknowledges a notification: ``/acknowledge/<secret>``.

Looking changes nothing, because scanners of mail follow every link; pressing the button does, once. It works without
scripts. A link that is unknown, expired or withdrawn says what to do, each with the same status; only so many unknown
ones are answered in a minute. The secret is in no log.
"""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qs

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from alertd.bootstrap import House
from alertd.db.engine import reading
from alertd.db.leading import alone
from alertd.partners.acknowledging import Page, confirm, look
from alertd.web.per_minute import PerMinute

_STYLE: Final = """
*{box-sizing:border-box}
body{margin:0;background:#f3f2f1;color:#0b0c0c;font:1.1875rem/1.4 Arial,Helvetica,sans-serif}
main{max-width:40rem;margin:0 auto;padding:1rem}
h1{font-size:1.6rem;line-height:1.25;margin:1rem 0}
dl{margin:0 0 1rem;padding:.75rem;background:#fff;border-left:5px solid #1d70b8}
dt{color:#484c50}
dd{margin:0;font-weight:bold;overflow-wrap:anywhere}
button{width:100%;max-width:20rem;min-height:2.75rem;padding:.6rem 1rem;border:0;border-bottom:3px solid #002d18;
background:#00703c;color:#fff;font:inherit;font-weight:bold;cursor:pointer}
button:hover{background:#005a30}
button:focus-visible{outline:3px solid #0b0c0c;outline-offset:2px;background:#fd0;color:#0b0c0c}
@media(prefers-color-scheme:dark){body{background:#15181b;color:#f3f2f1}dl{background:#22272b}dt{color:#c4c9cd}
button:focus-visible{outline-color:#fff}}
"""
_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
}
_LONGEST_BODY: Final = 1000


def routes(house: House, *, missed: PerMinute | None = None) -> list[Route]:
    """The page, to look at and to press the button on. ``missed`` limits the unknown links of all together."""
    pages = _Pages(house, missed or PerMinute(60))
    return [
        Route("/acknowledge/{secret}", pages.show, methods=["GET"]),
        Route("/acknowledge/{secret}", pages.press, methods=["POST"]),
    ]


class _Pages:
    def __init__(self, house: House, missed: PerMinute) -> None:
        self._house, self._missed = house, missed

    def show(self, request: Request) -> Response:
        """What the link is about. Changes nothing."""
        return self._answer(request.path_params["secret"], pressed=False)

    async def press(self, request: Request) -> Response:
        """The agency has it."""
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _LONGEST_BODY:
                return Response(status_code=413, headers=_HEADERS)
        pressed = parse_qs(body.decode("ascii", "replace")).get("confirm") == ["yes"]
        return await run_in_threadpool(self._answer, request.path_params["secret"], pressed=pressed)

    def _answer(self, secret: str, *, pressed: bool) -> Response:
        house, now = self._house, self._house.clock()
        agencies, days = house.staff.refresh().agencies, house.settings.partners.link_days

        def looked() -> Page:
            with Session(reading(house.engine)) as session:
                return look(session, secret, agencies, house.composer.wording, now, days)

        page = looked()
        if page.standing == "unknown" and not self._missed.allows("", now):
            house.log.warning("unknown_links_asked_for_too_often", next="somebody may be guessing; none can be guessed")
            return PlainTextResponse("429\n", 429, headers={"retry-after": "60", **_HEADERS})
        if pressed and page.standing == "waits":
            with Session(house.engine) as session, session.begin():
                alone(session)
                confirm(session, secret, now, days)
            page = looked()
        there = page.standing in ("waits", "acknowledged")
        return HTMLResponse(_written(page), 200 if there else 404, headers=_HEADERS)


def _written(page: Page) -> str:
    return _environment().get_template("acknowledge.html.j2").render(page=page, style=Markup(_STYLE))  # noqa: S704 - ours


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(loader=PackageLoader("alertd.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
