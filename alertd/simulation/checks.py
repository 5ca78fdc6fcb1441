"""Checks of a simulated year that do not trust what they check.

They look at what was sent, what was written down and who worked here at that moment, and walk the staff anew. Each
answers with what is wrong, one line each, without names; none is none. The steps of ladders are in ``steps``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final, Protocol

from alertd.simulation.days import day_of


class Worker(Protocol):
    """Somebody on the staff, as written down at a moment. ``leaves`` is the first day they are gone, and ``also``
    are further roles, parted by spaces."""

    id: str
    email: str
    role: str
    team: str
    deputy: str | None
    away_from: date | None
    away_to: date | None
    leaves: date | None
    also: str


Staff = Mapping[str, Worker]


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as it left. ``children`` are those it names; ``canaries`` counts planted words in it."""

    id: str
    at: datetime
    person: str
    address: str
    children: frozenset[str] = frozenset()
    canaries: int = 0
    cleared: frozenset[str] = frozenset()
    """Children of whom it says, for one alert of theirs or more, only that it is cleared."""


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one alert, as written down. ``said`` is what else was new in it: how often it was warned of
    before, and its date."""

    id: int
    alert: int
    at: datetime
    stage: str
    level: int
    reason: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One promise that a role is told of one event: in which mail it was kept, or why it was not."""

    event: int
    alert: int
    role: str
    reason: str
    mail: str | None
    dropped: str | None = None


def duplicates(lines: Iterable[Line], events: Iterable[Event], mails: Mapping[str, Mail]) -> list[str]:
    """Persons told twice of one thing: of one event in two messages, or of two events that say the same with
    no other change of the alert between."""
    of_alert: dict[int, list[Event]] = defaultdict(list)
    by_id: dict[int, Event] = {}
    for event in sorted(events, key=lambda e: (e.alert, e.at, e.id)):
        of_alert[event.alert].append(event)
        by_id[event.id] = event
    told: dict[tuple[str, int], dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for line in lines:
        if line.mail is not None and line.mail in mails:
            told[mails[line.mail].person, line.alert][line.event].add(line.mail)
    wrong = []
    for (person, alert), heard in told.items():
        for event_id, in_mails in heard.items():
            wrong += [f"{person} was told of event {event_id} in {len(in_mails)} messages"] * (len(in_mails) - 1)
        history = of_alert[alert]
        for earlier, later in pairwise(history):
            both = earlier.id in heard and later.id in heard
            if both and _says(earlier) == _says(later) and heard[earlier.id] != heard[later.id]:
                wrong.append(f"{person} was told of events {earlier.id} and {later.id}, which say the same")
    return wrong


def _says(event: Event) -> tuple[str, int, str, str]:
    return (event.stage, event.level, event.reason, event.said)


def sent_twice(mails: Iterable[Mail]) -> list[str]:
    """Messages that left more than once."""
    seen: set[str] = set()
    wrong = []
    for mail in mails:
        if mail.id in seen:
            wrong.append(f"message {mail.id} left twice")
        seen.add(mail.id)
    return wrong


def has_left(worker: Worker, day: date) -> bool:
    """Whether they no longer work here."""
    return worker.leaves is not None and worker.leaves <= day


def is_away(worker: Worker, day: date) -> bool:
    """Whether they are away, for a time or until further notice."""
    begun = worker.away_from is not None and worker.away_from <= day
    return begun and (worker.away_to is None or day <= worker.away_to)


def to_leavers(mails: Iterable[Mail], staff: Callable[[datetime], Staff]) -> list[str]:
    """Messages to the address of somebody who had left at that very moment."""
    return [f"message {m.id} went to a leaver" for m, w in _to_workers(mails, staff) if has_left(w, day_of(m.at))]


def to_absent(mails: Iterable[Mail], staff: Callable[[datetime], Staff]) -> list[str]:
    """Messages to the address of somebody who was away at that very moment."""
    return [f"message {m.id} went to somebody away" for m, w in _to_workers(mails, staff) if is_away(w, day_of(m.at))]


def _to_workers(mails: Iterable[Mail], staff: Callable[[datetime], Staff]) -> Iterator[tuple[Mail, Worker]]:
    for mail in mails:
        for worker in staff(mail.at).values():
            if worker.email.lower() == mail.address.lower():
                yield mail, worker


def to_nobody(
    mails: Iterable[Mail],
    staff: Callable[[datetime], Staff],
    shared: Collection[str],
    lines: Iterable[Line] = (),
    events: Mapping[int, Event] | None = None,
    last: datetime | None = None,
) -> list[str]:
    """Messages to an address that nobody reads: neither a person's nor a ``shared`` one. And what nobody was ever
    told: promises neither kept nor dropped a week before the ``last`` moment."""
    known = {address.lower() for address in shared}
    wrong = []
    for mail in mails:
        mine = {w.email.lower() for w in staff(mail.at).values()}
        if mail.address.lower() not in known | mine:
            wrong.append(f"message {mail.id} went to an address that nobody reads")
    for line in lines:
        event = (events or {}).get(line.event)
        if event and last and line.mail is None and line.dropped is None and event.at < last - timedelta(days=7):
            wrong.append(f"nobody was told of event {line.event} as {line.role}")
    return wrong


@dataclass(frozen=True, slots=True)
class Has:
    """Who has a child, as the feed says."""

    worker: str | None
    team: str | None


@dataclass(frozen=True, slots=True)
class Kept:
    """Who alone may hear of a restricted child (empty: no such list), and who must never."""

    only: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()

    def bars(self, person: str) -> bool:
        """Whether somebody must not hear; a shared mailbox is no person on the list."""
        return person in self.never or (bool(self.only) and person not in self.only)


def disclosures(
    mails: Iterable[Mail],
    staff: Callable[[datetime], Staff],
    above: Mapping[str, str | None],
    inboxes: Mapping[str, str],
    duty: str,
    has: Callable[[str, datetime], Has | None],
    roles_told: Callable[[str], Collection[str]],
    restricted: Mapping[str, Kept],
) -> list[str]:
    """Messages with a planted word in them, and children named to somebody who has no role towards them, or who is
    barred by what the authority ``restricted``.

    ``above`` is each team's parent and ``inboxes`` each team's address. Whose role is held for the whole service
    (an IRO, say) has one towards a child of whom that role was to be told: ``roles_told``. A deputy has the role of
    whoever is not here, or has the case themselves. That an alert is cleared may also be told to whoever was told
    of the child before.
    """
    wrong = []
    heard: set[tuple[str, str]] = set()
    for mail in sorted(mails, key=lambda m: m.at):
        if mail.canaries:
            wrong.append(f"message {mail.id} holds {mail.canaries} planted words")
        people = staff(mail.at)
        for child in sorted(mail.children):
            held, kept = has(child, mail.at), restricted.get(child)
            if kept is not None and kept.bars(mail.person):
                wrong.append(f"message {mail.id} names a restricted child to {mail.person}")
                continue
            if kept is not None and mail.person in kept.only:
                continue
            if child in mail.cleared and (mail.person, child) in heard:
                continue
            if held is None:
                wrong.append(f"message {mail.id} names a child whom the feed does not have")
            elif mail.address != duty and not _has_a_role(mail, held, people, above, inboxes, roles_told(child)):
                wrong.append(f"message {mail.id} names a child towards whom {mail.person} has no role")
        heard |= {(mail.person, child) for child in mail.children}
    return wrong


_MANAGERS: Final = ("team_manager", "service_manager", "head_of_service", "director")


def _has_a_role(
    mail: Mail,
    held: Has,
    people: Staff,
    above: Mapping[str, str | None],
    inboxes: Mapping[str, str],
    told: Collection[str],
) -> bool:
    own = people.get(held.worker or "")
    team = held.team if held.team in above else (own.team if own else None)
    line: list[str] = []
    while team is not None and team not in line:
        line.append(team)
        team = above.get(team)
    day = day_of(mail.at)

    def entitled(worker: Worker) -> bool:
        roles = {worker.role, *worker.also.split()}
        manages = not roles.isdisjoint(_MANAGERS) and (worker.team in line or "director" in roles)
        serves = not (roles - {"worker", *_MANAGERS}).isdisjoint(told)
        return worker.id == held.worker or manages or serves

    def stands_in_for(worker: Worker, seen: tuple[str, ...]) -> bool:
        """Whether an absent person, or one whose own deputy is absent too, is entitled."""
        if entitled(worker):
            return True
        return any(
            stands_in_for(other, (*seen, other.id))
            for other in people.values()
            if other.deputy == worker.id and other.id not in seen
            if has_left(other, day) or is_away(other, day) or (other.id == held.worker and other.role != "worker")
        )

    by_inbox = [t for t, address in inboxes.items() if address == mail.address]
    if by_inbox:
        served = {w.team for w in people.values() if entitled(w)}
        return any(t in line or t in served for t in by_inbox)
    return any(w.email == mail.address and stands_in_for(w, (w.id,)) for w in people.values())
