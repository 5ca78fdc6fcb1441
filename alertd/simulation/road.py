"""The days of the year: evaluate, compose and send, as the daemon does it, on a clock that is ours."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from email import message_from_bytes
from email.header import decode_header, make_header
from pathlib import Path
from time import perf_counter
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import event, func, select, update
from sqlalchemy.orm import Session

from alertd import sending
from alertd.bootstrap import House, build, rulebook_of
from alertd.cases.records import LONDON
from alertd.db.leading import alone
from alertd.db.tables import Alert, Delivery, Handling, Notice
from alertd.deciding import decide
from alertd.engine.findings import Finding
from alertd.looking import Looked
from alertd.outbox.channel import Letter, Message, Notifier, Outcome
from alertd.outbox.mail_message import to_bytes
from alertd.rulebook.adoption import Adopted, Confirmation, adopt, write_adopted
from alertd.rulebook.model import Rulebook
from alertd.settings import Settings
from alertd.simulation.claims import AT, Talk
from alertd.simulation.days import works
from alertd.simulation.feed import CANARY
from alertd.simulation.staff import Office
from alertd.simulation.timeline import Seen
from alertd.synth.staff import Person, write_staff

RUN, LATE_RUN = time(6, 30), time(17, 55)
SENDS: Final = (time(8, 5), time(12, 0), time(18, 0))
DUTY: Final = "duty"

_REFERENCE: Final = re.compile(r"\bref ([A-Za-z0-9_-]+)")

Tick = Callable[[str, int, int], None]
"""``tick(step, done, total)``: how far a step is."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as it left: to whom, about which children by their references, and planted words in it."""

    at: datetime
    id: str
    address: str
    children: frozenset[str]
    canaries: int


@dataclass(slots=True)
class Recorder(Notifier):
    """A channel that keeps of each message what the checks need, and sends nothing."""

    clock: Callable[[], datetime]
    sent: list[Sent] = field(default_factory=list)
    name: str = "email"

    def write(self, letter: Letter) -> bytes:
        """The mail."""
        return to_bytes(letter)

    async def send(self, message: Message) -> Outcome:
        """Take it."""
        text = in_full(message.content)
        children = frozenset(_REFERENCE.findall(text))
        self.sent.append(Sent(self.clock(), message.id, message.recipient, children, text.count(CANARY)))
        return Outcome("delivered", "kept by the simulation")

    async def check(self) -> Outcome:
        """It always could."""
        return Outcome("delivered", "kept by the simulation")


def in_full(content: bytes) -> str:
    """Everything a message says: its headers, its text and its HTML, decoded."""
    message = message_from_bytes(content)  # the newer policies take their time over each header
    parts = [f"{name}: {make_header(decode_header(value))}" for name, value in message.items()]
    for part in message.walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            parts.append(payload.decode(part.get_content_charset() or "utf-8", "replace"))
    return "\n".join(parts)


@dataclass(slots=True)
class Clock:
    """The simulation's own time."""

    now: datetime

    def __call__(self) -> datetime:
        """Now."""
        return self.now


@dataclass(slots=True)
class Walked:
    """What the year left behind, for the checks: every message, who worked here when each was sent, and the runs."""

    runs: tuple[datetime, ...]
    sends: list[datetime] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    offices: dict[datetime, Mapping[str, Person]] = field(default_factory=dict)
    """The staff at each moment at which messages went."""
    held: list[str] = field(default_factory=list)
    """What could not be made, by message."""
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))


def runs_of(days: Sequence[date], late_days: Collection[date]) -> tuple[datetime, ...]:
    """When the feed is read: each morning, but where it came late."""
    return tuple(datetime.combine(d, LATE_RUN if d in late_days else RUN, LONDON) for d in days)


def make_house(folder: Path, office: Office, settings: Mapping[str, str], start: datetime, seed: int) -> House:
    """A daemon's parts over a database in the folder, all rules adopted, with a recorder for a channel."""
    domain = office.year.domain
    write_staff(folder, office.staff())
    wanted: dict[str, Any] = {
        "database": {"url": f"sqlite:///{folder / 'alertd.db'}"},
        "feed": [{"kind": "ssd", "url": f"sqlite:///{folder / 'authority.db'}"}],
        "rules": {"packs": ("england",), "adopted": folder / "adopted.yaml", "settings": dict(settings)},
        "people": {
            "people": folder / "people.csv",
            "teams": folder / "teams.csv",
            "restrictions": folder / "restrictions.csv",
            "duty": f"{DUTY}@{domain}",
            "allowed_domains": (domain,),
        },
        "email": {"host": "127.0.0.1", "port": 25, "tls": "none", "sender": f"alertd@{domain}"},
    }
    made = Settings(**wanted)
    _adopt_all(folder / "adopted.yaml", rulebook_of(made), start.date())
    clock, rng = Clock(start), random.Random(f"{seed}/road")  # noqa: S311 - spreads retries, keeps no secret
    house = build(made, clock=clock, rng=rng, new_id=lambda: str(UUID(int=rng.getrandbits(128), version=4)))
    event.listen(house.engine, "connect", _without_syncing)
    house.engine.dispose()
    return replace(house, notifiers={"email": Recorder(clock)}, log=_quiet())


def _without_syncing(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")  # what a crash leaves of a simulation is worth nothing


def _quiet() -> structlog.stdlib.BoundLogger:
    logger = logging.getLogger("alertd.simulation")
    logger.setLevel(logging.CRITICAL)
    made: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logger, processors=[structlog.stdlib.filter_by_level], wrapper_class=structlog.stdlib.BoundLogger
    )
    return made


def _adopt_all(file: Path, rulebook: Rulebook, on: date) -> None:
    packs = {rule.pack: [r for r in rulebook.rules if r.pack == rule.pack] for rule in rulebook.rules}
    by = {"officer": "The simulation", "role": "made up"}
    write_adopted(
        file,
        Adopted(
            adopted=tuple(adopt(own, edition=own[0].edition, on=on, **by) for own in packs.values()),
            confirmed=tuple(Confirmation(rule=r.id, officer=by["officer"], date_=on) for r in rulebook.enabled),
        ),
    )


@dataclass(slots=True)
class Road:
    """A house, its staff, and what each child's timeline says at each run."""

    house: House
    clock: Clock
    office: Office
    folder: Path
    able: Rulebook
    unable: tuple[Finding, ...]
    by_run: Mapping[datetime, Sequence[tuple[str, Seen]]]
    walked: Walked
    talk: Talk
    is_first: bool = True
    latest: dict[str, Seen] = field(default_factory=dict)
    open_children: int = 0

    def walk(self, days: Sequence[date], tick: Tick) -> Walked:
        """Every day in order."""
        recorder = self.house.notifiers["email"]
        assert isinstance(recorder, Recorder)
        for number, day in enumerate(days, 1):
            for at, what in self._agenda(day):
                self.clock.now = at
                self._staff(at)
                what()
            self._forget_content()
            tick("Walking the year", number, len(days))
        self.walked.sent = recorder.sent
        return self.walked

    def _agenda(self, day: date) -> Iterator[tuple[datetime, Callable[[], None]]]:
        runs = [(at, self._evaluate) for at in self.walked.runs if at.date() == day]
        sends = [(datetime.combine(day, at, LONDON), self._send) for at in SENDS]
        talk = [(datetime.combine(day, AT, LONDON), self._talk)] if works(day) else []
        return iter(sorted([*runs, *sends, *talk], key=lambda pair: pair[0]))

    def _staff(self, at: datetime) -> None:
        if self.office.move_to(at):
            write_staff(self.folder, self.office.staff())

    def _evaluate(self) -> None:
        """Decide about the children of whom anything is otherwise than at the run before, and those of whose alerts
        somebody said something: of all others the daemon would find that nothing has changed."""
        began, now = perf_counter(), self.clock.now
        for child, seen in self.by_run.get(now, ()):
            before = self.latest.get(child)
            self.open_children += seen.is_open - (before.is_open if before else False)
            self.latest[child] = seen
        only = {child for child, _ in self.by_run.get(now, ())} | self._spoken_of()
        changed = {child: self.latest[child] for child in sorted(only)}
        findings = [f for seen in changed.values() for f in seen.findings]
        looked = Looked(
            self.able,
            sorted([*findings, *self.unable] if self.is_first else findings, key=lambda f: f.identity),
            {child: seen.held for child, seen in changed.items()},
            self.open_children,
            {},
            {child: seen.family for child, seen in changed.items() if seen.family},
        )
        with Session(self.house.engine) as session, session.begin():
            alone(session)
            decide(
                session,
                self.house,
                looked,
                now,
                present=lambda child, record: record in changed[child].present,
                only=None if self.is_first else only,  # nothing is known yet
            )
        self.is_first = False
        self.walked.seconds["evaluate"] += perf_counter() - began

    def _spoken_of(self) -> set[str]:
        with Session(self.house.engine) as session:
            said = select(Alert.child).join(Handling, Handling.alert_id == Alert.id).where(Handling.ended_at.is_(None))
            return set(session.scalars(said.distinct()))

    def _talk(self) -> None:
        began = perf_counter()
        self.talk.on(self.house, self.clock.now)
        self.walked.seconds["claims"] += perf_counter() - began

    def _send(self) -> None:
        now = self.clock.now
        if now.time() != SENDS[0] and not self._waits():
            return
        began = perf_counter()
        done = sending.compose_once(self.house)
        self.walked.held += done.held
        middle = perf_counter()
        asyncio.run(sending.dispatch(self.house))
        self.walked.seconds["compose"] += middle - began
        self.walked.seconds["dispatch"] += perf_counter() - middle
        self.walked.sends.append(now)
        self.walked.offices[now] = self.office.people

    def _waits(self) -> bool:
        with Session(self.house.engine) as session:
            waits = select(func.count()).where(Notice.composed_into.is_(None), Notice.dropped.is_(None))
            return bool(session.scalar(waits))

    def _forget_content(self) -> None:
        """A year of digests is gigabytes, and the recorder has looked at what was sent."""
        with Session(self.house.engine) as session, session.begin():
            done = update(Delivery).where(Delivery.state == "delivered", Delivery.message != b"")
            session.execute(
                done.where(Delivery.created_at >= self.walked.sends[-1].replace(hour=0)).values(message=b"")
            )
