"""The pages: those that people sign in to, and those that partners and calendar programs reach by a link."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from alertd.bootstrap import House
from alertd.db.engine import answers
from alertd.views.cases import Cases
from alertd.views.insight import Figures
from alertd.web import acknowledge, calendars, callback
from alertd.web.api.app import Api
from alertd.web.api.calls import PREFIX
from alertd.web.look import static_files
from alertd.web.pages import (
    child,
    deliveries,
    exceptions,
    insight,
    partners,
    rules,
    signing,
    single,
    subscriptions,
    system,
    teams,
    work,
)
from alertd.web.ready import Ready
from alertd.web.visit import Page, Web, endpoint

PAGES: Final[tuple[Page, ...]] = (
    *single.PAGES,  # before the secrets of links
    *signing.PAGES,
    *work.PAGES,
    *child.PAGES,
    *teams.PAGES,
    *partners.PAGES,
    *deliveries.PAGES,
    *exceptions.PAGES,
    *insight.PAGES,
    *subscriptions.PAGES,
    *rules.PAGES,
    *system.PAGES,
)
"""Every page, with the policy that says who it is for."""


def app(house: House) -> Starlette:
    """The application. Whatever goes wrong in it says so in the log, and to nobody outside."""
    web = Web(house, Cases(house), Figures(house.engine, lambda: house.composer_now().directory, house.clock))
    routes = [
        *acknowledge.routes(house),
        *calendars.routes(house),
        *callback.routes(house),
        Route("/health", _health, methods=["GET"]),
        Route("/ready", Ready(partial(answers, house.engine)).show, methods=["GET"]),
        static_files(),
        Mount(PREFIX, Api(web)),
        *(Route(page.path, endpoint(web, page), methods=list(page.methods)) for page in PAGES),
    ]
    made = Starlette(
        routes=routes,
        lifespan=partial(_counting, web),
        exception_handlers={HTTPException: _plain_error, Exception: _plain_error},
    )
    # It would send the secret on to whatever host the request names, without TLS where a proxy ends it.
    made.router.redirect_slashes = False
    return made


@asynccontextmanager
async def _counting(web: Web, _: Starlette) -> AsyncIterator[None]:
    """Count for *Insight* from the start, so that the first who looks need not wait."""
    web.figures.are_there()
    yield
    await run_in_threadpool(web.figures.close)


async def _health(_: Request) -> Response:
    return PlainTextResponse("serving\n", headers={"cache-control": "no-store"})


async def _plain_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}
    return PlainTextResponse(f"{status}\n", status, headers=headers)
