"""The board of a team: people and stages, what is passed up next, load, who is away, and what nobody has."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from alertd.access.viewer import Viewer
from alertd.alerts.handling import Office
from alertd.alerts.handlings import standing_of
from alertd.alerts.planned import next_planned
from alertd.cases.holding import Holding
from alertd.db.tables import Alert
from alertd.engine.findings import Finding
from alertd.people.directory import Directory, role_words
from alertd.rulebook.model import Rulebook
from alertd.views.alerts import PRESSING, Row, Shelf, person_name, team_name

CAP: Final = 60
"""Open alerts of one person beyond which a digest names only the most urgent: the load that a board marks."""
NEXT: Final = 15
"""How many of the steps that come next a board shows."""


@dataclass(frozen=True, slots=True)
class TeamCount:
    """A team in the list of those somebody sees."""

    team: str
    name: str
    depth: int
    counts: dict[str, int]
    unallocated: int


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One row of the board: a person, or nobody (``person`` is blank)."""

    person: str
    name: str
    role: str
    counts: dict[str, int]
    children: int
    away: str
    deputy: str
    heat: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Open alerts."""
        return sum(self.counts.values())

    @property
    def over(self) -> bool:
        """Whether it is more than one mail shows."""
        return self.total > CAP


@dataclass(frozen=True, slots=True)
class Coming:
    """A step that would be told next if nothing changes."""

    row: Row
    at: datetime
    tells: str
    held: str


@dataclass(frozen=True, slots=True)
class Board:
    """The page of one team, with the teams under it."""

    team: str
    name: str
    people: tuple[PersonRow, ...]
    counts: dict[str, int]
    unallocated: int
    coming: tuple[Coming, ...]
    teams: tuple[str, ...]


def teams(session: Session, seen: frozenset[str], office: Office) -> tuple[TeamCount, ...]:
    """The teams whose boards somebody sees, as a tree."""
    directory = office.directory
    rows = session.execute(
        select(Alert.team, Alert.worker, Alert.stage, func.count())
        .where(Alert.state == "open", Alert.muted == "")
        .group_by(Alert.team, Alert.worker, Alert.stage)
    )
    counts: dict[str | None, Counter[str]] = defaultdict(Counter)
    unallocated: Counter[str | None] = Counter()
    for team, worker, stage, n in rows:
        of = directory.team_of(Holding(worker, team))
        counts[of][stage] += n
        unallocated[of] += 0 if worker else n
    found = []
    for team_id in sorted(seen, key=lambda t: tuple(reversed(directory.chain(t)))):
        under = directory.teams_under(team_id)
        total: Counter[str] = sum((counts[t] for t in under), Counter())
        depth = sum(above in seen for above in directory.chain(team_id)[1:])
        by_stage = {stage: total[stage] for stage in PRESSING}
        found.append(
            TeamCount(team_id, team_name(directory, team_id), depth, by_stage, sum(unallocated[t] for t in under))
        )
    return tuple(found)


def board(session: Session, team: str, viewer: Viewer, rulebook: Rulebook, office: Office) -> Board:
    """One team's board. Children that the viewer must not hear of are in no figure of it."""
    directory = office.directory
    under = sorted(directory.teams_under(team))
    alerts = [
        alert
        for alert in _of_teams(session, under, office)
        if not any(directory.may_hear(id_, alert.child, office.today) for id_ in viewer.ids)
    ]
    held: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        held[alert.worker or ""].append(alert)
    members = {p.id for p in directory.people.values() if p.team in under}
    here = {id_ for id_ in members if _works(id_, office)}
    rows = [_person(id_, held.get(id_, []), office) for id_ in {*here, *held}]
    rows.sort(key=lambda row: (-row.counts["overdue"], -row.counts["due"], -row.total, row.name))
    most = {stage: max((row.counts[stage] for row in rows), default=0) for stage in PRESSING}
    people = tuple(_heated(row, most) for row in rows)
    total = Counter(alert.stage for alert in alerts)
    return Board(
        team=team,
        name=team_name(directory, team),
        people=people,
        counts={stage: total[stage] for stage in PRESSING},
        unallocated=len({alert.child for alert in held.get("", [])}),
        coming=_coming(session, alerts, rulebook, office),
        teams=tuple(under),
    )


def of_person(
    session: Session, team: str, person: str, stage: str, viewer: Viewer, rulebook: Rulebook, office: Office
) -> list[Row]:
    """What stands behind one cell of a board: the alerts of one person of the team (blank: of nobody), by stage."""
    directory = office.directory
    under = sorted(directory.teams_under(team))
    alerts = [
        alert
        for alert in _of_teams(session, under, office)
        if (alert.worker or "") == person
        and (not stage or alert.stage == stage)
        and not any(directory.may_hear(id_, alert.child, office.today) for id_ in viewer.ids)
    ]
    return sorted(Shelf(session, rulebook, office).rows(alerts), key=lambda row: row.pressing)


def _of_teams(session: Session, under: Sequence[str], office: Office) -> list[Alert]:
    """Open alerts of the teams."""
    where = in_teams(under, office.directory)
    found = select(Alert).where(Alert.state == "open", Alert.muted == "", where).order_by(Alert.id)
    return list(session.scalars(found))


def in_teams(under: Iterable[str], directory: Directory) -> ColumnElement[bool]:
    """Which alerts are of the teams: by the team that is recorded, and by the worker's where none is."""
    teams = sorted(under)
    workers = sorted(p.id for p in directory.people.values() if p.team in teams)
    known = sorted(directory.teams)
    nowhere = or_(Alert.team.is_(None), Alert.team.not_in(known))
    return or_(Alert.team.in_(teams), and_(nowhere, Alert.worker.in_(workers)))


def _works(person: str, office: Office) -> bool:
    one = office.directory.people[person]
    left = one.leaves is not None and one.leaves <= office.today
    return not left and one.role in ("worker", "supervisor", "team_manager")


def _person(id_: str, alerts: Sequence[Alert], office: Office) -> PersonRow:
    directory = office.directory
    person = directory.people.get(id_)
    counts = Counter(alert.stage for alert in alerts)
    away = (person.absence(office.today) or "") if person else "" if not id_ else "is not in the staff directory"
    return PersonRow(
        person=id_,
        name=person_name(directory, id_) if id_ else "Nobody allocated",
        role=role_words(person.role) if person else "",
        counts={stage: counts[stage] for stage in PRESSING},
        children=len({alert.child for alert in alerts}),
        away=away,
        deputy=person_name(directory, person.deputy) if person and away and person.deputy else "",
    )


HEATS: Final = 5


def heat(n: int, most: int) -> int:
    """How strongly a figure is coloured, from 0 (nothing) to 5 (the most on the board)."""
    return 0 if n <= 0 or most <= 0 else max(1, -(-n * HEATS // most))


def _heated(row: PersonRow, most: dict[str, int]) -> PersonRow:
    return PersonRow(
        row.person, row.name, row.role, row.counts, row.children, row.away, row.deputy,
        {stage: heat(n, most[stage]) for stage, n in row.counts.items()},
    )  # fmt: skip


def _coming(session: Session, alerts: Sequence[Alert], rulebook: Rulebook, office: Office) -> tuple[Coming, ...]:
    """The steps that are told next, the soonest first. Only those shown are put into words."""
    shelf = Shelf(session, rulebook, office)
    standing = standing_of(session, [alert.id for alert in alerts])
    found = []
    for alert in alerts:
        book = shelf.book(alert)
        rule = book.rule(alert.rule)
        if rule is None:
            continue
        ladder = book.ladders[rule.escalate]
        said = standing.get(alert.id, ())
        planned = next_planned(Finding.from_json(alert.finding), alert.level, ladder, office.calendar, said)
        if planned is not None:
            found.append((planned.until or planned.at, alert.id, alert, planned))
    found.sort(key=lambda one: one[:2])
    return tuple(
        Coming(
            shelf.row(alert, standing.get(alert.id, ())),
            planned.at,
            ", ".join(role_words(role) for role in planned.tells),
            planned.held,
        )
        for _, _, alert, planned in found[:NEXT]
    )
