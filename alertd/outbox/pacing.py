"""How much of a channel may be on its way at once, and which destinations are left alone for a while.

Kept in memory only: after a restart every destination is tried again. Times are seconds of a clock that only goes
forward, passed in.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from alertd.outbox.channel import Outcome, Pace

SLOW: Final = 2.0
"""Seconds after which an attempt is taken to hang, so that it holds up its own destination and nobody else's."""

MOST_SLOW: Final = 4
"""Times the usual number that may be on the way in all, when most of them hang: each holds a connection."""

FAULTS: Final = 3
"""Faults of a destination one after another before it is left alone."""

REFUSALS: Final = 20
"""As many answers one after another that a message is to come later have the same effect. One mailbox that is full,
or greylisting, must not; a relay that allows so many a minute should."""

REST: Final = (60.0, 120.0, 240.0)
"""How long a destination is left alone, in seconds, the first time and after each probe that failed: what is due
goes within five minutes of its return."""


@dataclass(slots=True)
class _Destination:
    under_way: int = 0
    faults: int = 0
    refusals: int = 0
    rests: int = 0
    until: float = 0.0

    @property
    def resting(self) -> bool:
        return self.rests > 0


@dataclass(slots=True)
class Pacing:
    """What of one channel is on the way, and what it has learnt of its destinations."""

    pace: Pace
    _destinations: dict[str, _Destination] = field(default_factory=dict)
    _since: dict[str, float] = field(default_factory=dict)
    _started: deque[float] = field(default_factory=deque)

    def room(self, now: float) -> int:
        """How many more may start."""
        quick = sum(now - since < SLOW for since in self._since.values())
        room = min(self.pace.at_once - quick, self.pace.at_once * MOST_SLOW - len(self._since))
        if self.pace.per_minute is not None:
            while self._started and now - self._started[0] >= 60:
                self._started.popleft()
            room = min(room, self.pace.per_minute - len(self._started))
        return max(room, 0)

    def room_for(self, destination: str, now: float) -> int:
        """How many more may start to one destination: one probe where it has rested, none while it rests."""
        there = self._destinations.get(destination)
        if there is None:
            return self._most(destination)
        if not there.resting:
            return max(self._most(destination) - there.under_way, 0)
        return 1 if now >= there.until and not there.under_way else 0

    def full(self, now: float) -> frozenset[str]:
        """The destinations to which nothing may start now."""
        return frozenset(name for name in self._destinations if not self.room_for(name, now))

    def resting(self, now: float) -> frozenset[str]:
        """The destinations that are left alone."""
        return frozenset(name for name, there in self._destinations.items() if there.resting and now < there.until)

    def start(self, id_: str, destination: str, now: float) -> None:
        """An attempt begins."""
        self._destinations.setdefault(destination, _Destination()).under_way += 1
        self._since[id_] = now
        if self.pace.per_minute is not None:
            self._started.append(now)

    def end(self, id_: str, destination: str, outcome: Outcome | None, now: float) -> None:
        """An attempt ended; None where it said nothing of its destination, as one that was taken back."""
        there = self._destinations[destination]
        there.under_way -= 1
        self._since.pop(id_)
        if outcome is not None and outcome.scope != "channel":
            _learn(there, outcome, now)
        if not there.under_way and there == _Destination():
            del self._destinations[destination]

    def _most(self, destination: str) -> int:
        return self.pace.at_once_to_one if destination else self.pace.at_once


def _learn(there: _Destination, outcome: Outcome, now: float) -> None:
    if outcome.result in ("delivered", "refused") and outcome.scope == "message":
        there.faults = there.refusals = there.rests = 0
        there.until = 0.0
        return
    of_the_destination = outcome.scope == "destination" or outcome.result == "unknown"
    there.faults += of_the_destination
    there.refusals += not of_the_destination
    probe = there.resting
    if probe or there.faults >= FAULTS or there.refusals >= REFUSALS:
        if now < there.until:
            return  # it rests already; this one was on its way before
        asked = outcome.retry_after.total_seconds() if outcome.retry_after else 0.0
        rest = max(REST[min(there.rests, len(REST) - 1)], min(asked, REST[-1]))
        there.rests, there.until = there.rests + 1, now + rest
        there.faults = there.refusals = 0
