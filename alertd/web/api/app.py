"""The application of the API, with its description at openapi.json."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from fastapi import Depends, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from alertd import __version__
from alertd.web.api.calls import WEB, Answering, Call, Edge, admission
from alertd.web.api.problems import documented, problem
from alertd.web.api.resources import CALLS
from alertd.web.policy import Policy
from alertd.web.visit import Web

ABOUT: Final = """\
What alertd's pages show, for programs. A token stands for a person of the staff directory and sees what that person
sees; each look at a child is kept, as on the pages. Answers carry an ETag: ask with If-None-Match, and 304 says that
nothing has changed. Times are UTC."""


class Api:
    """The application, to be mounted at :data:`~alertd.web.api.calls.PREFIX`."""

    def __init__(self, web: Web) -> None:
        self._web, self._described = web, described()

    @property
    def routes(self) -> list[BaseRoute]:
        """Its routes, for whoever asks what is served."""
        return self._described.routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        await self._described({**scope, WEB: self._web}, receive, send)


@cache
def described() -> FastAPI:
    """The calls with their description. It is the same for all, and takes a second to make."""
    made = FastAPI(
        title="alertd",
        version=__version__,
        description=ABOUT,
        docs_url=None,  # both load their scripts from elsewhere
        redoc_url=None,
        exception_handlers={HTTPException: _not_served},
        redirect_slashes=False,
    )
    made.router.route_class = Answering
    for call in CALLS:
        made.add_api_route(
            call.path,
            call.do,
            methods=[call.method],
            operation_id=call.do.__name__,
            status_code=call.status,
            dependencies=[Depends(admission(call))],
            responses=_answers(call),
            openapi_extra={"x-who": call.policy.value},
        )
    made.add_middleware(Edge)
    return made


def _answers(call: Call) -> dict[int | str, dict[str, Any]]:
    statuses = [400, 422, 429, 500, *call.besides]
    if call.policy is not Policy.public:
        statuses += [401, 403]
    if call.method == "POST":
        return documented(*statuses, 409, 413)
    return {304: {"description": "It is what If-None-Match named."}, **documented(*statuses)}


async def _not_served(_: Request, error: Exception) -> Response:
    """An address or a method that there is not."""
    assert isinstance(error, HTTPException)
    return problem(error.status_code, "There is no such resource: see openapi.json", error.headers)
