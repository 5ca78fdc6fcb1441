"""One pass over the outbox: claim what is due, send it, store what became of it.

Channels do not wait for each other, and within a channel a slow recipient holds up one slot, not
the rest. A delivery is claimed only when it can start at once, so that a process that dies leaves
few behind whose fate is not known.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine

from alertd.faultpoints import point
from alertd.outbox import store
from alertd.outbox.channel import Letter, Message, Notifier, Outcome

LEASE = timedelta(minutes=20)
_ATTEMPT_SHARE = 0.8
"""A whole attempt may take this much of its lease; the rest is for storing the outcome."""

_POLL_SECONDS = 1.0
"""How often new mail is looked for while slots are free and others still send."""

_PAUSE = timedelta(minutes=1)


@dataclass(slots=True)
class Summary:
    """What one pass did: attempts by result, channels that stopped and why, and claims found abandoned.

    ``stale`` counts outcomes that could not be stored because another process had taken over, and
    ``taken_back`` the messages that must not go as they were, by why.
    """

    results: Counter[str] = field(default_factory=Counter)
    paused: dict[str, str] = field(default_factory=dict)
    recovered: int = 0
    stale: int = 0
    taken_back: Counter[str] = field(default_factory=Counter)


class _NotConfigured(Notifier):
    """Stands in for a channel that deliveries name and nobody configured."""

    def __init__(self, name: str) -> None:
        self.name = name

    def write(self, letter: Letter) -> bytes:
        raise NotImplementedError(f"no letter is written for {self.name}: {letter.id}")

    async def send(self, message: Message) -> Outcome:  # noqa: ARG002
        return await self.check()

    async def check(self) -> Outcome:
        return Outcome("later", f"no channel named {self.name} is configured: add it or correct its name", "channel")


@dataclass(slots=True)
class _Pass:
    engine: Engine
    clock: Callable[[], datetime]
    rng: random.Random
    stopping: asyncio.Event
    lease: timedelta
    limit: int
    concurrency: int
    why_not: Callable[[str], str]
    summary: Summary = field(default_factory=Summary)
    halted: bool = False

    async def serve(self, channel: str, notifier: Notifier) -> None:
        """Send a channel's due deliveries until none is left, ``limit`` is reached or it must stop."""
        sending: set[asyncio.Task[None]] = set()
        left, retries_first = self.limit, False
        try:
            while True:
                room = min(self.concurrency - len(sending), left) if self._may_start(channel) else 0
                if room:
                    claimed = await self._claim(channel, room, retries_first)
                    left, retries_first = left - len(claimed), not retries_first
                    sending |= {asyncio.create_task(self._attempt(notifier, one)) for one in claimed}
                if not sending:
                    return
                done, sending = await asyncio.wait(
                    sending, timeout=_POLL_SECONDS if room else None, return_when=asyncio.FIRST_COMPLETED
                )
                await asyncio.gather(*done)  # raises what they raised
        except asyncio.CancelledError:
            for task in sending:
                task.cancel()
            raise
        except Exception:
            self.halted = True  # outcomes cannot be stored: what is under way may end, nothing more may start
            raise
        finally:
            await asyncio.gather(*sending, return_exceptions=True)
            await notifier.close()

    def _may_start(self, channel: str) -> bool:
        return not (self.stopping.is_set() or self.halted or channel in self.summary.paused)

    async def _claim(self, channel: str, room: int, retries_first: bool) -> list[store.Claimed]:
        claimed = await asyncio.to_thread(
            store.claim,
            self.engine,
            self.clock(),
            room,
            self.lease,
            channel=channel,
            retries_first=retries_first,
        )
        if claimed:
            point("outbox.after_claim")
        return claimed

    async def _attempt(self, notifier: Notifier, claimed: store.Claimed) -> None:
        if why := await asyncio.to_thread(self.why_not, claimed.id):
            if await asyncio.to_thread(store.take_back, self.engine, claimed, why, self.clock()):
                self.summary.taken_back[why] += 1
            return
        outcome = await _send(notifier, claimed, self.lease * _ATTEMPT_SHARE)
        point("send.before_record")
        stored = await asyncio.to_thread(store.finish, self.engine, claimed, outcome, self.clock(), self.rng)
        point("send.after_record")
        self.summary.results[outcome.result] += 1
        self.summary.stale += not stored
        if outcome.scope == "channel" and claimed.channel not in self.summary.paused:
            self.summary.paused[claimed.channel] = outcome.reason
            until = self.clock() + _PAUSE
            await asyncio.to_thread(store.pause, self.engine, claimed.channel, until, outcome.reason)


async def dispatch_once(
    engine: Engine,
    notifiers: Mapping[str, Notifier],
    clock: Callable[[], datetime],
    rng: random.Random,
    *,
    why_not: Callable[[str], str] = lambda _: "",
    stopping: asyncio.Event | None = None,
    limit: int = 50,
    concurrency: int = 4,
    lease: timedelta = LEASE,
) -> Summary:
    """Send what is due, at most ``limit`` a channel and ``concurrency`` of a channel at a time.

    ``why_not`` is asked of each delivery, by its id, just before it is sent: a reason takes it back.
    Ends when nothing is due and nothing is under way. Once ``stopping`` is set, nothing more
    starts. When outcomes cannot be stored, nothing more starts and the database's error is raised.
    """
    run = _Pass(engine, clock, rng, stopping or asyncio.Event(), lease, limit, concurrency, why_not)
    run.summary.recovered = await asyncio.to_thread(store.recover, engine, clock(), rng)
    strays = await asyncio.to_thread(store.waiting_channels, engine) - set(notifiers)
    served = await asyncio.gather(
        *(run.serve(name, notifier) for name, notifier in notifiers.items()),
        *(run.serve(name, _NotConfigured(name)) for name in strays),
        return_exceptions=True,
    )
    for fault in served:
        if isinstance(fault, BaseException):
            raise fault
    return run.summary


async def _send(notifier: Notifier, claimed: store.Claimed, most: timedelta) -> Outcome:
    try:
        async with asyncio.timeout(most.total_seconds()) as deadline:
            again = claimed.unknown_attempts > 0
            return await notifier.send(Message(claimed.id, claimed.address, claimed.message, again))
    except Exception as fault:  # noqa: BLE001 - a channel's fault is this delivery's, not the pass's
        if deadline.expired():
            return Outcome("unknown", f"the attempt was cut off after {most}")
        # The exception's text may hold personal data; its type does not.
        return Outcome("later", f"the channel failed in a way it should not: {type(fault).__name__}")
