"""Records: what a feed says about a child, typed once, at the door.

A :class:`Record` is one fact row of a *kind* (:data:`KINDS`). Every value a rule may compare is
typed here; a value that cannot be read as its field's type becomes a :class:`Doubt` and never
reaches the engine. Days are ``date``; moments are timezone-aware ``datetime``, or a ``date``
where the feed holds no time of day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Final, Literal
from zoneinfo import ZoneInfo

LONDON: Final = ZoneInfo("Europe/London")

FieldType = Literal["date", "moment", "yes/no", "text", "number"]
DoubtCause = Literal["unreadable", "conflict", "window"]
Value = date | datetime | bool | int | str


def local_day(value: date | datetime) -> date:
    """The calendar day in Europe/London on which a day or moment falls."""
    return value.astimezone(LONDON).date() if isinstance(value, datetime) else value


def in_words(value: date | datetime) -> str:
    """A day as ``Tue 24 Nov 2026``; a moment with its London time, ``Tue 24 Nov 2026 16:05``."""
    if isinstance(value, datetime):
        return f"{value.astimezone(LONDON):%a %-d %b %Y %H:%M}"
    return f"{value:%a %-d %b %Y}"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind: its name, type and meaning, as rule writers see it. ``links`` is the kind
    of which it holds a key."""

    name: str
    type: FieldType
    meaning: str
    links: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record.

    ``begins`` is the field that places a record in time. ``ends`` is the field that closes a
    state (blank: still open); an event has none. ``bounds`` says that when the state ends, the
    clocks it started end with it: a care period does that, a section 47 enquiry does not.
    """

    name: str
    title: str
    fields: tuple[Field, ...]
    begins: str
    ends: str | None = None
    bounds: bool = False

    def field(self, name: str) -> Field | None:
        """The field of that name, or None."""
        return next((f for f in self.fields if f.name == name), None)


def _event(name: str, title: str, *fields: Field, when: str = "the day it happened") -> Kind:
    return Kind(name, title, (Field("happened", "date", when), *fields), "happened")


def _state(name: str, title: str, *fields: Field, bounds: bool = False, type_: FieldType = "date") -> Kind:
    ends = (Field("start", type_, "the day it began"), Field("end", type_, "the day it ended; blank while open"))
    return Kind(name, title, (*ends, *fields), "start", "end", bounds)


_SEEN = (
    Field("child_seen", "yes/no", "the child was seen"),
    Field("seen_alone", "yes/no", "the child was seen alone"),
)
_BOOKED = Field("due_on", "date", "the date booked or set for it, when that is recorded")
_HEALTH_TYPES = "initial, review, dental or other"

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind(
                "child",
                "The child",
                (
                    Field("born", "date", "date of birth; blank before birth"),
                    Field("expected", "date", "expected date of delivery of an unborn child"),
                    Field("died", "date", "date of death"),
                ),
                "born",
                "died",
            ),
            _state(
                "referral",
                "Referral to children's social care",
                Field("nfa", "yes/no", "closed with no further action"),
                bounds=True,
            ),
            _event(
                "referral_decision",
                "Decision on a referral",
                Field("referral", "text", "the referral's key", links="referral"),
            ),
            _state(
                "assessment",
                "Child and family assessment",
                Field("authorised", "date", "the day a manager authorised it"),
                Field("referral", "text", "the referral's key", links="referral"),
                Field("child_seen", "yes/no", "the child was seen during the assessment"),
                Field("outcome", "text", "services, nfa or other"),
            ),
            _state(
                "s47",
                "Section 47 enquiry, from the strategy discussion that opened it",
                Field("referral", "text", "the referral's key", links="referral"),
                Field("outcome", "text", "open, conference or no_conference"),
            ),
            _event(
                "icpc",
                "Initial child protection conference",
                Field("s47", "text", "the section 47 enquiry's key", links="s47"),
                Field("transfer_in", "yes/no", "a transfer-in conference"),
                _BOOKED,
            ),
            _state(
                "cp_plan",
                "Child protection plan",
                Field("conference", "date", "the day of the initial conference, when linked"),
                Field("other_authority", "yes/no", "the plan is another authority's"),
                bounds=True,
            ),
            _event("core_group", "Core group meeting"),
            _event("cp_review", "Child protection review conference", _BOOKED, Field("quorate", "yes/no", "quorate")),
            _event(
                "cp_visit",
                "Child protection visit",
                *_SEEN,
                Field("bedroom_seen", "yes/no", "the child's bedroom was seen"),
            ),
            _state(
                "cin_plan",
                "Child in need plan",
                Field("referral", "text", "the referral's key", links="referral"),
                bounds=True,
            ),
            _event("cin_visit", "Child in need visit", *_SEEN),
            _event("cin_review", "Child in need review"),
            _state(
                "care_period",
                "Period of being looked after, from entering care to leaving it",
                Field("referral", "text", "the referral's key", links="referral"),
                bounds=True,
            ),
            _state(
                "placement",
                "Placement of a looked-after child",
                Field("type", "text", "placement type code"),
                Field("change_reason", "text", "why it ended, as coded"),
                bounds=True,
            ),
            _state("legal_status", "Legal status of a looked-after child", Field("status", "text", "code, as C2")),
            _state("care_plan", "Care plan of a looked-after child"),
            _event(
                "placement_plan",
                "Placement plan agreed",
                Field("placement", "text", "the placement's key", links="placement"),
            ),
            _event("cla_review", "Looked-after review", _BOOKED),
            _event("cla_visit", "Visit to a looked-after child", *_SEEN),
            _event(
                "health_assessment",
                "Health assessment or check of a looked-after child",
                Field("type", "text", _HEALTH_TYPES),
                Field("status", "text", "completed, planned, refused or cancelled"),
            ),
            _event("sdq", "Strengths and difficulties questionnaire", Field("score", "number", "0 to 40")),
            _state(
                "missing",
                "Missing episode",
                Field("type", "text", "missing or away"),
                Field("interview_offered", "yes/no", "a return interview was offered"),
                Field("interview_accepted", "yes/no", "the return interview was accepted"),
                type_="moment",
            ),
            Kind(
                "return_interview",
                "Return home interview held, or declined with a reason",
                (
                    Field("happened", "moment", "when it was held or declined"),
                    Field("missing", "text", "the missing episode's key", links="missing"),
                ),
                "happened",
            ),
            _state(
                "care_leaver",
                "Care-leaver status",
                Field("eligibility", "text", "eligible, relevant, former relevant, qualifying or none"),
                bounds=True,
            ),
            _event("pathway_plan", "Pathway plan made or reviewed"),
            _event("leaver_contact", "Contact with a care leaver"),
            _state(
                "allocation",
                "Worker or team allocated to the child",
                Field("worker", "text", "the worker's key; blank when only a team holds the case"),
                Field("team", "text", "the team's key"),
                Field("role", "text", "role code; CW is the lead case worker"),
            ),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A field that holds something which cannot be used, and why. No personal data in ``why``.

    ``window``: the truth lies outside what the feed can speak for, so nobody can mend the record.
    """

    field: str
    why: str
    cause: DoubtCause = "unreadable"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What a feed hands to :func:`make_record` in place of a value it could not read."""

    why: str
    cause: DoubtCause = "unreadable"


@dataclass(frozen=True, slots=True)
class Record:
    """One fact row about one child.

    ``key`` is the source's own key, stable from one reading to the next and unique within
    (child, kind). ``where`` tells a person where to look: ``reviews.csv:113`` or
    ``ssd_cla_reviews R77``.
    """

    kind: str
    child: str
    key: str
    where: str
    values: Mapping[str, Value] = field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()

    def get(self, name: str) -> Value | None:
        """The field's value, or None where it is not recorded or in doubt."""
        return self.values.get(name)

    def day(self, name: str) -> date | None:
        """The field as a calendar day in Europe/London, or None."""
        value = self.values.get(name)
        return local_day(value) if isinstance(value, date) else None

    def doubt(self, name: str) -> Doubt | None:
        """The doubt about a field, if there is one."""
        return next((d for d in self.doubts if d.field == name), None)

    @property
    def ref(self) -> str:
        """``kind:key``: how findings and alerts name this record."""
        return f"{self.kind}:{self.key}"


_PYTHON_TYPE: Final[Mapping[FieldType, type]] = {"yes/no": bool, "text": str, "number": int}


def _typed(field_: Field, value: object) -> Value | Doubt:
    if isinstance(value, Unreadable):
        return Doubt(field_.name, value.why, value.cause)
    if field_.type == "moment" and isinstance(value, date):
        if isinstance(value, datetime) and value.tzinfo is None:
            return Doubt(field_.name, "is a time without its time zone")
        return value
    if field_.type == "date" and isinstance(value, date):
        return local_day(value)
    wanted = _PYTHON_TYPE.get(field_.type)
    if wanted and type(value) is wanted:
        return value  # type: ignore[return-value]
    return Doubt(field_.name, f"is not a {field_.type}")


def make_record(kind: str, child: str, key: str, where: str, raw: Mapping[str, object]) -> Record:
    """Type ``raw`` by the kind's declaration; blank (None or "") is simply not recorded.

    A value of the wrong type, an :class:`Unreadable`, or an end before its beginning becomes a
    doubt on its field. Raises ``KeyError`` for a kind or field that is not declared, which is a
    fault in the feed's code, not in the data.
    """
    declared = KINDS[kind]
    values: dict[str, Value] = {}
    doubts: list[Doubt] = []
    for name, value in raw.items():
        if value is None or value == "":
            continue
        field_ = declared.field(name)
        if field_ is None:
            raise KeyError(f"{kind} has no field {name}")
        typed = _typed(field_, value)
        if isinstance(typed, Doubt):
            doubts.append(typed)
        else:
            values[name] = typed
    if declared.ends and declared.ends in values and declared.begins in values:
        begin, end = values[declared.begins], values[declared.ends]
        assert isinstance(begin, date) and isinstance(end, date)
        if local_day(end) < local_day(begin):
            del values[declared.ends]
            doubts.append(Doubt(declared.ends, f"{declared.ends} is before {declared.begins}", "conflict"))
    return Record(kind, child, key, where, values, tuple(doubts))


@dataclass(frozen=True, slots=True)
class Window:
    """The span of days a feed can speak for; None is unbounded on that side.

    What the feed holds counts whatever its date; what it does *not* hold proves nothing outside
    the window.
    """

    start: date | None = None
    end: date | None = None

    def covers(self, first: date, last: date) -> bool:
        """Whether absence from ``first`` to ``last``, both included, is proof of absence."""
        return (self.start is None or self.start <= first) and (self.end is None or last <= self.end)


@dataclass(frozen=True, slots=True)
class CaseFile:
    """Everything one feed says about one child, and the window in which its silence is proof."""

    child: str
    records: tuple[Record, ...]
    window: Window = Window()

    def by_kind(self) -> dict[str, list[Record]]:
        """The records of each kind, in the order given."""
        found: dict[str, list[Record]] = {}
        for record in self.records:
            found.setdefault(record.kind, []).append(record)
        return found

    def of(self, kind: str) -> Iterator[Record]:
        """The records of one kind, in the order given."""
        return (r for r in self.records if r.kind == kind)


@dataclass(frozen=True, slots=True)
class Reject:
    """A row of the feed that could not become a record: where, and why, without personal data."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One complete, consistent reading of a feed.

    ``source`` names it (``ssda903:returns/2018``). ``holds`` are the kinds the feed is able to
    hold at all: a rule that needs another kind cannot be measured from it. ``counts`` are rows
    read per table or file, for the guard against half-loaded feeds. ``notes`` are lines for the
    operator (what was left out and why). ``cases`` are sorted by child.
    """

    source: str
    cases: tuple[CaseFile, ...]
    holds: frozenset[str]
    window: Window
    counts: Mapping[str, int]
    rejects: tuple[Reject, ...] = ()
    notes: tuple[str, ...] = ()


def case_files(
    records: Iterable[Record], window: Window, windows: Mapping[str, Window] | None = None
) -> tuple[CaseFile, ...]:
    """Group records by child, sorted by child, then kind, beginning and key; doubles are dropped.

    A link to a record the child does not have is put in doubt: it says that there is a connection,
    and not which. ``windows`` gives a child its own window where it differs from the feed's.
    """
    grouped: dict[str, dict[tuple[str, str], Record]] = {}
    for record in records:
        grouped.setdefault(record.child, {}).setdefault((record.kind, record.key), record)
    return tuple(
        CaseFile(
            child,
            tuple(sorted((_with_links_checked(r, found) for r in found.values()), key=_order)),
            (windows or {}).get(child, window),
        )
        for child, found in sorted(grouped.items())
    )


_LINKS: Final = {kind.name: [(f.name, f.links) for f in kind.fields if f.links] for kind in KINDS.values()}


def _with_links_checked(record: Record, found: Mapping[tuple[str, str], Record]) -> Record:
    broken = [
        name
        for name, kind in _LINKS[record.kind]
        if name in record.values and (kind, str(record.values[name])) not in found
    ]
    if not broken:
        return record
    values = {name: value for name, value in record.values.items() if name not in broken}
    doubts = [Doubt(name, f"names a {name} that the feed does not hold for this child", "conflict") for name in broken]
    return replace(record, values=values, doubts=(*record.doubts, *doubts))


def _order(record: Record) -> tuple[str, date, str]:
    return (record.kind, record.day(KINDS[record.kind].begins) or date.min, record.key)
