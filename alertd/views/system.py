"""How alertd itself fares, as ``alertd status`` has it, for people who see no child for that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from alertd.bootstrap import House
from alertd.outbox.standing import ChannelStanding
from alertd.status import Status, status
from alertd.views.deliveries import RECEIPTS
from alertd.views.deliveries import STATES as DELIVERIES
from alertd.views.partners import STATES as NOTIFICATIONS

KEPT: Final = timedelta(seconds=30)
"""How long what was found is shown again: finding it plans everything that would be told now."""

_AT_WORK: Final[Mapping[str, str]] = {
    "evaluated": "A feed was read and used",
    "composed": "A message was made",
    "tried": "A message was tried",
}


@dataclass(frozen=True, slots=True)
class Waits:
    """One thing that waits for somebody: what it is, who must act, and what they do."""

    what: str
    who: str
    do: str


@dataclass(frozen=True, slots=True)
class Counted:
    """Figures of one sort: each in words, and how many."""

    name: str
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class System:
    """Everything on the page. ``at_work`` is when each part was last at work, None where never."""

    at: datetime
    waits: tuple[Waits, ...]
    feeds: tuple[str, ...]
    at_work: tuple[tuple[str, datetime | None], ...]
    channels: tuple[ChannelStanding, ...]
    counted: tuple[Counted, ...]
    nobody_to_tell: int
    leader: str
    epoch: str
    watchdog: str


def system(found: Status) -> System:
    """What a status says, without anything that is of one child."""
    return System(
        at=found.at,
        waits=tuple(Waits(one.without_details or one.what, one.who, one.do) for one in found.waits),
        feeds=tuple(found.feeds),
        at_work=tuple((words, found.at_work.get(what)) for what, words in _AT_WORK.items()),
        channels=tuple(found.channels),
        counted=tuple(
            one
            for one in (
                _counted("Messages", found.deliveries, DELIVERIES),
                _counted("Heard of messages in the last week", found.answers, RECEIPTS),
                _counted("Open alerts", found.alerts, {}),
                _counted("Of which nobody is told", found.muted, {}),
                _counted("What people said of alerts", found.handled, {}),
                _counted("Notifications to agencies", found.notifications, NOTIFICATIONS),
            )
            if one.counts
        ),
        nobody_to_tell=found.nobody_to_tell,
        leader=found.leader,
        epoch=found.epoch,
        watchdog=found.watchdog,
    )


def _counted(name: str, counts: Mapping[str, int], words: Mapping[str, str]) -> Counted:
    shown = [(words.get(what, what.replace("_", " ")), n) for what, n in counts.items() if n]
    return Counted(name, tuple(shown))


class LatestSystem:
    """How things stand, found anew when it is older than :data:`KEPT`: once, however many ask. Safe to be asked from
    many threads."""

    def __init__(self, find: Callable[[House], Status] = status) -> None:
        self._find, self._lock = find, Lock()
        self._latest: System | None = None

    def of(self, house: House) -> System:
        """How things stand."""
        with self._lock:
            if self._latest is None or not timedelta() <= house.clock() - self._latest.at < KEPT:
                self._latest = system(self._find(house))
            return self._latest
