"""The pages that partners and calendar programs reach: all of them need a link that nobody can guess."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alertd.bootstrap import House
from alertd.web import acknowledge, calendars


def app(house: House) -> Starlette:
    """The application. Whatever goes wrong in it says so in the log, and to nobody outside."""
    routes = [
        *acknowledge.routes(house),
        *calendars.routes(house),
        Route("/health", _health, methods=["GET"]),
    ]
    made = Starlette(routes=routes, exception_handlers={HTTPException: _plain_error, Exception: _plain_error})
    # It would send the secret on to whatever host the request names, without TLS where a proxy ends it.
    made.router.redirect_slashes = False
    return made


async def _health(_: Request) -> Response:
    return PlainTextResponse("serving\n", headers={"cache-control": "no-store"})


async def _plain_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}
    return PlainTextResponse(f"{status}\n", status, headers=headers)
