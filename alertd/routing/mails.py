"""What goes into a mail and comes out for its template: plain shapes, without any deciding."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from alertd.alerts.lifecycle import Reason
from alertd.cases.holding import Holding
from alertd.engine.findings import Finding
from alertd.routing.disclosure import InternalLine
from alertd.rulebook.model import Rule


@dataclass(frozen=True, slots=True)
class DigestItem:
    """One open alert as it concerns one recipient. ``role`` is what they are told as, ``how`` why
    it is they (:attr:`Resolved.how`), ``is_new`` that it changed since they were last told, ``change``
    in which way, and ``late`` that they should have heard before. ``stands_for`` are titles of lesser
    alerts it speaks for; ``handled`` what somebody has said of it; ``household`` the family; ``page`` the address
    of its page, blank where the reader has none."""

    alert_id: int
    finding: Finding
    rule: Rule
    holding: Holding
    role: str
    how: str
    is_new: bool
    next_step: str
    late: bool = False
    stands_for: tuple[str, ...] = ()
    household: str | None = None
    change: str = ""
    handled: tuple[str, ...] = ()
    page: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """Something to press: its words and where it leads."""

    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail in both forms. ``preview`` is what a phone shows beside the subject."""

    subject: str
    preview: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class ClearedItem:
    """One alert this person was told of that closed since: the all clear."""

    finding: Finding
    rule: Rule
    closed_as: Reason


@dataclass(frozen=True, slots=True)
class Change:
    """One line of what changed: of which child, which rule, and how."""

    reference: str
    title: str
    what: str


@dataclass(frozen=True, slots=True)
class Child:
    """The lines about one child, most urgent first; ``held_by`` for a reader who does not have the child."""

    reference: str
    held_by: str
    lines: tuple[InternalLine, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """Children of one household, the one with the most urgent line first; most often one child."""

    children: tuple[Child, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under one heading. ``tone`` is the stage that colours it; ``brief`` lines leave the counting and
    the law to the one who has the child. Beyond what one mail shows, ``rest`` names what is new in a line each,
    and ``more`` were named in an earlier mail."""

    heading: str
    tone: str
    families: tuple[Family, ...]
    more: int
    brief: bool
    rest: tuple[Change, ...] = ()

    @property
    def lines(self) -> tuple[InternalLine, ...]:
        """All its lines, in order."""
        return tuple(line for family in self.families for child in family.children for line in child.lines)


@dataclass(frozen=True, slots=True)
class LoadRow:
    """How many open alerts one worker has, by stage."""

    who: str
    overdue: int
    due: int
    upcoming: int
    unknown: int


@dataclass(frozen=True, slots=True)
class CauseGroup:
    """What cannot be measured for one cause: how many, of which rules, and where to look."""

    heading: str
    meaning: str
    count: int
    rules: tuple[tuple[str, int], ...]
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest ready to render. ``changes`` and ``clears`` come first, with how many more there are;
    ``over`` names whose load is above what one mail shows; ``why_you`` says as whom the reader is told,
    with counts. ``links`` lead to the reader's own page, where they have one. ``rows`` are the references and places in
    the feed it may name, ``today`` its day: these two are for checking what was rendered. ``named`` are the alerts it
    names. No template is given these three."""

    subject: str
    preview: str
    changes: tuple[Change, ...]
    changes_more: int
    clears: tuple[Change, ...]
    clears_more: int
    sections: tuple[Section, ...]
    load: tuple[LoadRow, ...]
    load_more: int
    over: tuple[str, ...]
    causes: tuple[CauseGroup, ...]
    new: int
    cleared: int
    snoozed: int
    why_you: tuple[str, ...]
    rows: frozenset[str]
    today: date
    links: tuple[Link, ...] = ()
    named: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Urgent:
    """One alert that does not wait for the digest. ``rows`` and ``today`` as in :class:`Digest`."""

    subject: str
    preview: str
    line: InternalLine
    purpose: str
    why_you: str
    rows: frozenset[str]
    today: date


@dataclass(frozen=True, slots=True)
class Page:
    """A mail of paragraphs, for a partner agency, an operator or a subscriber; every text is finished.

    ``facts`` are (label, text); ``lines`` a list below them; ``links`` what the reader may press; ``closing`` the
    small print. ``rows`` are references that may look personal and are not; ``today`` is its day.
    """

    subject: str
    preview: str
    opening: tuple[str, ...]
    today: date
    facts: tuple[tuple[str, str], ...] = ()
    lines: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    closing: tuple[str, ...] = ()
    rows: frozenset[str] = frozenset()
