"""Whether work moves: each loop notes when it begins, gets further and ends, and one that should have by now is stuck.

A loop at work may take as long as it likes while it gets further; one at rest must begin again within its time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Final


@dataclass(frozen=True, slots=True)
class Bounds:
    """In seconds: how long a loop at work may go without getting further, and one at rest without beginning."""

    working: float
    resting: float


@dataclass(frozen=True, slots=True)
class Beat:
    """What a loop last noted: since when, whether it is at work, and whether its last round did its work."""

    since: float
    working: bool = False
    well: bool = True


def why_stuck(beat: Beat, bounds: Bounds, now: float) -> str:
    """Why a loop is stuck; blank where it is not. Pure."""
    quiet = now - beat.since
    if beat.working and quiet > bounds.working:
        return f"has got no further for {quiet / 60:.0f} minutes"
    if not beat.working and quiet > bounds.resting:
        return f"was not woken for {quiet / 60:.0f} minutes"
    return ""


class Pulse:
    """The loops of one daemon. Threads note in it, so it holds a lock; a loop it does not expect notes nothing."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now: Final = now
        self._bounds: dict[str, Bounds] = {}
        self._beats: dict[str, Beat] = {}
        self._lock = Lock()
        self.moves = 0
        """How often anything got further."""

    def expect(self, loop: str, bounds: Bounds) -> None:
        """Look after a loop from now on, or by other bounds than before."""
        with self._lock:
            self._bounds[loop] = bounds
            self._beats.setdefault(loop, Beat(self._now()))

    def begins(self, loop: str) -> None:
        """A loop sets to work."""
        self._note(loop, working=True)

    def further(self, loop: str) -> None:
        """Part of its work is done. Says nothing of a loop at rest: a command may do the same work."""
        with self._lock:
            if (beat := self._beats.get(loop)) and beat.working:
                self._beats[loop] = Beat(self._now(), working=True, well=beat.well)
                self.moves += 1

    def ends(self, loop: str, *, well: bool = True) -> None:
        """A loop went round; not ``well`` where it could not do its work, and will try again."""
        self._note(loop, working=False, well=well)

    def stuck(self) -> dict[str, str]:
        """The loops that are stuck, and why."""
        now = self._now()
        with self._lock:
            found = {loop: why_stuck(beat, self._bounds[loop], now) for loop, beat in self._beats.items()}
        return {loop: why for loop, why in found.items() if why}

    def failing(self) -> list[str]:
        """The loops whose last round could not do its work."""
        with self._lock:
            return [loop for loop, beat in self._beats.items() if not beat.well]

    def loops(self) -> list[str]:
        """All that are looked after."""
        with self._lock:
            return list(self._beats)

    def __str__(self) -> str:
        return ", ".join(self._said())

    def _said(self) -> Iterator[str]:
        now = self._now()
        with self._lock:
            beats = dict(self._beats)
        for loop, beat in beats.items():
            yield f"{loop} {'works' if beat.working else 'rests'} since {now - beat.since:.0f} s"

    def _note(self, loop: str, *, working: bool, well: bool | None = None) -> None:
        with self._lock:
            if (beat := self._beats.get(loop)) is None:
                return
            self._beats[loop] = Beat(self._now(), working, beat.well if well is None else well)
            self.moves += bool(well)
