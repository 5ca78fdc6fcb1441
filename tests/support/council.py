"""A council small enough to write down: an SSD database filled row by row, a daemon, and its mail."""

from __future__ import annotations

import asyncio
import email
import email.policy
import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import create_engine, delete, insert, select, text, update
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from alertd import sending
from alertd.bootstrap import House
from alertd.calendars.calendar import calendar_for
from alertd.cases.records import LONDON
from alertd.db.tables import Alert, AlertEvent
from alertd.evaluation import Evaluated, evaluate_once
from alertd.outbox.channel import Message, Outcome, Pace
from alertd.outbox.deliver import Composer
from alertd.people.directory import Directory, Person, Team
from alertd.people.load import Staff
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.load import load_rulebook
from alertd.settings import Settings
from alertd.synth.schema import metadata
from tests.support.databases import opened

ALL_RULES = load_rulebook([builtin_pack("england")], settings={"cp.visit.interval": "10 working days"})
RULES = ALL_RULES.model_copy(
    update={"rules": tuple(r for r in ALL_RULES.rules if r.id in ("cla.review.first", "cp.visit", "lc.review"))}
)
PEOPLE = [
    Person("W1", "Ade", "ade@council.example", "worker", "T1"),
    Person("W2", "Bo", "bo@council.example", "worker", "T1"),
    Person("M1", "Cy", "cy@council.example", "team_manager", "T1"),
    Person("S1", "Di", "di@council.example", "service_manager", "SV"),
    Person("H1", "Ed", "ed@council.example", "head_of_service", "SV"),
    Person("I1", "Flo", "flo@council.example", "iro", "SV"),
    Person("D1", "Gus", "gus@council.example", "data_owner", "SV"),
]
TEAMS = {"SV": Team("SV", "Service"), "T1": Team("T1", "North", "SV", "north@council.example")}
ENTERED = date(2026, 10, 30)
"""A Friday: the first review is due 20 working days later, on Friday 27 November."""


class Inline:
    """Runs in this process what a process pool would run in its workers; ``dies_on`` ends the worker."""

    dies_on = ""

    def __init__(self, _: int, *, initializer: Callable[..., None], initargs: tuple[Any, ...], **__: Any) -> None:
        initializer(*initargs)

    def __enter__(self) -> Inline:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], cases: Any, as_of: datetime) -> Future[Any]:
        future: Future[Any] = Future()
        if any(case.child == self.dies_on for case in cases):
            future.set_exception(BrokenProcessPool())
        else:
            future.set_result(work(cases, as_of))
        return future


class Mail:
    """A channel that keeps what it is given; the mailbox named by ``refuses`` is gone."""

    name = "email"
    pace = Pace()

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.refuses = ""

    async def send(self, message: Message) -> Outcome:
        if message.recipient.partition("@")[0] == self.refuses:
            return Outcome("refused", "no such mailbox")
        parsed = email.message_from_bytes(message.content, policy=email.policy.default)
        body = parsed.get_body(("plain",))  # type: ignore[attr-defined]
        self.sent.append((message.recipient.partition("@")[0], str(parsed["Subject"]), body.get_content()))
        return Outcome("delivered", "taken")

    async def close(self) -> None:
        pass


@dataclass(slots=True)
class Council:
    """An SSD database, a daemon that reads it, and the time of day."""

    feed: Path
    house: House
    now: datetime
    mail: Mail
    _keys: Iterator[int] = field(default_factory=lambda: count(1))

    def put(self, table: str, **row: Any) -> None:
        with create_engine(f"sqlite:///{self.feed}", poolclass=NullPool).begin() as connection:
            connection.execute(insert(metadata().tables[f"ssd_{table}"]), row)

    def change(self, table: str, where: str, **values: Any) -> None:
        with create_engine(f"sqlite:///{self.feed}", poolclass=NullPool).begin() as connection:
            connection.execute(update(metadata().tables[f"ssd_{table}"]).where(text(where)).values(**values))

    def remove(self, table: str, where: str) -> None:
        with create_engine(f"sqlite:///{self.feed}", poolclass=NullPool).begin() as connection:
            connection.execute(delete(metadata().tables[f"ssd_{table}"]).where(text(where)))

    def sql(self, statement: str) -> None:
        with create_engine(f"sqlite:///{self.feed}", poolclass=NullPool).begin() as connection:
            connection.execute(text(statement))

    def child(self, ref: str = "C1", worker: str = "W1") -> None:
        """A child with a referral and a worker."""
        self.put("person", pers_person_id=ref, pers_dob=datetime(2015, 3, 2))
        self.put(
            "cin_episodes", cine_referral_id=f"R{ref}", cine_person_id=ref, cine_referral_date=datetime(2026, 1, 5)
        )
        self.put(
            "involvements",
            invo_involvements_id=f"I{ref}",
            invo_person_id=ref,
            invo_professional_id=worker,
            invo_professional_team="T1",
            invo_professional_role_id="CW",
            invo_involvement_start_date=datetime(2026, 1, 5),
        )

    def looked_after(self, ref: str = "C1", since: date = ENTERED, worker: str = "W1") -> None:
        """A child who entered care."""
        self.child(ref, worker)
        start = datetime.combine(since, time())
        self.put(
            "cla_episodes",
            clae_cla_episode_id=f"E{ref}",
            clae_person_id=ref,
            clae_cla_id=f"L{ref}",
            clae_cla_episode_start_date=start,
            clae_entered_care_date=start,
        )

    def reviewed(self, on: date, ref: str = "C1") -> None:
        """A looked-after review held."""
        self.put(
            "cla_reviews",
            clar_cla_review_id=f"V{next(self._keys)}",
            clar_cla_id=f"L{ref}",
            clar_cla_person_id=ref,
            clar_cla_review_date=datetime.combine(on, time()),
        )

    def evaluate(self, on: date) -> Evaluated:
        """The evaluation of the morning."""
        self.now = datetime.combine(on, time(6, 30), LONDON)
        return evaluate_once(self.house)

    def send(self, at: time = time(8, 5)) -> None:
        """Compose and send, at a time of the same day."""
        self.now = datetime.combine(self.now.astimezone(LONDON).date(), at, LONDON)
        sending.compose_once(self.house)
        asyncio.run(sending.dispatch(self.house))

    def day(self, on: date) -> list[str]:
        """A whole day; who was sent something on it, sorted."""
        before = len(self.mail.sent)
        self.evaluate(on)
        self.send()
        return sorted(to for to, _, _ in self.mail.sent[before:])

    def days(self, first: date, last: date) -> dict[date, list[str]]:
        """Every day of a span on which somebody was sent something."""
        span = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return {on: sent for on in span if (sent := self.day(on))}

    def events(self) -> list[tuple[str, int, bool]]:
        """(reason, level, told late) of every change so far."""
        with Session(self.house.engine) as session:
            return [(e.reason, e.level, e.late) for e in session.scalars(select(AlertEvent).order_by(AlertEvent.id))]

    def alerts(self) -> list[tuple[str, str, str, str | None]]:
        """(rule, child, state, why closed) of every alert."""
        with Session(self.house.engine) as session:
            return [(a.rule, a.child, a.state, a.closed_as) for a in session.scalars(select(Alert).order_by(Alert.id))]


@cache
def _empty_feed() -> bytes:
    """A dataset's fifty tables with nothing in them, made once for all councils."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "ssd.db"
        metadata().create_all(create_engine(f"sqlite:///{file}", poolclass=NullPool))
        return file.read_bytes()


def council_at(tmp_path: Path, url: str, rules: Any = RULES) -> Council:
    feed = tmp_path / "ssd.db"
    feed.write_bytes(_empty_feed())
    settings = Settings(
        feed={"kind": "ssd", "url": str(feed)},  # type: ignore[arg-type]
        people={"people": "p.csv", "teams": "t.csv", "duty": "duty@council.example", "allowed_domains": []},  # type: ignore[arg-type]
        email={},
    )
    engine = opened(url)
    directory = Directory({p.id: p for p in PEOPLE}, TEAMS, "duty@council.example")
    calendar = calendar_for("england-and-wales")
    mail = Mail()
    composer = Composer(directory, rules, calendar, "alertd@council.example", time(8), lambda: str(uuid4()))
    house = House(
        settings=settings,
        rulebook=rules,
        calendar=calendar,
        staff=Staff((), lambda: directory),
        engine=engine,
        notifiers={"email": mail},
        composer=composer,
        clock=lambda: council.now,
        rng=random.Random(1),
        log=structlog.stdlib.get_logger("test"),
    )
    council = Council(feed, house, datetime.combine(ENTERED, time(6, 30), LONDON), mail)
    return council
