"""How a program comes in: by a token, through the same judge and the same audit as people on pages."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Final
from uuid import uuid4

import structlog
from fastapi import Depends, Query, Request, Security
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alertd.access import sessions
from alertd.errors import InputError
from alertd.web.api.problems import Refusal, problem, unusable
from alertd.web.policy import Policy
from alertd.web.visit import BY_COOKIE, HEADERS, LONGEST_FORM, Visit, Web, judged, visiting

PREFIX: Final = "/api/v1"
BY_TOKEN: Final = frozenset[sessions.How]({"token"})

_HEADERS: Final = {
    **HEADERS,
    "cache-control": "private, no-cache",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "vary": "authorization, cookie",
}
_NOT_THEIRS: Final = "There is no such child or alert here, or it is not yours to see"

log: Final = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Call:
    """A route of the API: its path, who it is for, and what answers. There is none but by one of these. ``name`` is
    what the audit calls a look at a child by it, ``besides`` what else it may answer than every call may."""

    path: str
    policy: Policy
    do: Callable[..., Any]
    method: str = "GET"
    status: int = 200
    name: str = ""
    besides: tuple[int, ...] = ()


Word = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]
"""A reference or an id, as the case system or the settings have it."""


def _visit(request: Request) -> Visit:
    visit: Visit = request.state.visit
    return visit


Asking = Annotated[Visit, Depends(_visit)]
"""The visit of whoever asks, once they were let in."""

_bearer = HTTPBearer(
    auto_error=False, scheme_name="token", description="A token, as `alertd web token PERSON` prints it once."
)


WEB: Final = "alertd.web"
"""Where the scope of a request has what all pages share: the routes themselves are of no application."""


def admission(call: Call) -> Callable[..., Iterator[None]]:
    """What decides by a call's policy before anything is read for it."""

    def admit(
        request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
    ) -> Iterator[None]:
        web: Web = request.scope[WEB]
        secret, by = (given.credentials, BY_TOKEN) if given else (_cookie(web, request), BY_COOKIE)
        with visiting(web, request, secret, by, {}) as visit:
            _let_in(visit, call)
            request.state.visit = visit
            yield

    return admit


def _cookie(web: Web, request: Request) -> str:
    """Whoever is signed in to the pages may read here too. Nothing is written by a cookie: any site could send it."""
    return request.cookies.get(web.cookie, "") if request.method == "GET" else ""


def _let_in(visit: Visit, call: Call) -> None:
    if call.policy is not Policy.public:
        if visit.viewer is None:
            why = "Give a token that stands: Authorization: Bearer TOKEN. Whoever runs alertd makes one"
            raise Refusal(401, why, {"www-authenticate": "Bearer"})
        if not visit.web.too_often.allows(visit.viewer.id, visit.now):
            raise Refusal(429, "Wait a minute, and ask less often", {"retry-after": "60"})
    judged(visit, call.policy, f"{PREFIX}{call.path}", call.name)
    if not visit.right.allowed:
        hidden = call.policy in (Policy.child, Policy.alert, Policy.emergency)
        raise Refusal(403, _NOT_THEIRS if hidden else visit.right.why)


class Answering(APIRoute):
    """A route whose every answer is the resource, that it has not changed, or a problem in words."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What FastAPI makes of the function, with what goes wrong in it put into an answer."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return _as_known(request, await handle(request))
            except Refusal as refusal:
                return refusal.response
            except RequestValidationError as error:
                return unusable(error)
            except InputError as error:
                return problem(400, f"{error.what}: {error.fix}" if error.fix else error.what)
            except HTTPException as error:
                return problem(error.status_code, str(error.detail), error.headers)
            except ResponseValidationError as fault:  # whose own words hold the answer, so are none for a log
                where = ["/".join(map(str, one["loc"])) for one in fault.errors()]
                log.error("api_answer_unfit", path=self.path, where=where)
                return problem(500, "The answer is not as it is described. Whoever runs alertd finds it in the log")
            except Exception as fault:
                id_ = uuid4().hex[:8]
                log.error("api_failed", path=self.path, id=id_, fault=type(fault).__name__, exc_info=True)
                return problem(500, f"Something went wrong. Whoever runs alertd finds it in the log under {id_}")

        return answer


def _as_known(request: Request, response: Response) -> Response:
    """The answer, or that it is still what the asker has."""
    if request.method != "GET" or response.status_code != 200:
        return response
    tag = f'"{sha256(bytes(response.body)).hexdigest()[:32]}"'
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers={"etag": tag})
    response.headers["etag"] = tag
    return response


class Edge:
    """Around all of the API: nothing longer than a form comes in, and nothing goes out without its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await _whole(receive)
        if body is None:
            await problem(413, f"At most {LONGEST_FORM} bytes are taken")(scope, receive, with_headers)
            return
        left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return left.pop() if left else await receive()

        await self._app(scope, again, with_headers)


async def _whole(receive: Receive) -> bytes | None:
    """All of a body; None for one that is too long, which is not read to its end."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LONGEST_FORM:
            return None
    return bytes(body)
