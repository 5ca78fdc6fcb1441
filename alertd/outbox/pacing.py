"""How much of a channel may be on its way at once, and which destinations are left alone for a while.

Kept in memory only: after a restart every destination is tried again, and what a relay allows is learnt again. Times
are seconds of a clock that only goes forward, passed in.
"""

from __future__ import annotations

import math
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

BEGINNING: Final = 2
"""Messages on the way at once to a destination of which nothing is known yet; each that arrives allows one more. So one
that hangs from the start holds up next to nothing."""

IN_A_ROW: Final = 5
"""Messages that are to come later, whatever their destination and none taken in between, after which the relay is
taken to allow only as many a minute as it took in the last one. Where it took none it is no such limit."""

FASTER: Final = 1.25
"""By which what a relay is taken to allow grows with each minute in which it does not say so again."""

FORGOTTEN: Final = 60
"""Minutes after which a limit that was not met again is none."""

REST: Final = (60.0, 120.0, 240.0)
"""How long a destination or a whole channel is left alone, in seconds, the first time and after each probe that failed:
what is due goes within five minutes of its return."""


@dataclass(slots=True)
class _Destination:
    under_way: int = 0
    may: int = BEGINNING
    faults: int = 0
    refusals: int = 0
    rests: int = 0
    until: float = 0.0

    @property
    def resting(self) -> bool:
        return self.rests > 0


@dataclass(slots=True)
class _Rate:
    """What a relay allows a minute, learnt from its putting off message after message when it had taken so many."""

    in_a_row: int = 0
    learnt: float = math.inf
    at: float = 0.0

    def most(self, now: float) -> float:
        """Messages a minute by now."""
        minutes = (now - self.at) / 60
        return self.learnt * FASTER**minutes if minutes < FORGOTTEN else math.inf

    def hear(self, outcome: Outcome, taken: int, now: float) -> None:
        """Learn from one answer; ``taken`` is how many were taken in the last minute."""
        put_off = outcome.result == "later" and outcome.scope == "message"
        self.in_a_row = self.in_a_row + 1 if put_off else 0
        if self.in_a_row >= IN_A_ROW:
            self.learnt, self.at = float(taken) or math.inf, now


@dataclass(slots=True)
class _Whole:
    """A channel whose last fault was of all of it, as a password that is not accepted. It is tried with one message at
    a time, and less and less often: who tries a wrong password twenty times a minute has the account locked."""

    rests: int = 0
    until: float = 0.0
    probe: str | None = None

    def room(self, now: float) -> float:
        """How many more may start, as far as this is concerned."""
        if not self.rests:
            return math.inf
        return int(now >= self.until and self.probe is None)

    def hear(self, outcome: Outcome, now: float) -> None:
        """Rest, or not any more."""
        if outcome.scope != "channel":
            self.rests = self.rests if outcome.result == "later" else 0
        elif now >= self.until:
            asked = outcome.retry_after.total_seconds() if outcome.retry_after else 0.0
            self.until = now + max(REST[min(self.rests, len(REST) - 1)], min(asked, REST[-1]))
            self.rests += 1


@dataclass(slots=True)
class Pacing:
    """What of one channel is on the way, and what it has learnt of its relay and its destinations."""

    pace: Pace
    _destinations: dict[str, _Destination] = field(default_factory=dict)
    _since: dict[str, float] = field(default_factory=dict)
    _started: deque[float] = field(default_factory=deque)
    _taken: deque[float] = field(default_factory=deque)
    _rate: _Rate = field(default_factory=_Rate)
    _whole: _Whole = field(default_factory=_Whole)

    def room(self, now: float) -> int:
        """How many more may start."""
        quick = sum(now - since < SLOW for since in self._since.values())
        room = min(self.pace.at_once - quick, self.pace.at_once * MOST_SLOW - len(self._since))
        room = int(min(room, self._whole.room(now)))
        a_minute = min(self.pace.per_minute or math.inf, self._rate.most(now))
        if a_minute < math.inf:
            room = min(room, int(a_minute) - _of_the_last_minute(self._started, now))
        return max(room, 0)

    def room_for(self, destination: str, now: float) -> int:
        """How many more may start to one destination: one probe where it has rested, none while it rests."""
        there = self._destinations.get(destination)
        if there is None or not there.resting:
            may, under_way = (there.may, there.under_way) if there else (BEGINNING, 0)
            return max(min(may, self.pace.at_once_to_one) - under_way, 0) if destination else self.pace.at_once
        return 1 if now >= there.until and not there.under_way else 0

    def resting(self, now: float) -> frozenset[str]:
        """The destinations that are left alone."""
        return frozenset(name for name, there in self._destinations.items() if there.resting and now < there.until)

    def start(self, id_: str, destination: str, now: float) -> None:
        """An attempt begins."""
        self._destinations.setdefault(destination, _Destination()).under_way += 1
        self._since[id_] = now
        self._started.append(now)
        self._whole.probe = id_ if self._whole.rests else None
        _of_the_last_minute(self._started, now)

    def end(self, id_: str, destination: str, outcome: Outcome | None, now: float) -> None:
        """An attempt ended; None where it said nothing of its destination, as one that was taken back."""
        there = self._destinations[destination]
        there.under_way -= 1
        self._since.pop(id_)
        if self._whole.probe == id_:
            self._whole.probe = None
        if outcome is not None:
            self._whole.hear(outcome, now)
        if outcome is not None and outcome.scope != "channel":
            if outcome.result == "delivered":
                self._taken.append(now)
            self._rate.hear(outcome, _of_the_last_minute(self._taken, now), now)
            _learn(there, outcome, now)


def _of_the_last_minute(moments: deque[float], now: float) -> int:
    """How many; the others are forgotten."""
    while moments and now - moments[0] >= 60:
        moments.popleft()
    return len(moments)


def _learn(there: _Destination, outcome: Outcome, now: float) -> None:
    if outcome.result in ("delivered", "refused") and outcome.scope == "message":
        there.faults = there.refusals = there.rests = 0
        there.until, there.may = 0.0, there.may + 1
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
        there.may = BEGINNING
