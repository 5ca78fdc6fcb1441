"""One's own figures beside those of the team, of similar teams, of the service, and of the country. Pure.

What a reader may know anyway, they see as it is: a worker their own children, a manager their team, a senior all.
Everything else is shown as :mod:`alertd.insight.small_numbers` allows. A worker's team is shown without the worker,
and only where enough others stand behind it: nobody is to read a colleague's figures out of it, and nobody is ranked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from alertd.insight.national import National
from alertd.insight.small_numbers import Parted, Shown, Span, keeps_beside, shown
from alertd.insight.timeliness import Books, Counts, together, without

Who = Literal["me", "team", "similar", "service"]
WHO: Final[tuple[Who, ...]] = ("me", "team", "similar", "service")

WORKERS: Final = 3
"""So many must stand behind a figure that is not one's own, lest it be a colleague's."""

SMALL_BASE: Final = 20
"""Of fewer than this, one more or less moves a share by more than five points."""

WIDE: Final = 0.1
"""A share that rounding leaves open by more than this is marked like one on a small base."""

USELESS: Final = 0.3
"""A share that rounding leaves open by more than this says nothing, and is not shown."""

TOTALS: Final = ("n", "in_time", "late", "recorded_late", "overdue", "told", "disputed", "upheld")


class Key(NamedTuple):
    """One number of a table: a total by its name, or what was done in a ``month`` or on a ``day`` after the limit."""

    name: str
    at: str | int = ""
    late: bool = False


Table = dict[Key, Shown]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share: ``value``, and between which it lies for all a reader can tell: in their middle, where they differ,
    and None where not even the count of it is shown. ``small``: it stands on a small base and may not mean much."""

    value: float | None
    low: float
    high: float
    small: bool

    @property
    def text(self) -> str:
        """``84%``, or ``84% to 91%`` where it was counted from rounded numbers."""
        if self.value is None:
            return f"at most {self.high:.0%}"
        return f"{self.low:.0%} to {self.high:.0%}" if self.high > self.low else f"{self.value:.0%}"


@dataclass(frozen=True, slots=True)
class Month:
    """What was done in one month."""

    month: str
    in_time: Shown
    late: Shown
    share: Rate | None


@dataclass(frozen=True, slots=True)
class Day:
    """How many were done so many days after the limit (before it where negative)."""

    days: int
    late: bool
    n: Shown


@dataclass(frozen=True, slots=True)
class Figure:
    """One rule's figures of one reader, team or service. ``months`` and ``days`` are None where they are withheld."""

    who: Who
    n: Shown
    in_time: Shown
    late: Shown
    recorded_late: Shown
    overdue: Shown
    told: Shown
    disputed: Shown
    upheld: Shown
    median_days_late: float | None
    months: tuple[Month, ...] | None
    days: tuple[Day, ...] | None

    @property
    def share(self) -> Rate | None:
        """The share done in time."""
        return _between(self.in_time, self.late.span, exact=self.late.exact)

    @property
    def recorded_late_share(self) -> Rate | None:
        """The share of what was done in time that was recorded only when it was overdue."""
        return _rate(self.recorded_late, self.in_time)

    @property
    def disputed_share(self) -> Rate | None:
        """The share of what was told that somebody said is wrong."""
        return _rate(self.disputed, self.told)

    @property
    def upheld_share(self) -> Rate | None:
        """The share of what was told that was shown to be wrong."""
        return _rate(self.upheld, self.told)

    @property
    def right_share(self) -> Rate | None:
        """The precision: the share of what was told that was not shown to be wrong."""
        wrong = self.upheld_share
        if wrong is None:
            return None
        low, high = 1 - wrong.high, 1 - wrong.low
        return Rate((low + high) / 2, low, high, wrong.small)


@dataclass(frozen=True, slots=True)
class Line:
    """One rule: the figures of each, None where there are none or they are withheld for the reason in ``withheld``."""

    rule: str
    figures: Mapping[Who, Figure | None]
    withheld: Mapping[Who, str]
    national: National | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks: their own counts by rule (None: they have no children), their teams, those like them, and what they
    may see as it is. ``hidden`` are the counts, by rule and team, of children of whom they must not hear: these are in
    nothing that they see as it is."""

    mine: Mapping[str, Counts] | None
    team: frozenset[str]
    similar: frozenset[str]
    exact: frozenset[Who] = frozenset({"me"})
    hidden: Mapping[str, Mapping[str, Counts]] = field(default_factory=dict)


def compare(
    books: Books, reader: Reader, rules: Iterable[str], months: Sequence[str], national: Mapping[str, National]
) -> list[Line]:
    """The figures of each rule of which the reader may see any, in the order of ``rules``."""
    lines = [_line(books, reader, rule, months, national.get(rule)) for rule in rules]
    return [line for line in lines if any(line.figures.values())]


TOO_FEW_PEOPLE: Final = f"fewer than {WORKERS} people's work"
WOULD_TELL: Final = "it would tell small numbers of others"


def _line(books: Books, reader: Reader, rule: str, months: Sequence[str], national: National | None) -> Line:
    raw = _raw(books, reader, rule)
    tables: dict[Who, Table] = {}
    withheld: dict[Who, str] = {}
    for who, counts in raw.items():
        if who in reader.exact:
            tables[who] = _table(counts, months, exact=True)
        elif _workers(books, reader, rule, who) < WORKERS:
            withheld[who] = TOO_FEW_PEOPLE
        else:
            tables[who] = _kept(_table(counts, months, exact=False))
    if "service" in tables and "service" not in reader.exact:
        beside = _beside(books, reader, rule, raw, tables, months)
        if beside is None:
            del tables["service"]
            withheld["service"] = WOULD_TELL
        else:
            tables["service"] = beside
    figures = {who: _figure(who, tables[who], raw[who], months) if who in tables else None for who in WHO}
    return Line(rule, figures, withheld, national)


def _raw(books: Books, reader: Reader, rule: str) -> dict[Who, Counts]:
    """The counts of each who has any; of a worker's team without the worker."""
    of, hidden = books.by_rule.get(rule, {}), reader.hidden.get(rule, {})
    me = (reader.mine or {}).get(rule, Counts())
    team = together(c for t, c in of.items() if t in reader.team)
    if "team" not in reader.exact:
        team = without(team, me)
    found: dict[Who, Counts] = {
        "me": me,
        "team": team,
        "similar": together(c for t, c in of.items() if t in reader.similar),
        "service": books.service.get(rule, Counts()),
    }
    of_teams: dict[Who, frozenset[str]] = {"team": reader.team, "similar": reader.similar, "service": frozenset(hidden)}
    if "team" in reader.exact and "service" not in reader.exact and of.keys() <= reader.team:
        del found["service"]  # it is the team's own figure, and rounded it would say less
    for who in reader.exact & found.keys() & of_teams.keys():
        found[who] = without(found[who], together(c for t, c in hidden.items() if t in of_teams[who]))
    return {who: counts for who, counts in found.items() if counts.n or counts.overdue or counts.told}


def _workers(books: Books, reader: Reader, rule: str, who: Who) -> int:
    teams = {"team": reader.team, "similar": reader.similar}.get(who)
    found = sum(n for team, n in books.people.get(rule, {}).items() if teams is None or team in teams)
    here = who == "team" and who not in reader.exact and (reader.mine or {}).get(rule, Counts()).n > 0
    return found - here


def _table(counts: Counts, months: Sequence[str], *, exact: bool) -> Table:
    numbers: dict[Key, int] = {Key(name): getattr(counts, name) for name in TOTALS}
    numbers |= {Key("month", *at): n for at, n in counts.by_month(months).items()}
    numbers |= {Key("day", *at): n for at, n in counts.by_day().items()}
    return {key: shown(n, exact=exact) for key, n in numbers.items()}


def _kept(table: Table) -> Table:
    """The table without what would tell its hidden counts: the days first, then the months."""
    ways: tuple[str, ...]
    for ways in (("month", "day"), ("month",), ()):
        kept = _only(table, ways)
        halves = kept[Key("in_time")].span, kept[Key("late")].span
        parts = {way: (_parts(kept, way, late=False), _parts(kept, way, late=True)) for way in ways}
        if Parted(kept[Key("n")].span, halves, parts).keeps():
            return kept
    raise AssertionError("a total and its two parts, rounded, never tell a hidden one")


def _only(table: Table, ways: Collection[str]) -> Table:
    return {key: n for key, n in table.items() if key.name in TOTALS or key.name in ways}


def _parts(table: Table, way: str, *, late: bool) -> list[Span]:
    return [n.span for key, n in table.items() if (key.name, key.late) == (way, late)]


def _beside(
    books: Books,
    reader: Reader,
    rule: str,
    raw: Mapping[Who, Counts],
    tables: Mapping[Who, Table],
    months: Sequence[str],
) -> Table | None:
    """The service's table, or its totals alone, where the small numbers of the others stay hidden beside it, and
    what is left of it when they are taken away is not the work of one or two."""
    known = _table(raw.get("team" if "team" in reader.exact else "me", Counts()), months, exact=True)
    others: tuple[Who, ...] = ("team", "similar")
    parts = [tables[who] for who in others if who in tables and who not in reader.exact]
    shown_beside = [who for who in others if who in tables]
    left = _workers(books, reader, rule, "service") - sum(_workers(books, reader, rule, who) for who in shown_beside)
    if "team" not in reader.exact and raw.get("me", Counts()).n:
        left -= 1
    if 0 < left < WORKERS:
        return None
    for kept in (tables["service"], _only(tables["service"], ())):
        if keeps_beside(kept, {key: n.value or 0 for key, n in known.items()}, parts, others=left > 0):
            return kept
    return None


def _figure(who: Who, table: Table, counts: Counts, months: Sequence[str]) -> Figure:
    days = tuple(Day(int(key.at), key.late, n) for key, n in table.items() if key.name == "day")
    return Figure(
        who,
        n=table[Key("n")],
        in_time=table[Key("in_time")],
        late=table[Key("late")],
        recorded_late=table[Key("recorded_late")],
        overdue=table[Key("overdue")],
        told=table[Key("told")],
        disputed=table[Key("disputed")],
        upheld=table[Key("upheld")],
        median_days_late=_median(counts, table[Key("late")]),
        months=tuple(_month(table, m) for m in months) if Key("month", months[0], False) in table else None,
        days=days or None,
    )


def _median(counts: Counts, late: Shown) -> float | None:
    """Of others in whole days, and only where it stands for more than a few."""
    if counts.median_days_late is None or late.value is None:
        return None
    return counts.median_days_late if late.exact else float(round(counts.median_days_late))


def _month(table: Table, month: str) -> Month:
    in_time, late = table[Key("month", month, False)], table[Key("month", month, True)]
    return Month(month, in_time, late, _between(in_time, late.span, exact=late.exact))


def _rate(part: Shown, whole: Shown) -> Rate | None:
    """The share of a part in a whole of which the rest is not shown."""
    of, span = whole.span, part.span
    high = None if of.high is None else of.high - span.low
    return _between(part, Span(max(of.low - (span.high or 0), 0), high), exact=part.exact and whole.exact)


def _between(part: Shown, rest: Span, *, exact: bool) -> Rate | None:
    """The share of a part in it and the rest, by what is known of both."""
    most = part.span.high
    if most is None or rest.high is None or not most + rest.high:
        return None
    low = part.span.low / ((part.span.low + rest.high) or 1)
    high = most / ((most + rest.low) or 1)
    if exact:
        return Rate(low, low, low, small=most + rest.high < SMALL_BASE)
    if high - low > USELESS:
        return None
    return Rate(None if part.value is None else (low + high) / 2, low, high, small=high - low > WIDE)
