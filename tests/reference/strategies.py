"""Random but meaningful cases: dates crowd around the days on which something changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import NamedTuple

from hypothesis import strategies as st

from alertd.calendars.durations import Duration
from alertd.cases.kinds import KINDS, Field, Kind
from alertd.cases.records import LONDON, CaseFile, DoubtCause, Record, Unreadable, Window, make_record
from alertd.errors import InputError
from alertd.rulebook.model import Birthday, Count, Gestation, Others, Rule, Rulebook
from tests.reference.days import DAY, NoTermsError, add, birthday, day_of
from tests.reference.parts import KEYS, SCORES, TEXTS
from tests.reference.rulebooks import rulebooks

WINDOW_OPENS = date(2025, 1, 1)
TIMES = (time(0, 0, 1), time(1, 30), time(4), time(12), time(20), time(23, 59, 58))
CAUSES: tuple[DoubtCause, ...] = ("unreadable", "conflict", "window")


class Example(NamedTuple):
    """One thing to judge."""

    case: CaseFile
    book: Rulebook
    as_of: datetime

    def __repr__(self) -> str:
        """Short: the test that fails shows the case and the rules in question."""
        return f"{len(self.book.rules)} rules, {len(self.case.records)} records, as of {self.as_of}"


def rules_of(book: Rulebook) -> list[Rule]:
    """The rules that run, for some team or for all."""
    return [rule for one in (book, *book.teams.values()) for rule in one.enabled]


def kinds_of(rules: list[Rule]) -> list[str]:
    """The kinds of record that any of the rules looks at."""
    kinds = {need for rule in rules for need in rule.needs if "." not in need}
    return sorted(kinds | {kind for rule in rules for one in rule.explained_by for kind in one.kinds})


def spans(rules: list[Rule], book: Rulebook, base: date) -> Iterator[tuple[Duration | None, int]]:
    """The lengths in which the rules count from a day, and in which direction."""
    for rule in rules:
        clock, pattern = rule.clock, rule.pattern
        yield book.limit(rule, base), 1
        yield book.local_limit(rule, base), 1
        yield clock.before, -1
        if clock.starting:
            yield clock.starting.within or clock.starting.after, 1
        if isinstance(pattern, Count):
            yield pattern.before, -1
            yield pattern.last or pattern.after, 1
        if isinstance(pattern, Others):
            yield pattern.last, 1


def landmarks(rules: list[Rule], book: Rulebook, base: date) -> list[list[date]]:
    """For each length of the rules, the days on which what is counted from ``base`` changes, and their neighbours."""
    found = [[base - DAY, base, base + DAY]]
    for span, sign in spans(rules, book, base):
        try:
            if span and span.unit == "hour":
                days = {base + timedelta(hours=span.n)}
            elif span:
                first = day_of(add(base, span, book, sign))
                days = {first, day_of(add(first, span, book, sign))}
            else:
                continue
        except (InputError, NoTermsError):
            continue
        found.append([day + n * DAY for day in sorted(days) for n in (-1, 0, 0, 1)])
    return found


@st.composite
def examples(draw: st.DrawFn, child: str = "C1") -> Example:
    """A rulebook of the pool, a case its rules have something to say about, and an instant.

    Hypothesis chooses one number: drawing every field through it would cost five times the time of judging
    the case, and it would draw the same few cases often. ``smallest`` makes a failing example small.
    """
    # Of a wider range hypothesis draws mostly the small numbers.
    return _Drawer(Random(draw(st.integers(0, 2**24 - 1))), child).example()


@st.composite
def siblings(draw: st.DrawFn) -> list[Example]:
    """Three children under the same rules at the same instant, whose records have the same keys."""
    first = draw(examples())
    r = Random(draw(st.integers(0, 2**24 - 1)))
    others = [_Drawer(r, child, first.book).example() for child in ("C2", "C3")]
    return [first, *(one._replace(as_of=first.as_of) for one in others)]


def smallest(example: Example, fails: Callable[[Example], bool]) -> Example:
    """The example without the records and rules that it fails without as well."""
    rules = {id(rule): rule for one in (example.book, *example.book.teams.values()) for rule in one.rules}
    drops: list[Record | Rule] = [*example.case.records, *rules.values()]
    for drop in drops:
        if isinstance(drop, Record):
            kept = tuple(r for r in example.case.records if r is not drop)
            less = example._replace(case=replace(example.case, records=kept))
        else:
            less = example._replace(book=_without(example.book, drop))
        example = less if fails(less) else example
    return example


def _without(book: Rulebook, rule: Rule) -> Rulebook:
    teams = {name: _without(one, rule) for name, one in book.teams.items()}
    return book.model_copy(update={"rules": tuple(r for r in book.rules if r is not rule), "teams": teams})


class _Drawer:
    """Makes one example: every date is drawn from the same few days."""

    def __init__(self, r: Random, child: str, book: Rulebook | None = None) -> None:
        self.r, self.child = r, child
        self.book = book or r.choice(rulebooks())
        self.base = WINDOW_OPENS + timedelta(r.randint(0, 600))
        rules = rules_of(self.book)
        # Half of the cases are mostly about one rule, or most rules would never have enough records to speak of.
        about = [r.choice(rules)] if rules and r.random() < 0.5 else rules
        self.days = landmarks(rules, self.book, self.base)
        self.used = [self.base]
        near = r.choice(r.choice(landmarks(about, self.book, self.base)))
        self.now = self.base + timedelta(r.randint(0, 400)) if near < self.base or r.random() < 0.25 else near
        self.blank, self.doubt = r.choice(((0.0, 0.0), (0.02, 0.01), (0.05, 0.02), (0.25, 0.04)))
        self.yes = r.choice((0.1, 0.6, 0.6, 0.9))
        self.kinds = kinds_of(rules) + ["allocation"] * bool(self.book.teams) + 2 * kinds_of(about) or ["child"]
        self.anchors = sorted({rule.for_ for rule in about} - {"child"}) or self.kinds

    def example(self) -> Example:
        as_of, records = self.instant(self.now), dict[tuple[str, str], Record]()
        if self.r.random() < 0.9:
            records["child", self.child] = self.the_child()
        for number in range(self.r.randint(1, 30)):
            record = self.record(number)
            if record.kind != "child":
                records.setdefault((record.kind, record.key), record)
        kinds = sorted({record.kind for record in records.values()})
        latest = frozenset(self.r.sample(kinds, 1)) if kinds and self.r.random() < 0.15 else frozenset[str]()
        case = CaseFile(self.child, tuple(records.values()), self.window(), self.windows(kinds), latest)
        return Example(case, self.book, as_of)

    def day(self) -> date:
        luck = self.r.random()
        if luck < 0.5:
            return self.r.choice(self.used)
        day = self.r.choice(self.r.choice(self.days)) if luck < 0.75 else self.now + timedelta(self.r.randint(-200, 40))
        self.used.append(day)
        return day

    def instant(self, day: date) -> datetime:
        """Mostly the end of the day in London; else its beginning, or some second of it."""
        luck = self.r.random()
        hms = time(23, 59, 59) if luck < 0.6 else time(0) if luck < 0.8 else self.r.choice(TIMES)
        moment = datetime.combine(day, hms, LONDON)
        return moment.astimezone(UTC) if self.r.random() < 0.3 else moment

    def window(self) -> Window:
        late = self.day() + timedelta(self.r.choice((1, 1, 0, -1, -365)))
        return Window(late if self.r.random() < 0.25 else None, self.day() if self.r.random() < 0.2 else None)

    def windows(self, kinds: Sequence[str]) -> dict[str, Window]:
        """A kind or two with a window of their own."""
        if self.r.random() < 0.7:
            return {}
        return {kind: self.window() for kind in self.r.sample(kinds, min(2, len(kinds)))}

    def the_child(self) -> Record:
        """A child whose birthdays fall near the base day; sometimes one born on 29 February, or not born yet."""
        rules = rules_of(self.book)
        ages = [r.clock.from_.birthday for r in rules if isinstance(r.clock.from_, Birthday)]
        ages += [n for r in rules if r.age for n in (r.age.under, r.age.from_) if n is not None]
        weeks = [r.clock.by.gestation for r in rules if isinstance(r.clock.by, Gestation)]
        years = self.r.choice([*ages, 0, 7])
        born = birthday(self.base - timedelta(self.r.randint(-3, 40)), -years)
        leap = date(2024 - years // 4 * 4, 2, 29)
        to_come = self.base + timedelta(weeks=40 - self.r.choice([*weeks, 40]))
        if weeks and self.r.random() < 0.6:
            born_or_not: object = self.r.choice((None, None, None, to_come, self.day()))
        else:
            born_or_not = self.r.choice([born] * 7 + [leap, None, Unreadable("odd")])
        raw = {
            "born": born_or_not,
            "expected": self.r.choice((None, to_come, to_come, Unreadable("odd") if weeks else None)),
            "died": self.r.choice((self.day(), self.now)) if self.r.random() < 0.08 else None,
        }
        return make_record("child", self.child, self.child, f"{self.child} child.csv:1", raw)

    def record(self, number: int) -> Record:
        name = self.r.choice(self.kinds if number and number % 4 else self.anchors)
        key = self.r.choice(KEYS[: 4 if name in self.anchors else 7])
        kind = KINDS[name]
        raw = {f.name: self.value(kind, f) for f in kind.fields}
        if number < 2 and self.r.random() < 0.75:
            raw[kind.begins] = self.base
        return make_record(name, self.child, key, f"{self.child} {name}.csv:{number}", raw)

    def value(self, kind: Kind, field: Field) -> object:
        """A field filled, blank or in doubt; an end, or a date booked, is blank more often than not."""
        luck = self.r.random()
        if luck > 1 - self.doubt:
            return Unreadable("odd", self.r.choice(CAUSES))
        booked = kind.field("due_on") is not None
        if luck < (0.6 if field.name == kind.ends else 0.4 if booked and field.type == "date" else self.blank):
            return None
        if field.type == "moment":
            return self.day() if luck < 0.7 else self.instant(self.day())
        if field.type == "date":
            return self.day()
        if field.type == "yes/no":
            return self.r.random() < self.yes
        return self.r.choice(SCORES if field.type == "number" else self.texts(kind, field))

    def texts(self, kind: Kind, field: Field) -> tuple[str, ...]:
        if field.name == "notice":
            return tuple(rule.id for rule in rules_of(self.book) if rule.tell) or KEYS[:1]
        return TEXTS.get((kind.name, field.name), KEYS[:2])
