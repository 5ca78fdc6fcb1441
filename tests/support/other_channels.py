"""A council whose urgent rule tells a worker with a telephone, for what takes over where e-mail fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd import sending
from alertd.cases.records import LONDON
from alertd.db.tables import Delivery
from alertd.following import follow_once
from alertd.outbox.channel import Awaited, Letter, Message, Notifier, Outcome, Receipt
from alertd.outbox.mail_message import PlainMail
from alertd.outbox.reached import unreached
from alertd.people.directory import Directory, Person, Route
from alertd.people.staff import Staff
from alertd.settings.delivery import Mailbox
from tests.support.council import ALL_RULES, PEOPLE, TEAMS, Council, council_at

TODAY = date(2026, 11, 27)
PHONE = Route("text", "07700 900123")


class Texts(Notifier):
    """A channel of short texts that keeps what it is given, and says what it is told to say of it."""

    name = "text"

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.refuses = False
        self.says: dict[str, Receipt] = {}
        self.asked: list[list[Awaited]] = []
        self.breaks = False

    def write(self, letter: Letter) -> bytes:
        return f"{letter.subject} {letter.about}".encode()

    async def send(self, message: Message) -> Outcome:
        if self.refuses:
            return Outcome("refused", "the number is not in use")
        self.sent.append((message.recipient, message.content.decode()))
        return Outcome("delivered", "taken", reference=f"ref-{len(self.sent)}")

    async def check(self) -> Outcome:
        return Outcome("delivered", "")

    async def receipts(self, awaited: Sequence[Awaited]) -> list[Receipt]:
        self.asked.append(list(awaited))
        if self.breaks:
            raise RuntimeError("a fault of the channel")
        return [self.says[one.reference] for one in awaited if one.reference in self.says]


class Place:
    """A council whose urgent rule tells the worker, who has a telephone, and duty, which has one too."""

    def __init__(self, tmp_path: Path, url: str) -> None:
        rules = ALL_RULES.model_copy(
            update={
                "rules": tuple(r for r in ALL_RULES.rules if r.id == "cla.review.first"),
                "ladders": {
                    name: ladder.model_copy(update={"urgent": True, "steps": ()})
                    for name, ladder in ALL_RULES.ladders.items()
                },
            }
        )
        self.council: Council = council_at(tmp_path, url, rules)
        self.texts = Texts()
        house = self.council.house
        composer = replace(house.composer, channels={"email": PlainMail(), "text": self.texts})
        for part in ("new", "cur", "tmp"):
            (tmp_path / "Maildir" / part).mkdir(parents=True)
        settings = house.settings.model_copy(update={"mailbox": Mailbox(maildir=tmp_path / "Maildir")})
        self.maildir = tmp_path / "Maildir"
        self.council.house = replace(
            house, composer=composer, settings=settings, notifiers={**house.notifiers, "text": self.texts}
        )
        self.staff()
        self.council.looked_after("C1")

    def staff(self, *others: Person, fallback: Route | None = PHONE, **directory: Any) -> None:
        people = {p.id: p for p in (*PEOPLE, *others)}
        if "W1" not in {p.id for p in others}:
            people["W1"] = replace(people["W1"], fallback=fallback)
        made = Directory(people, TEAMS, "duty@council.example", **directory)
        self.council.house = replace(self.council.house, staff=Staff((), lambda: made))

    def at(self, hour: int, minute: int = 0, day: date = TODAY) -> None:
        self.council.now = datetime.combine(day, time(hour, minute), LONDON)

    def compose(self) -> None:
        sending.compose_once(self.council.house)

    def send(self) -> None:
        asyncio.run(sending.dispatch(self.council.house))

    def follow(self) -> bool:
        return asyncio.run(follow_once(self.council.house))

    def on(self) -> None:
        """The alert is due today, told at once at 8:05, and sent."""
        self.council.evaluate(TODAY)
        self.at(8, 5)
        self.compose()
        self.send()

    def arrives(self, raw: bytes) -> None:
        (self.maildir / "new" / f"{self.council.now.timestamp():.0f}").write_bytes(raw)

    def rows(self, **where: Any) -> list[Delivery]:
        with Session(self.council.house.engine) as session:
            found = session.scalars(select(Delivery).filter_by(**where).order_by(Delivery.created_at, Delivery.id))
            return list(found)

    def mail(self) -> Delivery:
        """The urgent mail to the worker."""
        return next(row for row in self.rows(person="W1", channel="email") if row.urgent)

    def stand_in(self) -> Delivery:
        return next(row for row in self.rows(person="W1", channel="text") if row.stands_in_for == self.mail().id)

    def unreached(self) -> list[int]:
        house = self.council.house
        with Session(house.engine) as session:
            return [one.alert_id for one in unreached(session, house.composer_now(), self.council.now)]

    def told_duty(self) -> list[Delivery]:
        return self.rows(person="duty", channel="email")
