"""The report of a simulated year: what was told to whom, how heavy it was, and what the checks found."""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.bootstrap import House
from alertd.cases.records import local_day
from alertd.db.tables import Alert, AlertEvent, Delivery, DeliveryAlert, Handling, Notice
from alertd.engine.agenda import Identity
from alertd.engine.findings import Finding
from alertd.rulebook.builtin import builtin_pack
from alertd.simulation import checks, steps
from alertd.simulation.checks import Event, Has, Kept, Line, Mail
from alertd.simulation.claims import EXPLAINED_FOR, Talk
from alertd.simulation.days import begins, works
from alertd.simulation.road import DUTY, Walked
from alertd.simulation.staff import StaffYear
from alertd.simulation.steps import Claim, Life, Stand
from alertd.simulation.timeline import Seen
from alertd.synth.staff import Person

if TYPE_CHECKING:
    from alertd.simulation.year import Asked

CHECKS = ("duplicates", "to_leavers", "to_absent", "to_nobody", "wrong_step", "disclosure_breaches")
"""The figures that count what is wrong."""

SHOWN = 5
"""Of what a check found, so many lines are shown."""


@dataclass(slots=True)
class Books:
    """What a year left behind."""

    house: House
    days: Sequence[date]
    year: StaffYear
    lives: Mapping[str, Sequence[Seen]]
    walked: Walked
    failed: Collection[str]
    talk: Talk


@dataclass(slots=True)
class _Read:
    """The database, as plain rows."""

    alerts: dict[int, tuple[Identity, str, str | None, Finding]]
    events: dict[int, Event]
    lines: list[Line]
    mails: dict[str, Mail]
    undelivered: int
    by_duty: int
    claims: dict[int, list[Claim]]
    said_ended: Counter[str]


def report(asked: Asked, books: Books) -> dict[str, Any]:
    """One object of figures, plain JSON values."""
    read = _read(books)
    found, stepped = _checked(books, read)
    told = [line for line in read.lines if line.mail in read.mails]
    loads = _loads(books, read, told)
    days = sorted(loads.worker_days)
    with_any = [n for n in days if n]
    closed = Counter(as_ for _, state, as_, _ in read.alerts.values() if state == "closed")
    still = Counter(f.stage for _, state, _, f in read.alerts.values() if state == "open")
    acted, of_those = _acted(read, told, books.days[-1])
    return {
        "children": asked.children,
        "days": asked.days,
        "seed": asked.seed,
        "from": books.days[0].isoformat(),
        "to": books.days[-1].isoformat(),
        "alerts": len(read.alerts),
        "messages": len(books.walked.sent),
        "people": len({m.person for m in read.mails.values()}),
        "per_worker_day_median": percentile(days, 50),
        "per_worker_day_p95": percentile(days, 95),
        "acted_before_due_share": round(acted / of_those, 4) if of_those else None,
        **{name: len(lines) for name, lines in found.items()},
        "steps_checked": stepped.owed,
        "steps_held_by_what_people_said": stepped.held,
        "said": dict(sorted(books.talk.figures.items())),
        "said_ended": dict(sorted(read.said_ended.items())),
        "worker_days": len(days),
        "per_worker_day_mean": _mean(days),
        "per_worker_day_most": max(days, default=0),
        "worker_days_with_any": len(with_any),
        "per_worker_day_with_any_median": percentile(with_any, 50),
        "per_manager_day_median": percentile(loads.manager_days, 50),
        "per_manager_day_p95": percentile(loads.manager_days, 95),
        "per_manager_day_most": max(loads.manager_days, default=0),
        "warned_clocks": of_those,
        "told_by_role": dict(sorted(Counter(line.role for line in told).items())),
        "messages_by_role": _messages_by_role(books, read),
        "to_duty": read.by_duty,
        "to_team_inboxes": sum(m.person.startswith("team:") for m in read.mails.values()),
        "cleared": {str(k): n for k, n in sorted(closed.items(), key=str)},
        "open_at_the_end": dict(sorted(still.items())),
        "cleared_before_told": sum(line.dropped is not None for line in read.lines),
        "held_messages": len(books.walked.held),
        "undelivered": read.undelivered,
        "children_not_evaluated": len(books.failed),
        "staff": _staff_figures(books),
        "in_place_of_leavers": _in_place_of_leavers(books),
        "what_is_wrong": {name: lines[:SHOWN] for name, lines in found.items() if lines},
        "seconds": {name: round(n, 1) for name, n in sorted(books.walked.seconds.items())},
    }


def percentile(sorted_values: Iterable[int], share: int) -> int:
    """The value below or at which ``share`` in a hundred lie (nearest rank); 0 of nothing."""
    values = sorted(sorted_values)
    return values[max(0, ceil(share / 100 * len(values)) - 1)] if values else 0


def _mean(values: Sequence[int]) -> float:
    return round(sum(values) / len(values), 3) if values else 0.0


def _read(books: Books) -> _Read:
    with Session(books.house.engine) as session:
        alerts = {
            id_: ((rule, child, record, occurrence), state, closed_as, Finding.from_json(finding))
            for id_, rule, child, record, occurrence, state, closed_as, finding in session.execute(
                select(
                    Alert.id, Alert.rule, Alert.child, Alert.record, Alert.occurrence, Alert.state, Alert.closed_as,
                    Alert.finding,
                ).where(Alert.child != "*")
            )
        }  # fmt: skip
        events = {
            row[0]: Event(*row)
            for row in session.execute(
                select(AlertEvent.id, AlertEvent.alert_id, AlertEvent.at, AlertEvent.to_stage, AlertEvent.level,
                       AlertEvent.reason)
            )
        }  # fmt: skip
        lines = [
            Line(*row)
            for row in session.execute(
                select(Notice.event_id, Notice.alert_id, Notice.role, Notice.reason, Notice.composed_into,
                       Notice.dropped)
            )
            if row[1] in alerts
        ]  # fmt: skip
        people = {id_: (person, state) for id_, person, state in session.execute(
            select(Delivery.id, Delivery.person, Delivery.state))}  # fmt: skip
        claims, ended = _claims(session, books)
        cleared: dict[str, set[str]] = defaultdict(set)
        told: dict[str, set[str]] = defaultdict(set)
        for mail, child, kind in session.execute(
            select(DeliveryAlert.delivery_id, Alert.child, DeliveryAlert.kind).join(
                Alert, Alert.id == DeliveryAlert.alert_id
            )
        ):
            (cleared if kind == "clear" else told)[mail].add(child)
    mails = {
        s.id: Mail(s.id, s.at, people[s.id][0], s.address, s.children, s.canaries,
                   frozenset(cleared.get(s.id, set()) - told.get(s.id, set())))
        for s in books.walked.sent
    }  # fmt: skip
    undelivered = sum(state != "delivered" for _, state in people.values())
    return _Read(
        alerts, events, lines, mails, undelivered, sum(m.person == DUTY for m in mails.values()), claims, ended
    )


def _claims(session: Session, books: Books) -> tuple[dict[int, list[Claim]], Counter[str]]:
    """What was said of each alert and until when it holds, counted anew; and how it ended."""
    found: dict[int, list[Claim]] = defaultdict(list)
    ended: Counter[str] = Counter()
    roles = {p.id: p.role for office in books.walked.offices.values() for p in office.values()}
    for one in session.scalars(select(Handling).order_by(Handling.id)):
        last = local_day(one.at) + EXPLAINED_FOR if one.kind == "accept" else None
        until = steps.claim_ends(one.kind, one.at, last)
        gone = books.year.gone.get(one.by)
        until = min(until, begins(gone)) if gone else until
        rank = 1 if roles.get(one.by) == "team_manager" else 0
        found[one.alert_id].append(Claim(one.kind, one.at, until, rank))
        ended[f"{one.kind} {one.ended_why or 'stands'}"] += 1
    return found, ended


def _checked(books: Books, read: _Read) -> tuple[dict[str, list[str]], steps.Checked]:
    sends, offices = books.walked.sends, books.walked.offices
    mails = [read.mails[s.id] for s in books.walked.sent]
    duty = f"{DUTY}@{books.year.domain}"
    inboxes = {t.id: t.inbox for t in books.year.teams}
    above = {t.id: t.parent for t in books.year.teams}
    lives, ladders = _lives(books, read)
    events = _with_what_was_new(read, lives)
    stepped = steps.wrong_steps(lives, ladders, books.walked.runs, sends, events, read.lines, read.mails)
    roles: dict[str, set[str]] = defaultdict(set)
    for line in read.lines:
        roles[read.alerts[line.alert][0][1]].add(line.role)
    has = _has(books)
    staff = _staff(offices)
    shared = [duty, *inboxes.values()]
    doubles = checks.duplicates(read.lines, [e for e in events.values() if e.alert in read.alerts], read.mails)
    last = books.walked.runs[-1]
    found = {
        "duplicates": [*doubles, *checks.sent_twice(mails)],
        "to_leavers": checks.to_leavers(mails, staff),
        "to_absent": checks.to_absent(mails, staff),
        "to_nobody": checks.to_nobody(mails, staff, shared, _still_open(read), events, last),
        "wrong_step": stepped.wrong,
        "disclosure_breaches": checks.disclosures(
            mails, staff, above, inboxes, duty, has, lambda child: roles.get(child, ()), _restricted(books)
        ),
    }
    return found, stepped


def _has(books: Books) -> Callable[[str, datetime], Has | None]:
    """Who had a child at a moment, as the feed said at the latest run."""
    runs = {child: [s.at for s in seen] for child, seen in books.lives.items()}

    def has(child: str, at: datetime) -> Has | None:
        place = bisect_right(runs.get(child, []), at)
        held = books.lives[child][place - 1].held if place else None
        return Has(held.worker, held.team) if held else None

    return has


def _restricted(books: Books) -> dict[str, Kept]:
    """The restrictions, as the file of this year has them."""
    file = books.house.settings.people.restrictions
    assert file is not None
    rows = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    return {row["child"]: Kept(frozenset(row["only"].split()), frozenset(row["never"].split())) for row in rows}


def _staff(offices: Mapping[datetime, Mapping[str, Person]]) -> Callable[[datetime], checks.Staff]:
    return lambda at: offices[at]


def _still_open(read: _Read) -> list[Line]:
    """Promises of alerts that are open: one of an alert that nobody is told of for the time being may wait."""
    return [line for line in read.lines if read.alerts[line.alert][1] == "open"]


def _lives(books: Books, read: _Read) -> tuple[list[Life], dict[str, Any]]:
    """Every alert with its stands, as the timelines have them; and the ladders, as the file has them."""
    ladders = yaml.safe_load((builtin_pack("england").parent / "profiles.yaml").read_text("utf-8"))["ladders"]
    ids = {identity: id_ for id_, (identity, *_) in read.alerts.items()}
    rules = {rule.id: rule.escalate for rule in books.house.rulebook.rules}
    stands: dict[int, list[Stand]] = defaultdict(list)
    for seen in books.lives.values():
        before: set[Identity] = set()
        for one in seen:
            now = {f.identity: f for f in one.findings}
            for identity in sorted(now.keys() | before):
                if identity in ids:
                    stands[ids[identity]].append(_stand(one.at, now.get(identity)))
            before = set(now)
    lives = [
        Life(id_, rules[read.alerts[id_][0][0]], tuple(found), tuple(read.claims.get(id_, ())))
        for id_, found in sorted(stands.items())
    ]
    return lives, ladders


def _with_what_was_new(read: _Read, lives: Iterable[Life]) -> dict[int, Event]:
    """The events, each with the warnings that had come and the date as it stood then."""
    of = {life.alert: ([s.at for s in life.stands], life.stands) for life in lives}

    def said(event: Event) -> str:
        moments, stands = of.get(event.alert, ([], ()))
        place = bisect_right(moments, event.at)
        return f"{stands[place - 1].warned} {stands[place - 1].due}" if place else ""

    return {id_: replace(event, said=said(event)) for id_, event in read.events.items()}


def _stand(at: datetime, finding: Finding | None) -> Stand:
    if finding is None:
        return Stand(at, False, False, "gone", None, None)
    f = finding
    return Stand(at, f.asks_for_action, bool(f.spoken_for_by), f.stage, f.start, f.due, f.warned)


@dataclass(slots=True)
class _Loads:
    worker_days: list[int]
    manager_days: list[int]


def _loads(books: Books, read: _Read, told: Iterable[Line]) -> _Loads:
    """How many alerts were new to each caseworker on each working day on which they were here and had a child;
    and to each manager on each working day on which they were here."""
    new: dict[tuple[str, date], set[int]] = defaultdict(set)
    for line in told:
        mail = read.mails[line.mail or ""]
        new[mail.person, local_day(mail.at)].add(line.alert)
    busy = _busy(books)
    loads = _Loads([], [])
    offices = {local_day(at): people for at, people in books.walked.offices.items()}
    for day in books.days:
        if not works(day) or day not in offices:
            continue
        for person in offices[day].values():
            if checks.has_left(person, day) or checks.is_away(person, day):
                continue
            n = len(new.get((person.id, day), ()))
            if person.role == "worker" and day in busy.get(person.id, ()):
                loads.worker_days.append(n)
            elif person.role in ("team_manager", "service_manager", "head_of_service", "director"):
                loads.manager_days.append(n)
    return loads


def _busy(books: Books) -> dict[str, set[date]]:
    """The days on which each worker had a child in an open case."""
    found: dict[str, set[date]] = defaultdict(set)
    end = books.days[-1] + timedelta(1)
    for seen in books.lives.values():
        for n, one in enumerate(seen):
            until = local_day(seen[n + 1].at) if n + 1 < len(seen) else end
            if one.held.worker and one.is_open:
                first = local_day(one.at)
                found[one.held.worker] |= {first + timedelta(k) for k in range((until - first).days)}
    return found


def _acted(read: _Read, told: Iterable[Line], last: date) -> tuple[int, int]:
    """Of the clocks of which the worker was warned before they were due, how many were met by then, and how many
    have come to an end or to their due day."""
    warned = {
        line.alert
        for line in told
        if line.role == "worker" and line.mail and read.events[line.event].stage == "upcoming"
    }
    acted = of_those = 0
    for id_ in sorted(warned):
        _, state, closed_as, finding = read.alerts[id_]
        if finding.due is None or closed_as in ("withdrawn", "source_removed"):
            continue
        if finding.met is None and (state == "closed" or local_day(finding.due) >= last):
            continue
        of_those += 1
        acted += finding.met is not None and local_day(finding.met) <= local_day(finding.due)
    return acted, of_those


def _messages_by_role(books: Books, read: _Read) -> dict[str, int]:
    """Messages by the main role of whoever got them."""
    people: dict[str, str] = {}
    for office in books.walked.offices.values():
        people |= {p.id: p.role for p in office.values()}
    found = Counter(people.get(m.person, m.person.partition(":")[0]) for m in read.mails.values())
    return dict(sorted(found.items()))


def _in_place_of_leavers(books: Books) -> dict[str, int]:
    """Messages about children whom the feed still gave to somebody who had left: all of them, and those that went at
    18:00 on the days on which somebody left at 17:59."""
    has, gone = _has(books), books.year.gone
    found = {"messages": 0, "at_18_00": 0}
    for sent in books.walked.sent:
        day = local_day(sent.at)
        workers = {held.worker for child in sent.children if (held := has(child, sent.at))}
        if any(worker in gone and gone[worker] <= day for worker in workers if worker):
            found["messages"] += 1
            found["at_18_00"] += day in books.year.late_days and sent.at.hour == 18
    return found


def _staff_figures(books: Books) -> dict[str, int]:
    first, last = books.days[0], books.days[-1]
    away = sum(c.values.get("away_from") is not None for c in books.year.changes)
    return {
        "leavers": sum(first <= day <= last for day in books.year.leaves.values()),
        "left_at_17_59": len(books.year.late_days),
        "changed_teams": len(books.year.moves),
        "absences": away,
    }
