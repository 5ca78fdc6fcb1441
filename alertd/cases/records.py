"""Records: what a feed says about a child, typed once, at the door.

A :class:`Record` is one fact row of a *kind* (:data:`KINDS`). Every value a rule may compare is
typed here; a value that cannot be read as its field's type becomes a :class:`Doubt` and never
reaches the engine. Days are ``date``; moments are timezone-aware ``datetime``, or a ``date``
where the feed holds no time of day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final, Literal, Protocol, overload
from zoneinfo import ZoneInfo

from alertd.cases.accounts import Account, Reject
from alertd.cases.kinds import KINDS, Field, FieldType

LONDON: Final = ZoneInfo("Europe/London")

CASES: Final = frozenset({"referral", "cin_plan", "cp_plan", "care_period", "care_leaver"})
"""The states that make a child somebody's case while they are open."""

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
        return next((d for d in self.doubts if d.field == name), None) if self.doubts else None

    @property
    def ref(self) -> str:
        """``kind:key``: how findings and alerts name this record."""
        return f"{self.kind}:{self.key}"


_PYTHON_TYPE: Final[Mapping[FieldType, type]] = {"yes/no": bool, "text": str, "number": int, "date": date}
_FIELDS: Final = {kind.name: {f.name: f for f in kind.fields} for kind in KINDS.values()}


def _typed(field_: Field, value: object) -> Value | Doubt:
    # A large authority has millions of records: what nearly every value is comes first.
    if type(value) is _PYTHON_TYPE.get(field_.type):
        return value  # type: ignore[return-value]
    if isinstance(value, Unreadable):
        return Doubt(field_.name, value.why, value.cause)
    if field_.type == "moment" and isinstance(value, date):
        if isinstance(value, datetime) and value.tzinfo is None:
            return Doubt(field_.name, "is a time without its time zone")
        return value
    if field_.type == "date" and isinstance(value, date):
        return local_day(value)
    return Doubt(field_.name, f"is not a {field_.type}")


def make_record(kind: str, child: str, key: str, where: str, raw: Mapping[str, object]) -> Record:
    """Type ``raw`` by the kind's declaration; blank (None or "") is simply not recorded.

    A value of the wrong type, an :class:`Unreadable`, or an end before its beginning becomes a
    doubt on its field. Raises ``KeyError`` for a kind or field that is not declared, which is a
    fault in the feed's code, not in the data.
    """
    declared, fields = KINDS[kind], _FIELDS[kind]
    values: dict[str, Value] = {}
    doubts: list[Doubt] = []
    for name, value in raw.items():
        if value is None or value == "":
            continue
        field_ = fields.get(name)
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

    @property
    def no_days(self) -> bool:
        """Whether it ends before it begins."""
        return self.start is not None and self.end is not None and self.end < self.start

    def spans(self, other: Window) -> bool:
        """Whether it covers every day of another."""
        return self.covers(other.start or date.min, other.end or date.max)


NO_DAYS: Final = Window(date.max, date.min)
"""Of what nobody can speak for."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """What two feeds do not agree on: a field of a record; a whole record, where ``field`` is blank.

    ``where`` is the record that stands and ``other`` the one that says otherwise; of a whole record,
    where it stands and the feed that should have it and does not.
    """

    kind: str
    key: str
    field: str
    where: str
    other: str


@dataclass(frozen=True, slots=True)
class CaseFile:
    """Everything that is said about one child, and the window in which silence is proof.

    ``windows`` has those kinds of which silence is proof in another window than that. ``latest`` are
    the kinds of which no more than the latest record is held. ``disputes`` are what several feeds do
    not agree on.
    """

    child: str
    records: tuple[Record, ...]
    window: Window = Window()
    windows: Mapping[str, Window] = field(default_factory=dict)
    latest: frozenset[str] = frozenset()
    disputes: tuple[Dispute, ...] = ()

    def window_of(self, kinds: Iterable[str]) -> Window:
        """The window in which the absence of all of these kinds is proof."""
        if not self.windows:
            return self.window
        own = [self.windows.get(kind, self.window) for kind in kinds] or [self.window]
        starts = [w.start for w in own if w.start]
        ends = [w.end for w in own if w.end]
        return Window(max(starts, default=None), min(ends, default=None))

    def by_kind(self) -> dict[str, list[Record]]:
        """The records of each kind, in the order given."""
        found: dict[str, list[Record]] = {}
        for record in self.records:
            found.setdefault(record.kind, []).append(record)
        return found

    def is_open(self, today: date) -> bool:
        """Whether the child is somebody's case today: one of :data:`CASES` is open."""
        for record in self.records:
            if record.kind in CASES:
                begin, end = record.day("start"), record.day("end")
                if (begin is None or begin <= today) and (end is None or end > today):
                    return True
        return False

    def of(self, kind: str) -> Iterator[Record]:
        """The records of one kind, in the order given."""
        return (r for r in self.records if r.kind == kind)


class Cases(Protocol):
    """The case files of all children, sorted by child: in memory, or read as they are asked for."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[CaseFile]: ...
    @overload
    def __getitem__(self, at: int, /) -> CaseFile: ...
    @overload
    def __getitem__(self, at: slice, /) -> Sequence[CaseFile]: ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One complete, consistent reading of a feed.

    ``source`` names it (``ssda903:returns/2018``), without passwords. ``holds`` are the kinds the
    feed is able to hold at all: a rule that needs another kind cannot be measured from it.
    ``accounts`` say what became of every row, by table or file. ``notes`` are lines for the operator
    (what was left out and why). ``cases`` are sorted by child. ``lacks`` are fields, as
    ``kind.field``, that this feed cannot hold though it holds their kind. ``as_at`` is the day the
    data itself says it was drawn up, where it says so. ``latest`` are the kinds of which no more than
    the latest record of each child is held, ``silent`` those of which a feed should tell and has told
    nothing new for too long, with the sentence that says so.
    """

    source: str
    cases: Cases
    holds: frozenset[str]
    window: Window
    accounts: Mapping[str, Account]
    rejects: tuple[Reject, ...] = ()
    notes: tuple[str, ...] = ()
    lacks: frozenset[str] = frozenset()
    as_at: date | None = None
    latest: frozenset[str] = frozenset()
    silent: Mapping[str, str] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """Rows read by table or file, for the guard against half-loaded feeds."""
        return {table: account.rows for table, account in self.accounts.items()}


def case_files(
    records: Iterable[Record],
    window: Window,
    windows: Mapping[str, Window] | None = None,
    *,
    of_kinds: Mapping[str, Window] | None = None,
    latest: frozenset[str] = frozenset(),
    holds: frozenset[str] | None = None,
) -> tuple[CaseFile, ...]:
    """Group records by child, sorted by child, as :func:`case_file` puts each together.

    ``windows`` gives a child its own window where it differs from the feed's; ``of_kinds``,
    ``latest`` and ``holds`` are the same for all.
    """
    grouped: dict[str, list[Record]] = {}
    for record in records:
        grouped.setdefault(record.child, []).append(record)
    return tuple(
        case_file(child, found, (windows or {}).get(child, window), of_kinds=of_kinds or {}, latest=latest, holds=holds)
        for child, found in sorted(grouped.items())
    )


def case_file(
    child: str,
    records: Iterable[Record],
    window: Window,
    *,
    of_kinds: Mapping[str, Window],
    latest: frozenset[str] = frozenset(),
    holds: frozenset[str] | None = None,
) -> CaseFile:
    """One child's records, sorted by kind, beginning and key; doubles are dropped.

    A link names a record by its key, or by the day or minute it began. One to a record the child
    does not have is put in doubt: it says that there is a connection, and not which. ``holds`` are
    the kinds that these records are all of; a link to another kind is left as it is, for whoever
    puts the records of several feeds together. None: all kinds.
    """
    found: dict[tuple[str, str], Record] = {}
    for record in records:
        found.setdefault((record.kind, record.key), record)
    begun = _Begun(found.values())
    checked = sorted((_with_links_checked(r, found, begun, holds) for r in found.values()), key=_order)
    return CaseFile(child, tuple(checked), window, of_kinds, latest)


_LINKS: Final = {kind.name: [(f.name, f.links) for f in kind.fields if f.links] for kind in KINDS.values()}


def _with_links_checked(
    record: Record, found: Mapping[tuple[str, str], Record], begun: _Begun, holds: frozenset[str] | None
) -> Record:
    links = _LINKS[record.kind]
    if not links:
        return record
    loose = [
        (name, kind)
        for name, kind in links
        if name in record.values
        and ((kind, link := str(record.values[name])) not in found or link[4:5] == "-")
        and (holds is None or kind in holds)
    ]
    if not loose:
        return record
    values = dict(record.values)
    doubts = list(record.doubts)
    for name, kind in loose:
        link = str(values.pop(name))
        meant = begun.at(kind, link) or ({link} if (kind, link) in found else set())
        if len(meant) == 1:
            values[name] = next(iter(meant))
        elif meant:
            doubts.append(Doubt(name, f"names a {name} by its day, and more than one began on it", "conflict"))
        else:
            doubts.append(Doubt(name, f"names a {name} that the feed does not hold for this child", "conflict"))
    return replace(record, values=values, doubts=tuple(doubts))


class _Begun:
    """A child's records by when they began. Put in order once asked for: most children have no such link."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = records
        self._days: dict[tuple[str, object], set[str]] | None = None

    def at(self, kind: str, when: str) -> set[str]:
        """The keys of the records of a kind that began on an ISO day, or at a minute of London time."""
        try:
            wanted = date.fromisoformat(when) if len(when) == 10 else datetime.fromisoformat(when)
            minute = in_words(
                wanted.replace(tzinfo=wanted.tzinfo or LONDON) if isinstance(wanted, datetime) else wanted
            )
        except (ValueError, OverflowError):
            return set()
        if self._days is None:
            self._days = self._by_when()
        if not isinstance(wanted, datetime):
            return self._days.get((kind, wanted), set())
        return self._days.get((kind, minute)) or self._days.get((kind, f"without a time, {wanted.date()}"), set())

    def _by_when(self) -> dict[tuple[str, object], set[str]]:
        found: dict[tuple[str, object], set[str]] = {}
        for record in self._records:
            begins = record.values.get(_BEGINS[record.kind])
            if isinstance(begins, date):
                timed = isinstance(begins, datetime)
                for when in (local_day(begins), in_words(begins) if timed else f"without a time, {begins}"):
                    found.setdefault((record.kind, when), set()).add(record.key)
        return found


_BEGINS: Final = {kind.name: kind.begins for kind in KINDS.values()}


def _order(record: Record) -> tuple[str, date, str]:
    begins = record.values.get(_BEGINS[record.kind])
    return (record.kind, local_day(begins) if isinstance(begins, date) else date.min, record.key)
