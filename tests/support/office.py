"""A database with open alerts in it, and the people told of them: what composing is tested on."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from email.message import EmailMessage
from itertools import count
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from alertd.alerts import handlings, store
from alertd.alerts.lifecycle import Transition
from alertd.alerts.reconcile import reconcile
from alertd.calendars.calendar import calendar_for
from alertd.cases.holding import Holding
from alertd.cases.records import LONDON
from alertd.db.tables import Delivery, Notice
from alertd.engine.findings import CannotTell, Finding
from alertd.outbox.compose import Composed, compose
from alertd.outbox.deliver import Composer
from alertd.people.directory import Directory, Person, Team
from alertd.routing.route import NoticeFor, route
from alertd.rulebook.model import Rulebook


def _rule(id_: str, title: str, ladder: str) -> dict[str, Any]:
    return {
        "id": id_,
        "title": title,
        "why": "Because.",
        "law": {"cite": "SI 1", "confidence": "V"},
        "for": "care_period",
        "clock": {"from": "start", "within": "20 working days"},
        "until": {"record": "cla_review"},
        "clears": "A review is recorded.",
        "warn": "D",
        "escalate": ladder,
    }


LINE = [
    {"tell": ["worker", "team_manager"]},
    {"after": "1 working day", "tell": ["service_manager"]},
]
HELD_BY = {"claim": "every step", "accept": "own level", "because": "A visit not yet typed is no drift."}
BOOK = Rulebook.model_validate(
    {
        "rules": [_rule("plain.review", "Review", "L"), _rule("urgent.visit", "Visit", "U")],
        "warnings": {"D": {"title": "t", "at": [{"before": "2 working days"}]}},
        "ladders": {
            "L": {"title": "t", "steps": LINE, "held_by": HELD_BY},
            "U": {"title": "t", "steps": LINE, "urgent": True},
        },
    }
)
PEOPLE = [
    Person("W1", "Ade", "ade@council.example", "worker", "T1"),
    Person("W2", "Bo", "bo@council.example", "worker", "T1", deputy="W1"),
    Person("M1", "Cy", "cy@council.example", "team_manager", "T1"),
    Person("S1", "Di", "di@council.example", "service_manager", "SV"),
    Person("D1", "Ed", "ed@council.example", "data_owner", "SV"),
    Person("Q1", "Flo", "flo@council.example", "quality_assurance", "SV"),
]
TEAMS = {
    "SV": Team("SV", "Service"),
    "T1": Team("T1", "North", "SV", "north@council.example"),
    "T2": Team("T2", "East"),
}
CALENDAR = calendar_for("england-and-wales")


def at(day: int, hour: int = 9, minute: int = 0, month: int = 11) -> datetime:
    """A London time in November 2026 (the 26th is a Thursday) or another month."""
    return datetime(2026, month, day, hour, minute, tzinfo=LONDON)


def review(stage: str, child: str = "C1", **changes: Any) -> Finding:
    due = date(2026, 11, 27)
    base = Finding(
        "plain.review", child, "care_period:L1", "start", "running",
        start=date(2026, 10, 30), due=due, binding="statutory", statutory=due, limit="20 working days", where="L1",
    )  # fmt: skip
    if stage == "unknown":
        changes = {"cannot_tell": CannotTell("missing", "start", "L1", "no start is recorded"), **changes}
    return replace(base, **{"stage": stage, **changes})


def visit(stage: str, child: str = "C1", **changes: Any) -> Finding:
    return review(stage, child, **{"rule": "urgent.visit", **changes})


def _route(transition: Transition) -> tuple[NoticeFor, ...]:
    rule = BOOK.rule(transition.finding.rule)
    assert rule
    return route(transition, rule, BOOK)


@dataclass(slots=True)
class Office:
    """A database with what is open in it, and the people told of it."""

    engine: Engine
    held: dict[str, Holding] = field(default_factory=dict)
    families: dict[str, str] = field(default_factory=dict)
    composer: Composer = field(init=False)

    def __post_init__(self) -> None:
        numbers = count(1)
        self.composer = Composer(
            Directory({p.id: p for p in PEOPLE}, TEAMS, "duty@council.example"),
            BOOK,
            CALENDAR,
            "alertd@council.example",
            time(8),
            lambda: f"m{next(numbers)}",
        )

    def change(self, person: str, **what: Any) -> None:
        """Something about somebody changes in the staff directory."""
        people = dict(self.composer.directory.people)
        people[person] = replace(people[person], **what)
        self.composer = replace(self.composer, directory=replace(self.composer.directory, people=people))

    def look(self, now: datetime, *world: Finding) -> None:
        """One evaluation: this is all that is true now."""
        holdings = {f.child: self.held.get(f.child, Holding("W1", "T1")) for f in world}
        with Session(self.engine) as session, session.begin():
            known = store.last_told(session)
            handlings.lapse(session, now, CALENDAR, self.composer.directory)
            reached = handlings.reached(handlings.handled(session), self.composer.directory, holdings, lambda _: BOOK)
            done = reconcile(world, known, now, present=lambda *_: True, holdings=holdings, reached=reached)
            store.apply(session, done, now, _route, holdings, families=self.families)

    def compose(self, now: datetime) -> Composed:
        with Session(self.engine) as session, session.begin():
            return compose(session, self.composer, now)

    def messages(self) -> list[tuple[Delivery, EmailMessage]]:
        with Session(self.engine) as session:
            rows = session.scalars(select(Delivery).order_by(Delivery.created_at, Delivery.person, Delivery.id)).all()
        return [(d, email.message_from_bytes(d.message, policy=email.policy.default)) for d in rows]  # type: ignore[misc]

    def told(self) -> list[tuple[str, str]]:
        """Everybody told so far, with the subject."""
        return [(d.person, str(m["Subject"])) for d, m in self.messages()]

    def text(self, number: int = -1) -> str:
        body = self.messages()[number][1].get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    def notices(self) -> list[tuple[str, str | None, str | None]]:
        """(role, the delivery that told it, why nobody needs telling) of every notice."""
        with Session(self.engine) as session:
            found = session.scalars(select(Notice).order_by(Notice.id))
            return [(n.role, n.composed_into, n.dropped) for n in found]
