"""Two daemons in one made-up world, and what may happen in it between two looks."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alertd.agenda import entries
from alertd.alerts.muting import Guard
from alertd.cases.accounts import Account
from alertd.cases.kinds import KINDS
from alertd.cases.records import LONDON, CaseFile, Snapshot, Window, local_day, make_record
from alertd.db.agenda_tables import AgendaEntry
from alertd.db.partner_tables import Notification, NotificationEvent
from alertd.db.tables import Alert, Handling, Silence
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
from tests.support.council import PEOPLE, TEAMS, Council, council_at

CHILDREN = ("C1", "C2", "C3", "C4")


def identity(alert: Alert) -> tuple[str, str, str, str]:
    return alert.rule, alert.child, alert.record, alert.occurrence


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
