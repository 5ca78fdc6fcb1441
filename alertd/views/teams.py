"""The board of a team: people and stages, what is passed up next, load, who is away, and what nobody has."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Select, func, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from alertd.access.may import barred_from
from alertd.access.viewer import Viewer
from alertd.alerts.handling import Office
from alertd.alerts.handlings import standing_of
from alertd.alerts.planned import next_planned
from alertd.cases.holding import Holding
from alertd.db.tables import Alert
from alertd.engine.findings import Finding
from alertd.people.directory import Directory, role_words
from alertd.rulebook.model import Rulebook
from alertd.views.alerts import PRESSING, Row, Shelf, open_alerts, person_name, team_name

CAP: Final = 60
"""Open alerts of one person beyond which a digest names only the most urgent: the load that a board marks."""
NEXT: Final = 15
"""How many of the steps that come next a board shows."""
COUNTED_AGAIN: Final = timedelta(minutes=1)
"""How old a count of the whole authority may be: counting takes as long as there are alerts."""
FEW_TEAMS: Final = 20
"""So many teams are counted by themselves, at once; of more, the count of the whole authority is taken."""


class Counted(NamedTuple):
    """How many alerts of one team and worker are open at a stage, as the feed names these."""

    team: str | None
    worker: str | None
    stage: str
    n: int


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
    """The page of one team, with the teams right under it."""

    team: str
    name: str
    people: tuple[PersonRow, ...]
    counts: dict[str, int]
    unallocated: int
    coming: tuple[Coming, ...]
    teams: tuple[TeamCount, ...]


class Totals:
    """How many alerts are open of each team and those under it, by stage, and how many of these nobody has."""

    def __init__(self, rows: Iterable[Counted], directory: Directory) -> None:
        self.counts: dict[str | None, Counter[str]] = defaultdict(Counter)
        self.unallocated: Counter[str | None] = Counter()
        for row in rows:
            for above in directory.chain(directory.team_of(Holding(row.worker, row.team))):
                self.counts[above][row.stage] += row.n
                self.unallocated[above] += 0 if row.worker else row.n


class Counts:
    """The totals of the whole authority: counted once a minute at most."""

    def __init__(self) -> None:
        self._lock, self._at = Lock(), datetime.min.replace(tzinfo=UTC)
        self._totals: Totals | None = None

    def of_all(self, session: Session, office: Office) -> Totals:
        """Everything, a minute old at most."""
        with self._lock:
            if self._totals is None or not timedelta() <= office.now - self._at < COUNTED_AGAIN:
                self._totals, self._at = Totals(_counted(session), office.directory), office.now
            return self._totals


def _counted(session: Session, *where: ColumnElement[bool]) -> tuple[Counted, ...]:
    by = (Alert.team, Alert.worker, Alert.stage)
    found = select(*by, func.count()).where(Alert.state == "open", Alert.muted == "", *where).group_by(*by)
    return tuple(Counted(*row) for row in session.execute(found))


def teams(
    session: Session, seen: frozenset[str], viewer: Viewer, office: Office, counts: Counts
) -> tuple[TeamCount, ...]:
    """The teams whose boards somebody sees, as a tree, each with those under it. Children that the viewer must not hear
    of are in no figure of it."""
    if len(seen) > FEW_TEAMS:
        totals = counts.of_all(session, office)
    else:
        totals = Totals(_counted(session, in_teams(seen, office.directory)), office.directory)
    return _tree(totals, _hidden(session, viewer, office), seen, office)


def _hidden(session: Session, viewer: Viewer, office: Office) -> Totals:
    """What is to be taken off a count of all for somebody: else their board's figures beside it would tell them how
    many alerts there are of children of whom they must not hear."""
    directory = office.directory
    barred = barred_from(viewer, office)
    return Totals(_counted(session, Alert.child.in_(barred)) if barred else (), directory)


def _tree(totals: Totals, hidden: Totals, seen: frozenset[str], office: Office) -> tuple[TeamCount, ...]:
    directory = office.directory

    def shown(team: str) -> dict[str, int]:
        all_, off = totals.counts.get(team, Counter[str]()), hidden.counts.get(team, Counter[str]())
        return {stage: max(0, all_[stage] - off[stage]) for stage in PRESSING}

    return tuple(
        TeamCount(
            team,
            team_name(directory, team),
            sum(above in seen for above in directory.chain(team)[1:]),
            shown(team),
            max(0, totals.unallocated[team] - hidden.unallocated[team]),
        )
        for team in sorted(seen, key=lambda t: tuple(reversed(directory.chain(t))))
    )


def board(session: Session, team: str, viewer: Viewer, rulebook: Rulebook, office: Office, counts: Counts) -> Board:
    """One team's board: its own people, and the teams right under it. Children that the viewer must not hear of are
    in no figure of it."""
    directory = office.directory
    alerts = [
        alert
        for alert in open_alerts(session, Alert.muted == "", in_teams([team], office.directory))
        if not any(directory.may_hear(id_, alert.child, office.today) for id_ in viewer.ids)
    ]
    held: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        held[alert.worker or ""].append(alert)
    here = {id_ for id_ in directory.members([team]) if _works(id_, office)}
    rows = [_person(id_, held.get(id_, []), office) for id_ in {*here, *held}]
    rows.sort(key=lambda row: (-row.counts["overdue"], -row.counts["due"], -row.total, row.name))
    total = Counter(alert.stage for alert in alerts)
    below = frozenset(t.id for t in directory.teams.values() if t.parent == team)
    return Board(
        team=team,
        name=team_name(directory, team),
        people=tuple(rows),
        counts={stage: total[stage] for stage in PRESSING},
        unallocated=len({alert.child for alert in held.get("", [])}),
        coming=_coming(session, alerts, rulebook, office),
        teams=_tree(counts.of_all(session, office), _hidden(session, viewer, office), below, office) if below else (),
    )


def of_person(
    session: Session, team: str, person: str, stage: str, viewer: Viewer, rulebook: Rulebook, office: Office
) -> list[Row]:
    """What stands behind one cell of a board: the alerts of one person of the team (blank: of nobody), by stage."""
    whose = (Alert.worker == person) if person else Alert.worker.is_(None)
    alerts = [
        alert
        for alert in open_alerts(session, Alert.muted == "", whose, in_teams([team], office.directory))
        if (not stage or alert.stage == stage)
        and not any(office.directory.may_hear(id_, alert.child, office.today) for id_ in viewer.ids)
    ]
    return sorted(Shelf(session, rulebook, office).rows(alerts), key=lambda row: row.pressing)


def in_teams(teams: Iterable[str], directory: Directory) -> ColumnElement[bool]:
    """Whose team it is: the team that is recorded, or the worker's where none is that anybody knows."""
    return Alert.id.in_(union_all(*ids_in_teams(teams, directory)))


def ids_in_teams(teams: Iterable[str], directory: Directory) -> tuple[Select[int], Select[int]]:
    """The alerts of teams, as :func:`in_teams`: by the team that is recorded, and by the worker's."""
    wanted = sorted(set(teams))
    workers = directory.members(wanted)
    # Two questions, not one with an "or" in it: each finds its index, and else every alert there is would be read.
    one, other = aliased(Alert), aliased(Alert)
    unknown = or_(other.team.is_(None), other.team.not_in(sorted(directory.teams)))
    recorded = select(one.id).where(one.team.in_(wanted))
    return recorded, select(other.id).where(other.worker.in_(workers), unknown)


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
