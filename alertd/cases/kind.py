"""What a kind of record is: its fields as rule writers see them, and which feeds can hold them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

FieldType = Literal["date", "moment", "yes/no", "text", "number"]

FeedCode = Literal["ssd", "annex_a", "cin", "903", "api", "extra"]
FEEDS: Final[dict[FeedCode, str]] = {
    "ssd": "Standard Safeguarding Dataset",
    "annex_a": "Annex A lists",
    "cin": "CIN census",
    "903": "SSDA903 return",
    "api": "CSC API payload",
    "extra": "the authority's own lists (CSV or a query of its own)",
}
"""Where records can come from. ``extra`` is what no national dataset holds: each authority gives it itself."""

EXTRA: Final[tuple[FeedCode, ...]] = ("extra",)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind: its name, type and meaning, as rule writers see it. ``links`` is the kind
    of which it holds a key. ``feeds`` are those that can hold it, where that is not all that can
    hold the kind."""

    name: str
    type: FieldType
    meaning: str
    links: str | None = None
    feeds: tuple[FeedCode, ...] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record.

    ``begins`` is the field that places a record in time. ``ends`` is the field that closes a
    state (blank: still open); an event has none. ``bounds`` says that when the state ends, the
    clocks it started end with it: a care period does that, a section 47 enquiry does not. Every
    clock ends when the child dies, but for kinds that ``outlive`` the child: a serious incident.
    ``feeds`` are those that can hold it at all.
    """

    name: str
    title: str
    fields: tuple[Field, ...]
    begins: str
    ends: str | None = None
    bounds: bool = False
    feeds: tuple[FeedCode, ...] = EXTRA
    outlives: bool = False

    def field(self, name: str) -> Field | None:
        """The field of that name, or None."""
        return next((f for f in self.fields if f.name == name), None)

    def feeds_of(self, name: str) -> tuple[FeedCode, ...]:
        """The feeds that can hold one of its fields."""
        field = self.field(name)
        return field.feeds if field and field.feeds is not None else self.feeds


def event(
    name: str,
    title: str,
    *fields: Field,
    feeds: tuple[FeedCode, ...] = EXTRA,
    when: str = "the day it happened",
    type_: FieldType = "date",
    outlives: bool = False,
) -> Kind:
    """A kind that happens on a day (or at a moment) and has no end: a visit, a review."""
    return Kind(name, title, (Field("happened", type_, when), *fields), "happened", feeds=feeds, outlives=outlives)


def state(
    name: str,
    title: str,
    *fields: Field,
    feeds: tuple[FeedCode, ...] = EXTRA,
    bounds: bool = False,
    type_: FieldType = "date",
    outlives: bool = False,
    start_in: tuple[FeedCode, ...] | None = None,
    end_in: tuple[FeedCode, ...] | None = None,
) -> Kind:
    """A kind that lasts: it has a start, and an end once it is over. ``start_in`` and ``end_in`` are the
    feeds that can hold these, where that is not all that can hold the kind."""
    ends = (
        Field("start", type_, "the day it began", feeds=start_in),
        Field("end", type_, "the day it ended; blank while open", feeds=end_in),
    )
    return Kind(name, title, (*ends, *fields), "start", "end", bounds, feeds, outlives)


SSD_ONLY: Final[tuple[FeedCode, ...]] = ("ssd", "extra")


def seen(in_: tuple[FeedCode, ...] | None = None, alone_in: tuple[FeedCode, ...] | None = None) -> tuple[Field, Field]:
    """What every visit says of the child, and the feeds that can hold it where not all that hold the visit do."""
    return (
        Field("child_seen", "yes/no", "the child was seen", feeds=in_),
        Field("seen_alone", "yes/no", "the child was seen alone", feeds=alone_in),
    )


def booked(*feeds: FeedCode) -> Field:
    """The day set for a meeting, and the feeds that can hold it."""
    return Field("due_on", "date", "the date booked or set for it, when that is recorded", feeds=feeds)


RECORDED: Final = Field("recorded", "date", "the day it was entered on the child's record", feeds=EXTRA)
"""When it was typed in, which is later than when it happened."""
