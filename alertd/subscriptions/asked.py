"""What subscribers are told now, each change once. Composing puts it into their digests, or sends it at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from alertd.calendars.calendar import Calendar
from alertd.cases.records import local_day
from alertd.people.directory import Directory
from alertd.rulebook.model import Rulebook
from alertd.subscriptions import store
from alertd.subscriptions.history import AT_ONCE_FOR, LOOK_BACK, History, Line, due_lines
from alertd.subscriptions.model import CALENDAR, Wanted, hearing


@dataclass(frozen=True, slots=True)
class Asked:
    """What one person's subscriptions tell now by one channel: each alert once, at once or with today's digest."""

    person: str
    channel: str
    at_once: tuple[Line, ...] = ()
    digest: tuple[Line, ...] = ()


def wanted_now(
    session: Session, directory: Directory, rulebook: Rulebook, calendar: Calendar, now: datetime, *, digests: bool
) -> list[Asked]:
    """What every subscriber is told now, in the caller's session; nobody to whom there is nothing to tell.

    ``digests``: digests are being composed, so what waits for one is wanted too, of whoever has had none today.
    What is put into a delivery has to be written as a ``delivery_alert`` of kind ``subscribed`` with
    :attr:`Line.role` as its role and :attr:`Line.why` as its ``how``, in the same transaction: by that it is not
    told again. Whoever is told of an alert by a role of theirs need not be told again as a subscriber, but that
    row is to be written as well.
    """
    made = store.have_a_digest(session, local_day(now)) if digests else frozenset()
    sent = [w for w in store.in_force(session) if w.channel != CALENDAR]
    digests = digests and any((w.person, w.channel) not in made for w in sent)
    wanted = [w for w in sent if w.every == "at_once" or (digests and (w.person, w.channel) not in made)]
    if not wanted:
        return []
    since = now - (LOOK_BACK if digests else AT_ONCE_FOR)
    rules = {rule for one in wanted for rule in one.rules}
    histories = store.histories(session, rulebook, rules, since, now_open=True)
    told = {(w.person, w.channel): store.told(session, w.person, w.channel, since) for w in wanted}
    return asked_now(wanted, histories, told, directory, calendar, now, digests=digests)


def asked_now(
    wanted: Iterable[Wanted],
    histories: Iterable[History],
    told: Mapping[tuple[str, str], Mapping[int, int]],
    directory: Directory,
    calendar: Calendar,
    now: datetime,
    *,
    digests: bool,
) -> list[Asked]:
    """The same, of what was loaded. ``told`` is the last change told of each alert, by (person, channel).

    What several subscriptions of a person tell is told by the first of them; what goes at once is not in the
    digest too. Nothing for somebody who is away; it comes with a digest when they are back. Pure.
    """
    histories = list(histories)
    today = local_day(now)
    at_once: dict[tuple[str, str], dict[int, Line]] = {}
    digest: dict[tuple[str, str], dict[int, Line]] = {}
    for one in wanted:
        person = directory.people.get(one.person)
        if person is None or person.absence(today):
            continue
        key = (one.person, one.channel)
        ear, known = hearing(one, directory, today), told.get(key, {})
        for line in due_lines(ear, histories, known, now, calendar, digest=False):
            at_once.setdefault(key, {}).setdefault(line.alert_id, line)
        for line in due_lines(ear, histories, known, now, calendar, digest=True) if digests else ():
            digest.setdefault(key, {}).setdefault(line.alert_id, line)
    return [
        Asked(
            *key,
            tuple(at_once.get(key, {}).values()),
            tuple(line for id_, line in digest.get(key, {}).items() if id_ not in at_once.get(key, {})),
        )
        for key in sorted({*at_once, *digest})
    ]
