"""``POST /callback/govuk-notify/<channel>``: what the other side of a channel says by itself of what it took.

Whether it is from the other side is the channel's to say. Whoever is believed is told to come again where the message
is still on its way; of a message that is not there it says the same as of one that is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alertd.bootstrap import House
from alertd.db.leading import alone
from alertd.errors import InputError
from alertd.outbox.channel import NotBelievedError, Notifier, Receipt
from alertd.receipts.called_back import take_called_back
from alertd.web.per_minute import PerMinute

PATH: Final = "/callback/govuk-notify/{channel}"
LONGEST: Final = 20_000
"""Bytes of a receipt: Notify's have some hundreds."""

_HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_AGAIN: Final = {"retry-after": "300"}


def routes(house: House, *, missed: PerMinute | None = None) -> list[Route]:
    """The address. ``missed`` limits what is not believed, of all together."""
    return [Route(PATH, _Callbacks(house, missed or PerMinute(60)).take, methods=["POST"])]


class _Callbacks:
    def __init__(self, house: House, missed: PerMinute) -> None:
        self._house, self._missed = house, missed

    async def take(self, request: Request) -> Response:
        """Take what was posted."""
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > LONGEST:
                return Response(status_code=413, headers=_HEADERS)
        name = request.path_params["channel"]
        return await run_in_threadpool(self._answer, name, dict(request.headers), bytes(body))

    def _answer(self, name: str, headers: Mapping[str, str], body: bytes) -> Response:
        house, now = self._house, self._house.clock()
        channel = house.notifiers.get(name)
        try:
            if not isinstance(channel, Notifier):
                raise NotBelievedError("there is no such channel")
            receipts = channel.called_back(headers, body)
        except NotBelievedError as refused:
            if not self._missed.allows("", now):
                return Response(status_code=429, headers=_HEADERS | {"retry-after": "60"})
            house.log.warning("callback_not_believed", channel=name if channel else "none of ours", why=refused.what)
            return Response(status_code=403, headers=_HEADERS)
        except InputError as unread:
            house.log.warning("callback_not_read", channel=name, why=unread.what)
            return Response(status_code=400, headers=_HEADERS)
        with Session(house.engine) as session, session.begin():
            alone(session)
            result = take_called_back(session, name, receipts, now)
        if result == "too_early":
            return Response(status_code=503, headers=_HEADERS | _AGAIN)
        if result == "taken":
            house.log.info("receipts", channel=name, called_back=True, **_kinds(receipts))
        return Response(status_code=204, headers=_HEADERS)


def _kinds(receipts: Sequence[Receipt]) -> dict[str, int]:
    return dict(sorted(Counter(str(one.kind) for one in receipts).items()))
