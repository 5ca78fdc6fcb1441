"""The agenda: by looking only at those of whom something may be otherwise, alertd comes to know, writes and owes the
same as by looking at everybody each time."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alertd.agenda import entries
from alertd.alerts.muting import Guard
from alertd.cases.accounts import Account
from alertd.cases.kinds import KINDS
from alertd.cases.records import LONDON, CaseFile, Snapshot, Window, local_day, make_record
from alertd.db.agenda_tables import AgendaEntry
from alertd.db.partner_tables import Notification, NotificationEvent
from alertd.db.tables import Alert, AlertEvent, Delivery, Handling, Notice, Silence
from alertd.engine import sweep as sweeping
from alertd.engine.evaluate import Evaluator
from alertd.intake import store as intake
from alertd.intake.sync import take_in
from alertd.intake.whole import Whole
from alertd.partners.notices import NOTICE
from alertd.partners.policy import Policy, Sending
from alertd.people.directory import Directory, Person
from alertd.people.load import Staff
from alertd.rulebook.model import Rulebook
from alertd.rulebook.profiles import Held
from alertd.turn import PORTION, tick, ticks
from tests.reference.strategies import _Drawer
from tests.support.council import PEOPLE, TEAMS, Council, Inline, council_at

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 -- a folder of random name is made in it
"""What is written is of a few days, and a disk that is waited for takes most of the time."""

CHILDREN = ("C1", "C2", "C3", "C4")
_made: dict[str, Evaluator] = {}


class Compiled:
    """Each rulebook made ready once."""

    @staticmethod
    def of(rulebook: Rulebook) -> Evaluator:
        key = rulebook.model_dump_json()
        if key not in _made:
            if len(_made) > 300:
                _made.clear()
            _made[key] = Evaluator.of(rulebook)
        return _made[key]


@pytest.fixture(autouse=True)
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    monkeypatch.setattr(sweeping, "Evaluator", Compiled)
    monkeypatch.setattr(Inline, "dies_on", "")


@dataclass
class Both:
    """Two daemons in the same world: one goes by its agenda, the other looks at everybody each time."""

    by_agenda: Council
    at_all: Council
    r: random.Random
    book: Rulebook
    most: int = PORTION
    cases: dict[str, CaseFile] = field(default_factory=dict)
    window: Window = field(default_factory=Window)
    people: dict[str, Person] = field(default_factory=lambda: {p.id: p for p in PEOPLE})
    merged: dict[str, str] = field(default_factory=dict)
    happens: tuple[Callable[[Both], None], ...] = ()
    """What may happen in this world: a few things that happen often show more than all of them seldom."""

    def each(self) -> tuple[Council, Council]:
        return self.by_agenda, self.at_all

    @property
    def now(self) -> datetime:
        return self.by_agenda.now

    def set(self, **parts: Any) -> None:
        for one in self.each():
            one.house = replace(one.house, **parts)

    def rules(self, book: Rulebook) -> None:
        self.book = book
        sent = {r.id: Sending(send="automatic", since=date(2020, 1, 1)) for r in book.rules if r.kind == "notification"}
        self.set(rulebook=book, policy=Policy(sent))

    def tick(self) -> None:
        """Both look: the one at whom its agenda names, tick by tick or one while the last is committed; the other as if
        it had never looked before."""
        some, turns = partial(tick, self.by_agenda.house, most=self.most), count()
        if self.r.random() < 0.5:
            some = partial(ticks, self.by_agenda.house, most=self.most, enough=lambda: next(turns) > 200)
        for _ in range(100):
            if not some().waiting:
                break
        else:
            raise AssertionError("the agenda never comes to its end")
        with Session(self.at_all.house.engine) as session, session.begin():
            entries.forget(session)
        assert tick(self.at_all.house).waiting == 0

    # What may happen between two looks.

    def time_passes(self) -> None:
        luck, ahead = self.r.random(), None
        if luck < 0.4:
            with Session(self.by_agenda.house.engine) as session:
                ahead = session.scalar(select(func.min(AgendaEntry.due_at)))
        span = self.r.choice((timedelta(seconds=40), timedelta(hours=7), timedelta(days=1), timedelta(days=20)))
        at = ahead if ahead and ahead > self.now else self.now + span * self.r.random()
        for one in self.each():
            one.now = at

    def clock_is_set_back(self) -> None:
        at = self.now - self.r.choice((timedelta(milliseconds=3), timedelta(hours=3), timedelta(days=9)))
        for one in self.each():
            one.now = at

    def feed_is_read(self) -> None:
        accounts = {"child": Account(len(self.cases), len(self.cases))}
        cases = [replace(c, window=self.window, windows={}, latest=frozenset()) for c in self.cases.values()]
        holds = frozenset(KINDS) - {NOTICE}
        snapshot = Snapshot("made up", sorted(cases, key=lambda c: c.child), holds, self.window, accounts)
        for one in self.each():
            take_in(one.house.engine, "feed", Whole(snapshot), self.now, max_loss=1.0, accept=True)

    def child_changes(self) -> None:
        child = self.r.choice(CHILDREN)
        if child in self.cases and self.r.random() < 0.2:
            del self.cases[child]
        else:
            self.cases[child] = self.a_case(child)
        self.feed_is_read()

    def a_case(self, child: str) -> CaseFile:
        made: CaseFile = _Drawer(self.r, child, self.book).example().case
        start = self.now.date() - timedelta(days=self.r.randint(-20, 300))
        worker = {"start": start, "team": self.r.choice(("T1", "T2")), "worker": self.r.choice(("W1", "W2"))}
        records = [r for r in made.records if r.kind not in (NOTICE, "allocation")]
        records.append(make_record("allocation", child, "A1", f"{child} allocation.csv:1", worker))
        return replace(made, records=tuple(sorted(records, key=lambda r: r.kind)))

    def window_moves(self) -> None:
        days = timedelta(days=self.r.choice((1, 1, 1, 30, 365, -1)))
        start, end = self.window.start, self.window.end
        if self.r.random() < 0.15:
            self.window = self.r.choice((Window(), Window(self.now.date() - timedelta(days=200), None)))
        elif self.r.random() < 0.15:
            self.window = Window(start, self.now.date() - timedelta(days=self.r.randint(0, 40)))
        else:
            self.window = Window(start and start + days, end and end + days)
        self.feed_is_read()

    def reading_is_refused(self) -> None:
        for one in self.each():
            with Session(one.house.engine) as session, session.begin():
                intake.refused(session, "feed", "made up", self.now, "the feed is locked")

    def rule_changes(self) -> None:
        luck, rules = self.r.random(), list(self.book.rules)
        if not rules:
            return
        at = self.r.randrange(len(rules))
        if luck < 0.4:
            rules[at] = rules[at].model_copy(update={"shadow": "" if rules[at].shadow else "not adopted"})
            self.rules(self.book.model_copy(update={"rules": tuple(rules)}))
        elif luck < 0.6:
            rules[at] = rules[at].model_copy(update={"enabled": not rules[at].enabled})
            self.rules(self.book.model_copy(update={"rules": tuple(rules)}))
        elif luck < 0.8:
            teams = dict(self.book.teams)
            if teams.pop("T2", None) is None:
                teams["T2"] = self.book.model_copy(update={"rules": tuple(rules[:at]), "teams": {}})
            self.rules(self.book.model_copy(update={"teams": teams}))
        else:
            self.set(guard=Guard(self.r.choice((0.2, 0.5, 1.0)), self.r.choice((1, 2, 50)), self.some_rules()))

    def some_rules(self) -> frozenset[str]:
        return frozenset(rule.id for rule in self.book.rules if self.r.random() < 0.3)

    def silence(self) -> None:
        begins = self.now + timedelta(hours=self.r.randint(-5, 30))
        rules = sorted(self.some_rules()) if self.r.random() < 0.5 else []
        until = begins + timedelta(hours=self.r.randint(6, 100))
        for one in self.each():
            with Session(one.house.engine) as session, session.begin():
                standing = session.scalars(select(Silence).where(Silence.ended_at.is_(None))).first()
                if standing and len(rules) % 2:
                    standing.ended_at, standing.ended_by = self.now, "M1"
                else:
                    session.add(
                        Silence(rules=rules, teams=["T1"], starts=begins, until=until, by="M1", at=self.now, reason="r")
                    )

    def somebody_says_something(self) -> None:
        kind = self.r.choice(("claim", "accept", "hand_over", "dispute", "snooze"))
        by, until = self.r.choice(("W1", "M1", "S1", "H1")), self.now + timedelta(hours=self.r.randint(1, 200))
        choice, end = self.r.random(), self.r.random() < 0.3
        for one in self.each():
            with Session(one.house.engine) as session, session.begin():
                open_ones = sorted(session.scalars(select(Alert).where(Alert.state == "open")), key=identity)
                said = session.scalars(select(Handling).where(Handling.ended_at.is_(None)).order_by(Handling.id)).all()
                if end and said:
                    row = said[int(choice * len(said))]
                    row.ended_at, row.ended_by, row.ended_why = self.now, by, "undone: no"
                elif open_ones:
                    alert = open_ones[int(choice * len(open_ones))]
                    to = "W2" if kind == "hand_over" else None
                    term = until if kind in ("claim", "accept", "snooze") else None
                    session.add(
                        Handling(alert_id=alert.id, kind=kind, by=by, at=self.now, reason="r", until=term, to=to)
                    )

    def staff_changes(self) -> None:
        who = self.r.choice(("W1", "M1", "S1", "W2"))
        today = local_day(self.now)
        self.people[who] = replace(
            self.people[who],
            team=self.r.choice(("T1", "T2", "SV")),
            role=self.r.choice(("worker", "team_manager", "service_manager")),
            leaves=self.r.choice((None, None, today, today + timedelta(days=2))),
        )
        directory = Directory(dict(self.people), TWO_TEAMS, "duty@council.example")
        self.set(staff=Staff((), lambda: directory))

    def numbers_are_merged(self) -> None:
        old, new = self.r.sample(CHILDREN, 2)
        if self.merged and self.r.random() < 0.4:
            self.merged.pop(next(iter(self.merged)))
        elif new not in self.merged and old not in self.merged.values():
            self.merged[old] = new
        self.set(merged=dict(self.merged))

    def agency_is_told(self) -> None:
        choice, day = self.r.random(), self.now
        for one in self.each():
            with Session(one.house.engine) as session, session.begin():
                duties = [a for a in session.scalars(select(Alert)) if a.rule in one.house.policy.sent]
                told = session.scalars(select(Notification).where(Notification.acknowledged_at.is_(None))).all()
                if told and choice < 0.4:
                    row = min(told, key=lambda n: n.id)
                    row.state, row.acknowledged_at = "acknowledged", day
                elif duties:
                    alert = sorted(duties, key=identity)[int(choice * len(duties))]
                    there = select(func.count()).select_from(Notification).where(Notification.alert_id == alert.id)
                    if session.scalar(there):
                        continue
                    row = Notification(
                        alert_id=alert.id, kind="police", agency="p", reference=f"R{alert.id}", receipt="3 days",
                        state="sent", created_at=day, sent_at=day,
                    )  # fmt: skip
                    session.add(row)
                    session.flush()
                else:
                    continue
                session.add(
                    NotificationEvent(notification_id=row.id, at=day, by="alertd", from_state="ready", to_state="sent")
                )


TWO_TEAMS = {**TEAMS, "T2": replace(TEAMS["T1"], id="T2")}
HAPPENS: tuple[Callable[[Both], None], ...] = (
    Both.time_passes,
    Both.time_passes,
    Both.time_passes,
    Both.child_changes,
    Both.child_changes,
    Both.window_moves,
    Both.feed_is_read,
    Both.rule_changes,
    Both.silence,
    Both.somebody_says_something,
    Both.somebody_says_something,
    Both.staff_changes,
    Both.numbers_are_merged,
    Both.agency_is_told,
    Both.clock_is_set_back,
    Both.reading_is_refused,
)


def identity(alert: Alert) -> tuple[str, str, str, str]:
    return alert.rule, alert.child, alert.record, alert.occurrence


def plain(finding: dict[str, Any]) -> str:
    """Without words that name the day on which somebody looked, and what follows from it."""
    cannot = finding.get("cannot_tell")
    found = {**finding, "cannot_tell": cannot and {**cannot, "text": ""}}
    return json.dumps({**found, "changes": None} if found["stage"] == "unknown" else found, sort_keys=True)


def alerts(council: Council) -> dict[Any, Any]:
    with Session(council.house.engine) as session:
        return {
            identity(a): (
                *(a.state, a.stage, a.level, a.closed_as, a.worker, a.team, a.muted, a.timing, a.household),
                *(a.opened_at, a.changed_at, plain(a.finding)),
            )
            for a in session.scalars(select(Alert))
        }


def differing(one: dict[Any, Any], other: dict[Any, Any]) -> list[str]:
    """What is said otherwise of an alert, in words."""
    found = []
    for key in sorted({*one, *other}):
        pairs = zip(one.get(key, ("none",)), other.get(key, ("none",)), strict=False)
        found += [f"{key}: {a} and not {b}" for a, b in pairs if a != b]
    return found


def told(council: Council) -> tuple[list[Any], list[Any]]:
    """Every event, and every notice with the change it hangs on, each with the alert it is of."""
    with Session(council.house.engine) as session:
        events, notices = [], []
        for alert, e in session.execute(select(Alert, AlertEvent).join(AlertEvent, AlertEvent.alert_id == Alert.id)):
            events.append((*identity(alert), e.at, e.reason, str(e.from_stage), e.to_stage, e.level, e.late))
        wanted = select(Alert, AlertEvent, Notice).join(Notice, Notice.alert_id == Alert.id)
        for alert, e, n in session.execute(wanted.join(AlertEvent, AlertEvent.id == Notice.event_id)):
            notices.append((*identity(alert), e.at, e.reason, n.role, n.reason, n.urgent, str(n.dropped)))
        return sorted(events), sorted(notices)


def operators(council: Council) -> list[tuple[str, str]]:
    """Who was told of what, of alertd itself."""
    with Session(council.house.engine) as session:
        rows = session.execute(select(Delivery.person, Delivery.digest_for).where(Delivery.digest_for.is_not(None)))
        return sorted((person, str(about)) for person, about in rows)


def both(folder: Path, seed: int, most: int = PORTION) -> Both:
    r = random.Random(seed)
    for name in ("agenda", "all"):
        (folder / name).mkdir()
    councils = [council_at(folder / name, f"sqlite:///{folder / name / 'alertd.db'}") for name in ("agenda", "all")]
    drawer = _Drawer(r, "C1")
    made = Both(councils[0], councils[1], r, drawer.book, most)
    made.happens = (Both.time_passes, *r.sample(HAPPENS, 5))
    held = Held(claim="team_manager", accept="own level", because="it is known")
    ladders = {name: ladder.model_copy(update={"held_by": held}) for name, ladder in drawer.book.ladders.items()}
    made.rules(drawer.book.model_copy(update={"ladders": ladders}))
    made.set(guard=Guard(r.choice((0.3, 1.0)), r.choice((1, 2, 50))))
    made.people["W2"] = replace(made.people["W2"], team="T2")
    directory = Directory(dict(made.people), TWO_TEAMS, "duty@council.example")
    made.set(staff=Staff((), lambda: directory))
    for one in councils:
        one.now = datetime.combine(drawer.now, time(9), LONDON)
    for child in CHILDREN[:3]:
        made.cases[child] = made.a_case(child)
    if r.random() < 0.6:
        made.window = Window(drawer.now - timedelta(days=r.choice((30, 100, 400))), None)
    made.feed_is_read()
    return made


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],  # a number cannot be made smaller
)
@given(st.integers(0, 2**32 - 1))
def test_what_is_known_written_and_owed_is_the_same_as_if_everybody_were_looked_at(seed: int) -> None:
    with TemporaryDirectory(dir=MEMORY) as folder:
        here = both(Path(folder), seed)
        history = []
        try:
            here.tick()
            for _ in range(14):
                for what in here.r.sample(here.happens, here.r.choice((1, 1, 2))):
                    history.append(f"{what.__name__} {here.now}")
                    what(here)
                here.tick()
                assert differing(alerts(here.by_agenda), alerts(here.at_all)) == [], history[-4:]
                assert told(here.by_agenda) == told(here.at_all), history[-4:]
                assert operators(here.by_agenda) == operators(here.at_all), history[-4:]
        finally:
            for one in here.each():
                one.house.engine.dispose()


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(st.integers(0, 2**32 - 1))
def test_in_portions_the_same_alerts_come_about_and_the_same_roles_hear_of_them(seed: int) -> None:
    """What rules find that have told nobody is counted first, and told when all were looked at."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        here = both(Path(folder), seed, most=1)
        try:
            here.tick()
            for _ in range(8):
                for what in here.r.sample(here.happens, 1):
                    what(here)
                here.tick()
                assert differing(in_portions(here.by_agenda), in_portions(here.at_all)) == []
                heard = [{(*notice[:4], notice[6]) for notice in told(one)[1]} for one in here.each()]
                assert heard[0] == heard[1]
        finally:
            for one in here.each():
                one.house.engine.dispose()


def in_portions(council: Council) -> dict[Any, Any]:
    """Without when each was last changed: that it is told is a change of its own. And without the numbers of
    notifications, which are given in the order in which children come."""
    return {
        key: (*said[:-2], re.sub(r"notification R\d+", "notification", said[-1]))
        for key, said in alerts(council).items()
    }
