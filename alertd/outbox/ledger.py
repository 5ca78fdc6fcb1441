"""Keeps what is under way: outcomes are stored, leases are renewed, and what others left behind is found."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from alertd.outbox import store
from alertd.outbox.channel import Outcome

LEASE: Final = timedelta(minutes=4)
"""How long a claim is good for unless it is renewed: what a process that died had begun goes again within five
minutes."""

RENEWED: Final = timedelta(minutes=1)
"""How often the claims of attempts under way are renewed."""


class Ledger:
    """For one pass. Outcomes that come while others are being stored are stored together after them, in one
    transaction: to wait for the disk for each would take longer than sending.

    ``broken``: outcomes cannot be stored, so nothing more may be sent. ``recovered`` counts abandoned claims found.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], datetime],
        rng: random.Random,
        lease: timedelta,
        ask: Callable[[], bool],
    ) -> None:
        self.broken = False
        self.recovered = 0
        self._engine, self._clock, self._rng, self._lease, self._ask = engine, clock, rng, lease, ask
        self._waiting: list[tuple[store.Claimed, Outcome, asyncio.Future[bool]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._renewer: asyncio.Task[None] | None = None
        self._held: dict[str, store.Claimed] = {}

    async def __aenter__(self) -> Self:
        """Find what was left behind, and begin to renew."""
        await self._recover()
        self._renewer = asyncio.create_task(self._renew())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Store what waits, and renew no more."""
        assert self._renewer
        self._renewer.cancel()
        with suppress(asyncio.CancelledError):
            await self._renewer
        if self._writer:
            await self._writer

    def holds(self, claimed: store.Claimed) -> None:
        """An attempt is under way, and its claim is renewed from now on."""
        self._held[claimed.id] = claimed

    def lets_go(self, claimed: store.Claimed) -> None:
        """The attempt has ended."""
        self._held.pop(claimed.id, None)

    async def store(self, claimed: store.Claimed, outcome: Outcome) -> bool:
        """Store what became of an attempt. False where the claim was no longer ours. Raises what the
        database raised."""
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((claimed, outcome, stored))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await stored

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            outcomes = [(claimed, outcome) for claimed, outcome, _ in batch]
            try:
                ours = await asyncio.to_thread(store.finish, self._engine, outcomes, self._clock(), self._rng)
            except Exception as fault:  # noqa: BLE001 - whoever waits for it raises it
                self.broken = True
                for _, _, stored in batch:
                    if not stored.done():
                        stored.set_exception(fault)
            else:
                for claimed, _, stored in batch:
                    if not stored.done():
                        stored.set_result(claimed.id in ours)

    async def _renew(self) -> None:
        """Renew what is under way, and look for what others left behind. A database that fails here fails at the next
        outcome too, which is where it is said."""
        while True:
            await asyncio.sleep(RENEWED.total_seconds())
            held = list(self._held.values())
            with suppress(SQLAlchemyError):
                await asyncio.to_thread(store.renew, self._engine, held, self._clock() + self._lease)
                await self._recover()

    async def _recover(self) -> None:
        """Ask what time it is, and by that whose claims have ended. Its own go on, whatever a clock says."""
        if await asyncio.to_thread(self._ask):
            held = list(self._held)
            self.recovered += await asyncio.to_thread(
                store.recover, self._engine, self._clock(), self._rng, besides=held
            )
