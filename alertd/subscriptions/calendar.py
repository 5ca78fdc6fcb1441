"""What is due as a calendar that other programs follow: RFC 5545, with RFC 7986's name and refresh interval. Pure.

Each alert is one event on the day it is due, and stays there: the day does not move because it was missed. A
calendar is looked at from today on, so what is overdue would be seen by nobody. One more event, always today's,
therefore says how many there are and lists them; repeating each of them every day would bury what is to come.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from icalendar import Calendar, Event
from icalendar.prop import vText

from alertd.calendars.clock import begin_of
from alertd.cases.records import local_day
from alertd.routing.markup import TURNING

REFRESH: Final = timedelta(hours=1)
_ALERTS: Final = UUID("8d0c6c52-58e5-4a51-9f6c-6f7e2b0d1a34")
"""The name space of the events' ids; drawn once, never to be changed."""


@dataclass(frozen=True, slots=True)
class Item:
    """One open alert with a date, as it may leave: no field for anything of the child but the reference.

    ``identity`` names the alert for ever. ``due`` is a day, or a moment with its zone. ``changes`` counts what
    happened to it so far, the latest at ``changed``. ``stage`` is one of alertd.db.tables.STAGES.
    """

    identity: tuple[str, str, str, str]
    title: str
    reference: str
    stage: str
    due: date | datetime
    clears: str
    law: str
    next_step: str
    changes: int
    changed: datetime

    @property
    def summary(self) -> str:
        """The line a calendar shows."""
        doubt = "Cannot tell: " if self.stage == "unknown" else ""
        return f"{doubt}{self.title} · {self.reference}"


def calendar_of(items: Sequence[Item], name: str, now: datetime, *, feed: str = "") -> bytes:
    """The calendar, the same bytes for the same items all day. ``now`` is timezone-aware; days are London's.

    ``name`` is what programs show; ``feed`` tells this calendar from others that one program may follow.
    """
    today = local_day(now)
    # When its content was made; not when it was fetched, or every answer would be another.
    made = max([begin_of(today), *(item.changed for item in items)])
    calendar = Calendar()
    calendar.add("prodid", "-//alertd//alertd//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for key in ("name", "x-wr-calname"):  # the library knows neither, and would escape nothing
        calendar.add(key, vText(_plain(name)))
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    ordered = sorted(items, key=lambda item: (begin_of(item.due), item.identity))
    for item in ordered:
        calendar.add_component(_event(item, made))
    overdue = [item for item in ordered if item.stage == "overdue"]
    if overdue:
        calendar.add_component(_overdue(overdue, feed, today, made))
    written: bytes = calendar.to_ical()
    return written


def _event(item: Item, made: datetime) -> Event:
    words = [
        f"Clears when: {item.clears}",
        f"Law: {item.law}",
        item.next_step,
    ]
    event = _bare("\x1f".join(item.identity), item.summary, "\n".join(filter(None, words)), made)
    _on(event, item.due)
    event.add("sequence", max(0, item.changes - 1))
    event.add("last-modified", item.changed.astimezone(UTC))
    event.add("categories", [item.stage.capitalize()])
    return event


def _overdue(items: Sequence[Item], feed: str, today: date, made: datetime) -> Event:
    lines = [f"{item.summary}, due {_day(item.due)}" for item in items]
    event = _bare(f"overdue|{feed}", f"{len(items)} overdue", "\n".join(lines), made)
    _on(event, today)
    event.add("sequence", int(made.timestamp()) - int(begin_of(date(2026, 1, 1)).timestamp()))
    event.add("last-modified", made)
    event.add("categories", ["Overdue"])
    return event


def _bare(id_: str, summary: str, description: str, made: datetime) -> Event:
    event = Event()
    event.add("uid", str(uuid5(_ALERTS, id_.encode(errors="backslashreplace").decode())))
    event.add("dtstamp", made.astimezone(UTC))
    event.add("summary", _plain(summary))
    event.add("description", _plain(description))
    event.add("class", "PRIVATE")
    event.add("transp", "TRANSPARENT")  # a duty fills no time of the day
    return event


def _on(event: Event, due: date | datetime) -> None:
    if isinstance(due, datetime):
        event.add("dtstart", due.astimezone(UTC))
    else:
        event.add("dtstart", due)
        event.add("dtend", due + timedelta(days=1))


def _day(due: date | datetime) -> str:
    day = local_day(due)
    return f"{day.day} {day:%b %Y}"


def _plain(text: str) -> str:
    """Without what RFC 5545 does not let a text hold, control characters other than the line break and halves of a
    character, and without what turns the direction of a line."""
    shown = TURNING.sub("", text)
    return "".join(c if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs") else " " for c in shown)
