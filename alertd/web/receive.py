"""The address at which a case system delivers the CSC API payload: ``POST /children_social_care_data/N/children``.

The path, the bearer token, the limit of 100 children and the codes 200, 204, 400, 401, 403, 413 and 429 are those
of the DfE's API (openapi.json 1.0.1), so that a sender needs another base address and another token. That
description gives the answer as one receipt; the sender known to the public (data-to-insight/dfe-csc-api-data-flows)
looks for one for each child, ``2026-11-28_06:30:00.00_<uuid>.json``, and so it gets them. A delivery answered with
200 is on disk. Delivered twice, it says the same twice.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Final
from uuid import UUID, uuid4

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alertd.cases.sources.csc_api_fields import MOST_CHILDREN
from alertd.cases.sources.csc_api_inbox import NotAPayloadError, deliver, fold, parse, waiting
from alertd.cases.sources.csc_api_state import Cleaning, Element, clean
from alertd.errors import InputError

log: Final = structlog.get_logger()

FOLD_ABOVE: Final = 500
"""Payload files in the inbox from which on old ones are folded. Our own choice: a night of a large authority."""
_FAULTS_SHOWN: Final = 20
_BODY_SECONDS: Final = 60
_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes and children of one delivery; deliveries a minute of one token; files from which on they are folded."""

    max_bytes: int = 5_000_000
    per_minute: int = 600
    children: int = MOST_CHILDREN
    fold_above: int = FOLD_ABOVE


class _Refused(Exception):  # noqa: N818
    """An answer other than yes, and why in words without anything the delivery holds."""

    def __init__(self, status: int, why: str, headers: Mapping[str, str] | None = None, **more: object) -> None:
        super().__init__(why)
        self.status, self.why, self.headers, self.more = status, why, headers, more


def app(
    inbox: Path,
    *,
    la_code: int,
    who: Callable[[str], str | None],
    clock: Callable[[], datetime],
    limits: Limits | None = None,
    new_uuid: Callable[[], UUID] = uuid4,
) -> Starlette:
    """The application. ``who`` says whose token it is; ``clock`` gives the time with its zone.

    One of it, in one process, may serve an inbox.
    """
    door = _Door(inbox, la_code, who, clock, limits or Limits(), new_uuid)
    routes = [
        Route("/children_social_care_data/{la_code:int}/children", door.deliver, methods=["POST"]),
        Route("/health", door.health, methods=["GET"]),
    ]
    made = Starlette(routes=routes, exception_handlers={HTTPException: _plain_error, Exception: _plain_error})
    made.add_middleware(_Headers)
    return made


async def _plain_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return PlainTextResponse(f"{status}\n", status)


class _Headers:
    """Adds to every answer what keeps browsers and caches away from it."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        await self._inner(scope, receive, with_headers)


@dataclass(slots=True)
class _Door:
    inbox: Path
    la_code: int
    who: Callable[[str], str | None]
    clock: Callable[[], datetime]
    limits: Limits
    new_uuid: Callable[[], UUID]
    one_at_a_time: Lock = field(default_factory=Lock)
    recent: dict[str, deque[datetime]] = field(default_factory=dict)

    async def health(self, _: Request) -> Response:
        """Whether deliveries can be taken: 200 or 503."""
        able = await run_in_threadpool(_writable, self.inbox)
        return JSONResponse({"receiving": able}, 200 if able else 503)

    async def deliver(self, request: Request) -> Response:
        """Take one delivery."""
        sender = ""
        try:
            sender = self._sender(request)
            statements = await self._statements(request)
            receipts = await self._kept(statements) if statements else []
        except _Refused as no:
            log.warning("delivery refused", sender=sender, status=no.status, why=no.why)
            return JSONResponse({"error": no.why, **no.more}, no.status, headers=no.headers)
        except ClientDisconnect:
            log.warning("delivery broken off", sender=sender)
            return Response(status_code=400)
        log.info("delivery received", sender=sender, children=len(statements))
        return JSONResponse(receipts) if statements else Response(status_code=204)

    def _sender(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            sender = self.who(token.strip()) if scheme.lower() == "bearer" and token else None
        except InputError as error:
            log.error("tokens cannot be read", why=str(error))
            raise _Refused(503, "deliveries cannot be taken now", {"retry-after": "60"}) from None
        if sender is None:
            raise _Refused(401, "a known bearer token is needed", {"www-authenticate": "Bearer"})
        if request.path_params["la_code"] != self.la_code:
            raise _Refused(403, "this address takes the data of another authority")
        self._not_too_many(sender)
        return sender

    def _not_too_many(self, sender: str) -> None:
        now = self.clock()
        recent = self.recent.setdefault(sender, deque())
        while recent and (now - recent[0]).total_seconds() >= 60:
            recent.popleft()
        if len(recent) >= self.limits.per_minute:
            raise _Refused(429, "too many deliveries in a minute", {"retry-after": "60"})
        recent.append(now)

    async def _statements(self, request: Request) -> list[Element]:
        kind, _, parameters = request.headers.get("content-type", "").partition(";")
        charset = parameters.partition("charset=")[2].strip(" \"'").lower()
        if kind.strip().lower() != "application/json" or charset not in ("", "utf-8"):
            raise _Refused(415, "the content type has to be application/json, in UTF-8")
        if request.headers.get("content-encoding", "identity") != "identity":
            raise _Refused(415, "compressed deliveries are not taken")
        raw = await self._body(request)
        return await run_in_threadpool(_checked, raw, self.limits.children)

    async def _body(self, request: Request) -> bytes:
        stated = request.headers.get("content-length", "")
        too_large = _Refused(413, f"larger than {self.limits.max_bytes} bytes")
        if stated.isdecimal() and int(stated) > self.limits.max_bytes:
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                async for part in request.stream():
                    body += part
                    if len(body) > self.limits.max_bytes:
                        raise too_large
        except TimeoutError:
            raise _Refused(408, f"took longer than {_BODY_SECONDS} seconds", {"connection": "close"}) from None
        return bytes(body)

    async def _kept(self, statements: list[Element]) -> list[str]:
        """Put the delivery on disk, and give a receipt for each child."""
        receipt, now = self.new_uuid(), self.clock()
        try:
            await run_in_threadpool(self._keep, statements, now, receipt)
        except (OSError, InputError) as error:
            log.error("delivery cannot be kept", why=_why(error))
            raise _Refused(503, "deliveries cannot be taken now", {"retry-after": "60"}) from None
        return [f"{now:%Y-%m-%d_%H:%M:%S}.{now.microsecond // 10_000:02}_{receipt}.json" for _ in statements]

    def _keep(self, statements: list[Element], now: datetime, receipt: UUID) -> None:
        with self.one_at_a_time:
            deliver(self.inbox, statements, now, receipt)
            self._fold()

    def _fold(self) -> None:
        """Old deliveries make way. What keeps them from it is told, and keeps no delivery out."""
        try:
            if waiting(self.inbox) > self.limits.fold_above:
                log.info("deliveries folded", files=fold(self.inbox))
        except (OSError, InputError) as error:
            log.error("deliveries cannot be folded", why=_why(error))


def _why(error: OSError | InputError) -> str:
    return error.strerror or "" if isinstance(error, OSError) else str(error)


def _checked(raw: bytes, most: int) -> list[Element]:
    """The statements of a delivery, without what alertd does not keep. Refused unless all of it can be used."""
    try:
        elements = parse(raw)
    except NotAPayloadError as error:
        raise _Refused(400, error.why, line=error.line) from None
    if len(elements) > most:
        raise _Refused(413, f"more than {most} children", children=len(elements))
    found = Cleaning()
    statements = [clean(element, f"[{number}]", found) for number, element in enumerate(elements)]
    if found.faults:
        shown = [{"at": each.at, "field": each.column, "why": each.why} for each in found.faults[:_FAULTS_SHOWN]]
        raise _Refused(400, "some elements cannot be used", elements=shown, of=len(found.faults))
    return [each for each in statements if each is not None]


def _writable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
