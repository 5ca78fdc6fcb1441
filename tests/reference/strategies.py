"""Random but meaningful rulebooks and cases: dates crowd around the days on which something changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from random import Random
from typing import Any, NamedTuple

from hypothesis import strategies as st

from alertd.cases.kinds import KINDS, Field, Kind
from alertd.cases.records import LONDON, CaseFile, DoubtCause, Record, Unreadable, Window, make_record
from alertd.rulebook.model import Birthday, Rule, Rulebook
from tests.reference.days import add, birthday, day_of

SEED, POOL = 20261126, 150
WINDOW_OPENS = date(2025, 1, 1)
TEXTS = {
    ("assessment", "outcome"): ("services", "nfa", "other"),
    ("s47", "outcome"): ("open", "conference", "no_conference"),
    ("placement", "type"): ("U1", "K2", "H5"),
    ("placement", "change_reason"): ("PLAN", "ALLEG"),
    ("health_assessment", "type"): ("initial", "review", "dental", "other"),
    ("health_assessment", "status"): ("completed", "planned", "refused"),
    ("missing", "type"): ("missing", "away"),
}
KEYS = ("1", "2", "3", "4", "5", "6", "7")
SCORES = (0, 3, 5, 9, 10, 17, 20, 21)
TIMES = (time(0, 0, 1), time(1, 30), time(4), time(12), time(20), time(23, 59, 58))
CAUSES: tuple[DoubtCause, ...] = ("unreadable", "conflict", "window")

# What may sensibly stop what: the anchor's kind, then the `until` to choose from.
UNTIL: dict[str, tuple[dict[str, Any], ...]] = {
    "care_period": (
        {"record": "cla_review"},
        {"record": "cla_visit", "where": {"child_seen": True}},
        {"record": "cla_visit", "where": {"child_seen": {"not": False}, "seen_alone": True}},
        {"record": "health_assessment", "where": {"type": {"in": ["initial", "review"]}, "status": "completed"}},
        {"record": "sdq", "where": {"score": {"at_least": 3, "at_most": 20}}},
        {"record": "assessment", "on": "authorised", "where": {"referral": "this.referral"}},
    ),
    "placement": (
        {"record": "cla_visit", "where": {"child_seen": True}},
        {"record": "cla_visit"},
        {"record": "placement_plan", "where": {"placement": "this.id"}},
    ),
    "cp_plan": (
        {"record": "cp_visit", "where": {"child_seen": True}},
        {"record": "cp_visit", "where": {"bedroom_seen": {"not": False}}},
        {"record": "cp_review"},
        {"record": "cp_review", "where": {"quorate": True}},
    ),
    "s47": (
        {"record": "icpc", "where": {"transfer_in": {"not": True}, "s47": "this.id"}},
        {"record": "icpc", "where": {"s47": "this.id"}},
        {
            "record": "assessment",
            "on": "authorised",
            "where": {
                "child_seen": {"not": False},
                "referral": "this.referral",
                "outcome": {"in": ["nfa", "services"]},
            },
        },
        {"record": "icpc", "where": {"s47": "this.id", "transfer_in": {"not": True}}},
        {"record": "assessment", "on": "end", "where": {"referral": "this.referral", "outcome": {"not": "nfa"}}},
        {"own": "end"},
    ),
    "referral": (
        {"record": "assessment", "on": "authorised", "where": {"referral": "this.id"}},
        {"record": "assessment", "where": {"referral": "this.id", "child_seen": True}},
        {"record": "assessment", "where": {"outcome": {"in": ["services", "other"]}, "referral": "this.id"}},
        {"record": "assessment", "where": {"child_seen": True, "referral": "this.id", "outcome": {"not": "nfa"}}},
        {"record": "referral_decision", "where": {"referral": "this.id"}},
        {"own": "end"},
    ),
    "assessment": (
        {"own": "authorised"},
        {"own": "end"},
        {"record": "referral_decision", "where": {"referral": "this.referral"}},
        {"record": "s47", "where": {"referral": "this.referral"}},
        {"record": "s47", "where": {"outcome": {"in": ["open", "conference"]}, "referral": "this.referral"}},
    ),
    "missing": (
        {"record": "return_interview", "where": {"missing": "this.id"}},
        {"record": "return_interview"},
        {"own": "end"},
    ),
    "child": (
        {"record": "health_assessment", "where": {"type": "initial"}},
        {"record": "cla_visit"},
    ),
    "icpc": ({"record": "cp_plan"}, {"record": "cp_review"}),
    "sdq": ({"record": "health_assessment"}, {"record": "sdq", "where": {"score": {"at_most": 10}}}),
}
WHERE: dict[str, tuple[dict[str, Any], ...]] = {
    "referral": ({"nfa": {"not": True}}, {"nfa": False}),
    "assessment": ({"outcome": {"in": ["services", "other"]}}, {"child_seen": True, "outcome": {"not": "nfa"}}),
    "s47": ({"outcome": "conference"}, {"outcome": {"not": "no_conference"}}),
    "placement": ({"type": {"in": ["U1", "K2"]}}, {"type": {"not": "H5"}, "change_reason": "PLAN"}),
    "cp_plan": ({"other_authority": {"not": True}},),
    "missing": ({"type": "missing"}, {"interview_offered": True, "type": {"not": "away"}}),
    "icpc": ({"transfer_in": False},),
    "sdq": ({"score": {"at_least": 5}}, {"score": {"at_most": 17, "not": 9}}),
}
ORIGINS: dict[str, tuple[list[str], ...]] = {
    "care_period": (["start"],),
    "placement": (["start"],),
    "cp_plan": (["conference", "start"], ["start"], ["conference"]),
    "s47": (["start"], ["end", "start"]),
    "referral": (["start"],),
    "assessment": (["start"], ["authorised"]),
    "missing": (["end"], ["start"], ["end", "start"]),
    "child": (["born"], ["expected", "born"]),
    "icpc": (["happened"],),
    "sdq": (["happened"],),
}
PLANS = {"cla_review": "due_on", "cp_review": "due_on", "icpc": "due_on"}

LENGTHS: tuple[str, ...] = (
    "1 working day",
    "2 working days",
    "10 working days",
    "15 working days",
    "45 working days",
    "1 calendar day",
)
LENGTHS += ("5 calendar days", "7 calendar days", "28 calendar days", "1 week", "4 weeks", "6 weeks", "12 weeks")
LENGTHS += ("1 month", "3 months", "6 months", "1 year")
HOURS = ("4 hours", "24 hours", "72 hours")
SHORT: tuple[str, ...] = (
    "1 working day",
    "3 working days",
    "10 working days",
    "2 calendar days",
    "10 calendar days",
    "1 week",
)
SHORT += ("1 month", "4 hours", "12 hours", "36 hours")
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)


# --- rulebooks ----------------------------------------------------------------------------------------------------


def _length(r: Random, pool: tuple[str, ...]) -> Any:
    if r.random() < 0.7:
        return r.choice(pool)
    if r.random() < 0.5:
        named = {"setting": r.choice(("alpha.days", "beta.days", "gamma.days"))}
        return {**named, "default": r.choice(pool)} if r.random() < 0.5 else {**named, "no_default": True}
    changed = [{"from": date(2025, r.randint(1, 12), 1), "value": r.choice(pool)} for _ in range(r.randint(1, 2))]
    return changed if r.random() < 0.4 else [{"value": r.choice(pool)}, *changed]


def _clock(r: Random, for_: str, until: dict[str, Any]) -> dict[str, Any]:
    hours = r.random() < (0.5 if for_ in ("missing", "referral") else 0.1)
    pool = HOURS if hours else LENGTHS
    clock: dict[str, Any] = {"every" if "record" in until and r.random() < 0.5 else "within": _length(r, pool)}
    kind_of_origin = r.random()
    clock["from"] = r.choice(ORIGINS[for_])
    if "record" in until and kind_of_origin < 0.3:
        nth = r.choice(("1", "2", "3", "1 and later", "2 and later", "3 and later"))
        clock["from"] = {"record": until["record"], "nth": nth}
    elif kind_of_origin < 0.42:
        clock["from"] = {"birthday": r.choice((0, 1, 5, 16, 18))}
    if r.random() < 0.2:
        clock["local"] = _length(r, LENGTHS + HOURS if r.random() < 0.2 else pool)
    if until.get("record") in PLANS and r.random() < 0.6:
        clock["plan"] = PLANS[until["record"]]
    if r.random() < 0.2:
        clock["starting"] = {r.choice(("within", "after")): r.choice(("1 month", "20 working days", "12 weeks"))}
    if r.random() < 0.2:
        clock["count_from"] = "same_day"
    return clock


def _rule(r: Random, number: int, for_: str) -> Rule:
    until = r.choice(UNTIL[for_])
    clock = _clock(r, for_, until)
    if "record" in until and not (isinstance(clock["from"], dict) and "record" in clock["from"]) and r.random() < 0.2:
        until = {**until, "early": r.choice(("5 calendar days", "2 weeks", "12 weeks"))}
    raw: dict[str, Any] = {
        "id": f"test.rule{number}",
        "title": "A rule",
        "why": "To test",
        "law": {"cite": "none", "confidence": r.choice(("V", "V", "V†", "V*", "P", "K", "K/P"))},
        "for": for_,
        "where": r.choice(WHERE[for_]) if for_ in WHERE and r.random() < 0.5 else {},
        "clock": clock,
        "until": until,
        "clears": "It is done",
        "warn": f"W{r.randint(0, 5)}",
        "escalate": f"L{r.randint(0, 3)}",
        "enabled": r.random() < 0.95,
    }
    if r.random() < 0.2:
        raw["age"] = r.choice(({"under": 5}, {"from": 5}, {"from": 1, "under": 16}, {"under": 1}))
    return Rule.model_validate(raw)


def _checkpoint(r: Random) -> dict[str, Any]:
    return r.choice(
        ({"before": r.choice(SHORT)}, {"after": r.choice(SHORT)}, {"at_share": r.choice(SHARES)}, {"at_start": True})
    )


def _step(r: Random) -> dict[str, Any]:
    where = r.choice(
        ({}, {"after": r.choice(SHORT)}, {"after": r.choice(SHORT)}, {"before": r.choice(SHORT)}, {"at_share": 0.5})
    )
    return {"tell": ("worker",), **where}


def _rulebook(r: Random) -> Rulebook:
    """Rules about two kinds of record at most, so that a case of few records has much to say to them."""
    anchors = r.sample(list(UNTIL), 2)
    return Rulebook.model_validate(
        {
            "rules": tuple(_rule(r, number, r.choice(anchors)) for number in range(r.randint(1, 6))),
            "warnings": {
                f"W{i}": {"title": "W", "at": tuple(_checkpoint(r) for _ in range(min(i, 4)))} for i in range(6)
            },
            "ladders": {
                f"L{i}": {"title": "L", "steps": tuple(_step(r) for _ in range(r.randint(1, 4)))} for i in range(4)
            },
            "settings": {name: r.choice(LENGTHS) for name in ("alpha.days", "beta.days") if r.random() < 0.5},
            "nation": r.choice(("england-and-wales", "england-and-wales", "scotland", "northern-ireland")),
        }
    )


@cache
def rulebooks() -> tuple[Rulebook, ...]:
    """The same pool in every session: building a ruleset costs far more than judging a case with it."""
    r = Random(SEED)
    return tuple(_rulebook(r) for _ in range(POOL))


# --- cases --------------------------------------------------------------------------------------------------------


class Example(NamedTuple):
    """One thing to judge."""

    case: CaseFile
    book: Rulebook
    as_of: datetime

    def __repr__(self) -> str:
        """Short: the test that fails shows the case and the rules in question."""
        number = next(i for i, book in enumerate(rulebooks()) if book is self.book)
        return f"rulebook {number}, {len(self.case.records)} records, as of {self.as_of}"


def landmarks(book: Rulebook, base: date) -> list[date]:
    """The days on which a clock of these rules counted from ``base`` changes, and their neighbours."""
    days = {base}
    for rule in book.enabled:
        for length in (book.limit(rule, base), book.local_limit(rule, base)):
            if length and length.unit == "hour":
                days.add(base + timedelta(hours=length.n))
            elif length:
                first = add(base, length, book.nation)
                days |= {day_of(first), day_of(add(first, length, book.nation))}
        starting = rule.clock.starting
        span = starting and (starting.within or starting.after)
        if span:
            days.add(day_of(add(base, span, book.nation)))
    return sorted({day + timedelta(n) for day in days for n in (-1, 0, 1)})


SEEDS = st.integers(0, 2**32)


@st.composite
def examples(draw: st.DrawFn, child: str = "C1") -> Example:
    """A rulebook of the pool, a case its rules have something to say about, and an instant.

    Hypothesis chooses the rulebook and one number a record, so records can be left out on shrinking;
    drawing every field through it would cost five times the time of judging the case.
    """
    book = rulebooks()[draw(st.integers(0, POOL - 1))]
    base = WINDOW_OPENS + timedelta(draw(st.integers(0, 600)))
    seeds = draw(st.lists(SEEDS, max_size=20))
    return _Drawer(Random(draw(SEEDS)), book, base, child).example(seeds)


class _Drawer:
    """Makes one example: every date is drawn from the same few days."""

    def __init__(self, r: Random, book: Rulebook, base: date, child: str) -> None:
        self.r, self.book, self.base, self.child = r, book, base, child
        self.days = landmarks(book, base)
        self.used = [base]
        self.blank, self.doubt = r.choice(((0.02, 0.01), (0.05, 0.03), (0.25, 0.05)))
        self.kinds = sorted(set().union(*(rule.needs for rule in book.enabled))) or ["child"]
        self.anchors = sorted({rule.for_ for rule in book.enabled} - {"child"}) or self.kinds

    def example(self, seeds: list[int]) -> Example:
        r, as_of = self.r, self.instant()
        records: dict[tuple[str, str], Record] = {}
        if "child" in self.kinds and self.r.random() < 0.9:
            records["child", self.child] = self.the_child()
        for number, seed in enumerate(seeds):
            self.r = Random(seed)
            record = self.record(number)
            if record.kind != "child":
                records.setdefault((record.kind, record.key), record)
        self.r = r
        return Example(CaseFile(self.child, tuple(records.values()), self.window()), self.book, as_of)

    def day(self) -> date:
        luck = self.r.random()
        if luck < 0.5:
            return self.r.choice(self.used)
        day = self.r.choice(self.days) if luck < 0.8 else self.base + timedelta(self.r.randint(-60, 500))
        self.used.append(day)
        return day

    def instant(self) -> datetime:
        """Mostly the end of the day in London; else its beginning, or some second of it."""
        luck = self.r.random()
        hms = time(23, 59, 59) if luck < 0.6 else time(0) if luck < 0.8 else self.r.choice(TIMES)
        moment = datetime.combine(self.day(), hms, LONDON)
        return moment.astimezone(UTC) if self.r.random() < 0.3 else moment

    def window(self) -> Window:
        late = self.day() + timedelta(self.r.choice((1, 1, 0, -1, -365)))
        return Window(late if self.r.random() < 0.35 else None, self.day() if self.r.random() < 0.2 else None)

    def the_child(self) -> Record:
        """A child whose birthdays fall near the base day; sometimes one born on 29 February."""
        ages = [r.clock.from_.birthday for r in self.book.enabled if isinstance(r.clock.from_, Birthday)]
        ages += [n for r in self.book.enabled if r.age for n in (r.age.under, r.age.from_) if n is not None]
        years = self.r.choice([*ages, 0, 7])
        born = birthday(self.base - timedelta(self.r.randint(-3, 40)), -years)
        leap = date(2024 - years // 4 * 4, 2, 29)
        raw = {
            "born": self.r.choice([born] * 7 + [leap, None, Unreadable("odd")]),
            "expected": self.r.choice([None, None, self.base]),
            "died": self.day() if self.r.random() < 0.1 else None,
        }
        return make_record("child", self.child, self.child, "child.csv:1", raw)

    def record(self, number: int) -> Record:
        name = self.r.choice(self.kinds if number and number % 4 else self.anchors)
        key = self.r.choice(KEYS[: 2 if name in self.anchors else 7])
        kind = KINDS[name]
        raw = {f.name: self.value(kind, f) for f in kind.fields}
        if number < 2 and self.r.random() < 0.75:
            raw[kind.begins] = self.base
        return make_record(name, self.child, key, f"{name}.csv:{number}", raw)

    def value(self, kind: Kind, field: Field) -> object:
        """A field filled, blank or in doubt; an end is blank more often than not."""
        luck = self.r.random()
        if luck > 1 - self.doubt:
            return Unreadable("odd", self.r.choice(CAUSES))
        if luck < (0.6 if field.name == kind.ends else 0.45 if field.name == "due_on" else self.blank):
            return None
        if field.type == "moment":
            return self.day() if luck < 0.7 else self.instant()
        if field.type == "date":
            return self.day()
        if field.type == "yes/no":
            return self.r.random() < 0.75
        return self.r.choice(SCORES if field.type == "number" else TEXTS.get((kind.name, field.name), KEYS[:2]))
