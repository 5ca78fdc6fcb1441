"""The directory as it is now: its files read again whenever they change, the feed's staff every quarter of an hour."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Final, Generic, TypeVar

from alertd.cases.sources.ssd_staff import StaffRows
from alertd.errors import InputError
from alertd.people.agencies import Agencies
from alertd.people.directory import Directory
from alertd.people.load_restrictions import strangers
from alertd.people.restrictions import Restriction

FEED_EVERY: Final = timedelta(minutes=15)
"""How often the feed is asked who works there: it is filled once a night, and a failed look is soon made again."""
PATIENCE: Final = timedelta(hours=2)
"""How long the feed's staff may be unreadable before it is told of: a nightly refresh lasts less (our estimate)."""
T = TypeVar("T")


class Watched(Generic[T]):
    """What some files say, read again when one of them changes. While they cannot be used the last good reading
    stands, and ``fault`` says what is wrong."""

    def __init__(self, files: Sequence[Path], read: Callable[[], T]) -> None:
        """Reads at once. Raises :class:`InputError` when there is no good reading to stand on."""
        self._files, self._read = files, read
        self._seen = self._stamps()
        self.value = read()
        self.fault = ""

    def refresh(self, *, anyway: bool = False) -> bool:
        """Whether there is a new reading. ``anyway``: though no file has changed."""
        stamps = self._stamps()
        if stamps == self._seen and not anyway:
            return False
        self._seen = stamps
        try:
            self.value, self.fault = self._read(), ""
        except InputError as error:
            self.fault = str(error)
            return False
        return True

    def _stamps(self) -> list[tuple[int, int] | None]:
        found: list[tuple[int, int] | None] = []
        for path in self._files:
            try:
                stat = path.stat()
            except OSError:
                found.append(None)
            else:
                found.append((stat.st_mtime_ns, stat.st_size))
        return found


class FeedStaff:
    """The staff of the feed, asked for at most every :data:`FEED_EVERY` by the clock passed in.

    A feed that cannot be read leaves what it said last; at first, that nothing is known of its staff. ``fault``
    says so once that has lasted for :data:`PATIENCE`, since the feed is emptied and filled again each night.
    """

    def __init__(self, read: Callable[[], StaffRows], clock: Callable[[], datetime]) -> None:
        self._read, self._clock = read, clock
        self._asked: datetime | None = None
        self._good = clock()
        self.value = StaffRows(was_read=False)
        self.fault = ""
        self.refresh()

    def refresh(self) -> bool:
        """Whether the feed says something new."""
        now = self._clock()
        if self._asked is not None and timedelta() <= now - self._asked < FEED_EVERY:
            return False
        self._asked = now
        before = self.value
        try:
            self.value, self.fault, self._good = self._read(), "", now
        except InputError as error:
            self.fault = f"the staff of the feed: {error}" if now - self._good >= PATIENCE else ""
        return self.value != before


class Staff:
    """The directory, fresh at every look: whoever leaves is gone at the next message.

    People, restrictions and agencies are watched apart, so that a fault in one file keeps no other from being
    heeded. ``fault`` says whatever is wrong now; ``directory`` stands.
    """

    def __init__(
        self,
        files: Sequence[Path],
        read: Callable[[], Directory],
        *,
        restrictions: Watched[Mapping[str, Restriction]] | None = None,
        agencies: Watched[Agencies] | None = None,
        feed: FeedStaff | None = None,
    ) -> None:
        """Reads at once. Raises :class:`InputError` when there is no good reading to stand on."""
        self._people = Watched(files, read)
        self._restrictions, self._agencies, self._feed = restrictions, agencies, feed
        self._one_at_a_time = Lock()
        self.directory = self._together()

    def refresh(self) -> Directory:
        """The directory as the files and the feed now are, or as they last could be read.

        Several threads ask. One that asks while another reads waits for it: what it got else would be the staff of
        before, and of two that read, the slower would put back what the other found changed.
        """
        with self._one_at_a_time:
            feed_changed = self._feed.refresh() if self._feed else False
            changed = self._people.refresh(anyway=feed_changed)
            for part in (self._restrictions, self._agencies):
                changed |= part.refresh() if part else False
            if changed:
                self.directory = self._together()
            return self.directory

    @property
    def fault(self) -> str:
        """What is wrong with the files or the feed, each fault with its place; blank when nothing is."""
        parts = (self._people, self._restrictions, self._agencies, self._feed)
        faults = [part.fault for part in parts if part and part.fault]
        faults += map(str, strangers(self.directory.restrictions, self.directory.people))
        return "; ".join(faults)

    def _together(self) -> Directory:
        more: dict[str, object] = {}
        if self._restrictions:
            more["restrictions"] = self._restrictions.value
        if self._agencies:
            more["agencies"] = self._agencies.value
        return replace(self._people.value, **more) if more else self._people.value  # type: ignore[arg-type]
