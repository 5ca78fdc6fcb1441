"""``/ready``: whether the database answers, for whatever sends people here and could send them elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

WITHIN_SECONDS: Final = 2.0
"""How long the database may take: whoever waits for a page has given up after a few times that."""


class Ready:
    """Asks one question at a time, however many ask here: a database that hangs must not take all threads with it."""

    def __init__(self, answers: Callable[[], bool], within_seconds: float = WITHIN_SECONDS) -> None:
        self._answers, self._within = answers, within_seconds
        self._asked: asyncio.Task[bool] | None = None

    async def show(self, _: Request) -> Response:
        """200 where it answers in time, else 503."""
        if self._asked is None or self._asked.done():
            self._asked = asyncio.create_task(asyncio.to_thread(self._answers))
        asked = self._asked
        await asyncio.wait([asked], timeout=self._within)
        if asked.done() and asked.result():
            return PlainTextResponse("ready\n", headers={"cache-control": "no-store"})
        headers = {"cache-control": "no-store", "retry-after": "10"}
        return PlainTextResponse("the database does not answer\n", 503, headers=headers)
