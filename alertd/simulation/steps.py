"""Whether every step of every ladder was told at the right time, to every role: worked out anew.

Of the engine only the clock's own dates are taken. The moments of the steps, what a claim holds back and until
when, and by which send a step has to be told are counted here, from the ladders as the file has them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from alertd.simulation.checks import Event, Line, Mail
from alertd.simulation.days import at_time, begins, day_of, moment_of, working_days, works

Ladders = Mapping[str, Mapping[str, Any]]

_LINE: Final = ("worker", "team_manager", "service_manager", "head_of_service", "director")
_NOBODY_ABOVE: Final = len(_LINE)
_MORNING: Final = time(9)


@dataclass(frozen=True, slots=True)
class Stand:
    """How one alert stands from a run on: whether it asks for action, and whether nobody is told of it because
    another speaks for it. ``warned`` is how many advance warnings had come."""

    at: datetime
    asks: bool
    muted: bool
    stage: str
    start: date | datetime | None
    due: date | datetime | None
    warned: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """That somebody said of an alert that it is done and not yet recorded, or accepted it: in force from ``at``
    until ``until``, both moments. ``rank`` is the author's place in the line, 1 for a team manager."""

    kind: str
    at: datetime
    until: datetime
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Life:
    """One alert over the year: its ladder, its stands in order, and what was said of it."""

    alert: int
    ladder: str
    stands: tuple[Stand, ...]
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class Owed:
    """That at a run an alert's step was to be told to a role."""

    alert: int
    run: datetime
    step: int
    role: str


@dataclass(frozen=True, slots=True)
class Checked:
    """How many steps were owed, how many of them a claim held back for a while, and what is wrong."""

    owed: int
    held: int
    wrong: list[str]


def steps_owed(lives: Iterable[Life], ladders: Ladders, runs: Sequence[datetime]) -> Iterator[tuple[Owed, bool]]:
    """Every step of every ladder with the run at which it is to be told, and whether a claim held it back until
    then. Steps told are told once; while an alert is muted, or its date cannot be told, none is."""
    for life in lives:
        ladder = ladders[life.ladder]
        told = 0
        late: set[int] = set()
        for n, stand in enumerate(life.stands):
            if not stand.asks or stand.muted or stand.stage == "unknown" or stand.due is None:
                continue
            until = life.stands[n + 1].at if n + 1 < len(life.stands) else runs[-1] + timedelta(days=1)
            found = (moment_of(step, stand.start, stand.due) for step in ladder["steps"])
            moments = sorted(m for m in found if m is not None)
            turns = [*moments, *(c.at for c in life.claims), *(c.until for c in life.claims)]
            for run in _looks(stand.at, until, turns, runs):
                reached = bisect_right(moments, run)
                may = _may(reached, ladder, [c for c in life.claims if c.at < run < c.until])
                late |= set(range(max(told, may) + 1, reached + 1))
                for number in range(told + 1, may + 1):
                    for role in ladder["steps"][number - 1]["tell"]:
                        yield Owed(life.alert, run, number, role), number in late
                told = max(told, may)


def _looks(first: datetime, until: datetime, turns: Iterable[datetime], runs: Sequence[datetime]) -> list[datetime]:
    """The runs of a span at which anything may have come or gone since the run before."""
    places = {bisect_left(runs, max(turn, first)) for turn in (first, *turns)}
    return [runs[place] for place in sorted(places) if place < len(runs) and runs[place] < until]


def _may(reached: int, ladder: Mapping[str, Any], claims: Sequence[Claim]) -> int:
    """The highest step that nothing holds back; it takes those before it along."""
    for number in range(reached, 0, -1):
        if not any(_holds(claim, ladder, ladder["steps"][number - 1]) for claim in claims):
            return number
    return 0


def _holds(claim: Claim, ladder: Mapping[str, Any], step: Mapping[str, Any]) -> bool:
    upto = ladder.get("held_by", {}).get(claim.kind, "no step")
    if upto == "no step":
        return False
    top = max(_LINE.index(role) if role in _LINE else _NOBODY_ABOVE for role in step["tell"])
    if upto == "every step":
        return True
    limit = claim.rank if upto == "own level" else _LINE.index(upto)
    return top <= (min(limit, claim.rank) if claim.kind == "accept" else limit)


def wrong_steps(
    lives: Sequence[Life],
    ladders: Ladders,
    runs: Sequence[datetime],
    sends: Sequence[datetime],
    events: Mapping[int, Event],
    lines: Iterable[Line],
    mails: Mapping[str, Mail],
) -> Checked:
    """What is wrong: a step not told by the first digest of a working day after its run (for an urgent ladder,
    once it is due, by the next send), or one told that was not owed at that run."""
    by_alert = {life.alert: life for life in lives}
    kept: dict[tuple[int, datetime, str], list[Line]] = defaultdict(list)
    for line in lines:
        kept[line.alert, events[line.event].at, line.role].append(line)
    owed = list(steps_owed(lives, ladders, runs))
    wrong = []
    for one, _ in owed:
        life, key = by_alert[one.alert], (one.alert, one.run, one.role)
        by = _deadline(one.run, life, ladders, sends)
        if by is None or _settled(life, one.run, by):
            continue
        told = [mails[line.mail].at for line in kept.get(key, ()) if line.mail is not None and line.mail in mails]
        if not told or not one.run <= min(told) <= by:
            how = "at the wrong time" if told else "never"
            wrong.append(f"alert {one.alert}: step {one.step} was told to the {one.role} {how}, from {one.run}")
    expected = {(one.alert, one.run, one.role) for one, _ in owed}
    for (alert, run, role), found in kept.items():
        if (alert, run, role) not in expected and any(line.reason.startswith("step ") for line in found):
            wrong.append(f"alert {alert}: a step was told to the {role} that was not reached at {run}")
    return Checked(len(owed), sum(was_held for _, was_held in owed), wrong)


def _deadline(run: datetime, life: Life, ladders: Ladders, sends: Sequence[datetime]) -> datetime | None:
    """The send by which it must be told; None where the year ends first."""
    place = bisect_right([s.at for s in life.stands], run)
    stage = life.stands[place - 1].stage
    later = sends[bisect_left(sends, run) :]
    if ladders[life.ladder].get("urgent", False) and stage in ("due", "overdue"):
        return later[0] if later else None
    return next((s for s in later if works(day_of(s)) and s <= at_time(day_of(s), _MORNING)), None)


def _settled(life: Life, run: datetime, by: datetime) -> bool:
    """Whether there was nothing left to tell by then: the alert had closed, or another spoke for it."""
    return any(not s.asks or s.muted for s in life.stands if run < s.at <= by)


def claim_ends(kind: str, at: datetime, last: date | None) -> datetime:
    """When what was said lapses: as the next working day after its term begins, which for a claim is the second
    working day after it was made, and for an acceptance its ``last`` day."""
    term = working_days(day_of(at), 2) if kind == "claim" or last is None else last
    return begins(working_days(term, 1))
