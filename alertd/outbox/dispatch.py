"""One pass over the outbox: claim what is due, look once more, send it, store what became of it.

Channels do not wait for each other, and within a channel a destination that hangs holds up its own messages and no
others. A delivery is claimed only when it can start at once, so that a process that dies leaves few behind whose
fate is not known.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from time import monotonic

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from alertd.faultpoints import point
from alertd.outbox import store
from alertd.outbox.channel import Letter, Message, Notifier, Outcome
from alertd.outbox.ledger import LEASE, Ledger
from alertd.outbox.pacing import Pacing

LONGEST_ATTEMPT = timedelta(minutes=20)
"""A whole attempt takes no longer. RFC 5321, 4.5.3.2 lets a relay take ten minutes for the answer alone."""

_POLL_SECONDS = 1.0
"""How often new mail is looked for while others still send: what is urgent starts within that."""

_GATHER_SECONDS = 0.02
"""How long a few free slots wait for more of them to be free: to claim one by one takes the disk a turn for each."""

_PAUSE = timedelta(minutes=1)

Paces = dict[str, Pacing]
"""What is known of the pace of each channel, by its name; kept between passes."""

Ended = Callable[[store.Claimed, Outcome, float], None]
"""Hears of each attempt as it ends, and how many seconds it took. It must not fail."""

WhyNot = Callable[[Sequence[str]], Mapping[str, str]]
"""Why deliveries must not go as they are, by id; those that may are left out."""


@dataclass(slots=True)
class Summary:
    """What one pass did: attempts by result, channels that stopped and why, and claims found abandoned.

    ``stale`` counts outcomes that could not be stored because another process had taken over, and
    ``taken_back`` the messages that must not go as they were, by why. ``answered`` are the channels that took a
    message, or said what they think of one.
    """

    results: Counter[str] = field(default_factory=Counter)
    paused: dict[str, str] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
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
    stopping: asyncio.Event
    lease: timedelta
    paces: Paces
    why_not: WhyNot
    ledger: Ledger
    ended: Ended
    summary: Summary = field(default_factory=Summary)

    async def serve(self, channel: str, notifier: Notifier, limit: int | None) -> None:
        """Send a channel's due deliveries until none is left, ``limit`` is reached or it must stop."""
        pacing = self.paces.setdefault(channel, Pacing(notifier.pace))
        queue = _Queue(self.engine, channel, self.clock)
        sending: set[asyncio.Task[None]] = set()
        quiet = True
        try:
            while True:
                room = pacing.room(monotonic()) if self._may_start(channel) else 0
                room = room if limit is None else min(room, limit)
                gathers = bool(sending) and 0 < 2 * room < notifier.pace.at_once and not quiet
                if room and not gathers:
                    ids = await queue.take(pacing, room)
                    begun = await self._begin(ids, notifier, pacing)
                    limit = limit if limit is None else limit - len(begun)
                    sending |= begun
                    if ids and not sending:
                        continue  # none of these may go, or another took them; others may be due
                if not sending:
                    return
                patience = _GATHER_SECONDS if gathers else _POLL_SECONDS
                done, sending = await asyncio.wait(sending, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                quiet = not done
                await asyncio.gather(*done)  # raises what they raised
        except asyncio.CancelledError:
            for task in sending:
                task.cancel()
            raise
        except Exception:
            self.ledger.broken = True  # what is under way may end, nothing more may start
            raise
        finally:
            await asyncio.gather(*sending, return_exceptions=True)
            await notifier.close()

    def _may_start(self, channel: str) -> bool:
        return not (self.stopping.is_set() or self.ledger.broken or channel in self.summary.paused)

    async def _begin(self, ids: Sequence[str], notifier: Notifier, pacing: Pacing) -> set[asyncio.Task[None]]:
        """Take what can start at once, take back what must not go, and start the rest."""
        if not ids:
            return set()
        good_until = monotonic() + self.lease.total_seconds()
        claimed = await asyncio.to_thread(store.claim, self.engine, self.clock(), ids, self.lease)
        if claimed:
            point("outbox.after_claim")
        going = await self._looked_at(claimed)
        for one in going:
            self.ledger.holds(one)
            pacing.start(one.id, one.destination, monotonic())
        return {asyncio.create_task(self._attempt(notifier, pacing, one, good_until)) for one in going}

    async def _looked_at(self, claimed: Sequence[store.Claimed]) -> list[store.Claimed]:
        """The last look at what is claimed: what may go. A look that fails sends nothing."""
        try:
            why_not = await asyncio.to_thread(self.why_not, [one.id for one in claimed]) if claimed else {}
        except DBAPIError:
            await self._put_off(claimed, "the database failed at the last look before sending")
            raise
        except Exception as fault:  # noqa: BLE001 - one delivery's fault must not hold up the others
            if len(claimed) > 1:
                return [one for each in claimed for one in await self._looked_at([each])]
            await self._put_off(claimed, f"the last look before sending failed: {type(fault).__name__}")
            return []
        for one in claimed:
            if why := why_not.get(one.id):
                ours = await asyncio.to_thread(store.take_back, self.engine, one, why, self.clock())
                self.summary.taken_back[why] += ours
        return [one for one in claimed if not why_not.get(one.id)]

    async def _put_off(self, claimed: Sequence[store.Claimed], why: str) -> None:
        for one in claimed:
            await self.ledger.store(one, Outcome("later", f"not sent: {why}"))
            self.summary.results["later"] += 1

    async def _attempt(self, notifier: Notifier, pacing: Pacing, claimed: store.Claimed, good_until: float) -> None:
        """Send, if the claim is still good: a process that was stopped may wake long after, when another has sent it.

        In the middle of an attempt it is not asked again. A claim is renewed while its attempt runs, and one that
        was lost all the same counts as an attempt whose answer was lost, so the copy it may cost is one of those.
        """
        heard: Outcome | None = None
        began = monotonic()
        try:
            if began < good_until:
                outcome = heard = await _send(notifier, claimed)
            else:
                outcome = Outcome("later", "not sent: this process was stopped for longer than its claim is good for")
            point("send.before_record")
            stored = await self.ledger.store(claimed, outcome)
            point("send.after_record")
        finally:
            self.ledger.lets_go(claimed)
            pacing.end(claimed.id, claimed.destination, heard, monotonic())
        self.ended(claimed, outcome, monotonic() - began)
        self.summary.results[outcome.result] += 1
        self.summary.stale += not stored
        if outcome.result in ("delivered", "refused") and outcome.scope != "channel":
            self.summary.answered.add(claimed.channel)
        if outcome.scope == "channel" and claimed.channel not in self.summary.paused:
            self.summary.paused[claimed.channel] = outcome.reason
            until = self.clock() + max(_PAUSE, min(outcome.retry_after or _PAUSE, store.LONGEST_ASKED))
            await asyncio.to_thread(store.pause, self.engine, claimed.channel, until, outcome.reason)


class _Queue:
    """What of a channel is due: looked up many at a time and anew each second, so that what is urgent does not wait.

    It is kept by destination, so that a long backlog of one costs the others nothing.
    """

    def __init__(self, engine: Engine, channel: str, clock: Callable[[], datetime]) -> None:
        self._engine, self._channel, self._clock = engine, channel, clock
        self._due: dict[str, deque[tuple[int, str]]] = {}
        self._found = 0
        self._all_but: frozenset[str] | None = None
        """All that is due was found, but what is for these; None where there is more."""
        self._looked = monotonic()

    async def take(self, pacing: Pacing, room: int) -> list[str]:
        """The ids of the next ones, at most ``room``, to whose destinations something may start."""
        now = monotonic()
        if now - self._looked >= _POLL_SECONDS:
            self._looked, self._due, self._all_but = now, {}, None
        may: dict[str, int] = {}
        taken: list[str] = []
        while True:
            may = {name: pacing.room_for(name, now) for name in self._due} | may
            taken += self._next(room - len(taken), may)
            full = pacing.resting(now) | {name for name, left in may.items() if not left}
            if len(taken) == room or (self._all_but is not None and self._all_but <= full):
                return taken
            await self._look(full, taken)

    async def _look(self, full: frozenset[str], taken: Collection[str]) -> None:
        """Find more of what is due, to other destinations than these, beside what is taken already."""
        most = store.DUE_AT_ONCE
        found = await asyncio.to_thread(
            store.due, self._engine, self._clock(), self._channel, limit=most, leave_out=full
        )
        if len(found) < most:
            self._all_but = full
        for n, one in enumerate((one for one in found if one.id not in taken), self._found):
            self._due.setdefault(one.destination, deque()).append((n, one.id))
        self._found += len(found)

    def _next(self, room: int, may: dict[str, int]) -> list[str]:
        """Take from the queue, in its order; ``may`` is how many more may start to each destination."""
        heads = [(due[0], name) for name, due in self._due.items() if may[name]]
        heapify(heads)
        taken: list[str] = []
        while heads and len(taken) < room:
            (_, id_), name = heappop(heads)
            taken.append(id_)
            may[name] -= 1
            self._due[name].popleft()
            if not self._due[name]:
                del self._due[name]
            elif may[name]:
                heappush(heads, (self._due[name][0], name))
        return taken


async def dispatch_once(
    engine: Engine,
    notifiers: Mapping[str, Notifier],
    clock: Callable[[], datetime],
    rng: random.Random,
    *,
    ask: Callable[[], bool] = lambda: True,
    why_not: WhyNot = lambda _: {},
    ended: Ended = lambda _claimed, _outcome, _seconds: None,
    stopping: asyncio.Event | None = None,
    limit: int | None = None,
    paces: Paces | None = None,
    lease: timedelta = LEASE,
) -> Summary:
    """Send what is due, at most ``limit`` a channel, each channel at its own pace.

    ``ask`` sets ``clock`` by what all hosts share, and says whether what others wrote can be judged by it.
    ``why_not`` is asked of deliveries, by their ids, just before they are sent: a reason takes one back.
    ``ended`` hears of each attempt.
    Ends when nothing is due and nothing is under way. Once ``stopping`` is set, nothing more
    starts. When outcomes cannot be stored, nothing more starts and the database's error is raised.
    """
    ledger = Ledger(engine, clock, rng, lease, ask)
    run = _Pass(
        engine, clock, stopping or asyncio.Event(), lease, {} if paces is None else paces, why_not, ledger, ended
    )
    async with ledger:
        strays = await asyncio.to_thread(store.waiting_channels, engine) - set(notifiers)
        served = await asyncio.gather(
            *(run.serve(name, notifier, limit) for name, notifier in notifiers.items()),
            *(run.serve(name, _NotConfigured(name), limit) for name in strays),
            return_exceptions=True,
        )
    run.summary.recovered = ledger.recovered
    for fault in served:
        if isinstance(fault, BaseException):
            raise fault
    return run.summary


async def _send(notifier: Notifier, claimed: store.Claimed) -> Outcome:
    again = claimed.unknown_attempts > 0
    try:
        async with asyncio.timeout(LONGEST_ATTEMPT.total_seconds()) as deadline:
            return await notifier.send(Message(claimed.id, claimed.address, claimed.message, again))
    except Exception as fault:  # noqa: BLE001 - a channel's fault is this delivery's, not the pass's
        if deadline.expired():
            return Outcome("unknown", f"the attempt was cut off after {LONGEST_ATTEMPT}")
        # The exception's text may hold personal data; its type does not. How far it had come, nobody knows.
        return Outcome("unknown", f"the channel failed in a way it should not: {type(fault).__name__}")
