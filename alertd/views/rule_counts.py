"""How many alerts each rule opened of late, by team: counted from what is kept, not by a rule tried on old records."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from alertd.access.may import barred_from, teams_seen
from alertd.access.viewer import Viewer
from alertd.alerts.handling import Office
from alertd.cases.holding import Holding
from alertd.db.tables import Alert
from alertd.engine.findings import WHOLE_FEED
from alertd.insight.small_numbers import Shown, keeps_beside, shown
from alertd.views.alerts import team_name

DAYS: Final = 31
COUNTED_AGAIN: Final = timedelta(minutes=15)

ByTeam = Mapping[str, int]


class LatelyOpened:
    """How many alerts of each rule were opened in the last month, by team: counted every quarter of an hour at most,
    because all alerts have to be gone through for it."""

    def __init__(self) -> None:
        self._lock, self._at = Lock(), datetime.min.replace(tzinfo=UTC)
        self._found: Mapping[str, Counter[str]] = {}

    def of(self, rule: str, session: Session, office: Office) -> ByTeam:
        """Those of one rule; blank stands for no team."""
        with self._lock:
            if not timedelta() <= office.now - self._at < COUNTED_AGAIN:
                self._found, self._at = _counted(session, office), office.now
            return self._found.get(rule, Counter())


def _counted(session: Session, office: Office, *where: ColumnElement[bool]) -> dict[str, Counter[str]]:
    by = (Alert.rule, Alert.team, Alert.worker)
    since = office.now - timedelta(days=DAYS)
    query = select(*by, func.count()).where(Alert.opened_at >= since, Alert.child != WHOLE_FEED[0], *where)
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for rule, team, worker, n in session.execute(query.group_by(*by)):
        found[rule][office.directory.team_of(Holding(worker, team)) or ""] += n
    return found


@dataclass(frozen=True, slots=True)
class TeamOpened:
    """How many alerts of one rule were opened in one team."""

    team: str
    n: Shown


@dataclass(frozen=True, slots=True)
class LastMonth:
    """By team, and in all; ``total`` is None where it would tell what is hidden."""

    teams: tuple[TeamOpened, ...]
    total: Shown | None


def last_month(rule: str, counts: ByTeam, session: Session, viewer: Viewer, office: Office) -> LastMonth:
    """What somebody may see of it: their teams as it is, without the children of whom they must not hear; of all
    others no small number, nor a total by which one could be worked out."""
    directory, seen = office.directory, teams_seen(viewer, office)
    barred = barred_from(viewer, office)
    theirs = _counted(session, office, Alert.rule == rule, Alert.child.in_(barred))[rule] if barred else Counter[str]()
    found = {
        team: shown(n - theirs.get(team, 0), exact=True) if team in seen else shown(n) for team, n in counts.items()
    }
    others = [{rule: n} for team, n in found.items() if team not in seen]
    known = sum(n for team, n in counts.items() if team in seen)
    exact = not others and not barred
    total = shown(sum(counts.values()), exact=exact)
    safe = exact or keeps_beside({rule: total}, {rule: known}, others, others=False)
    teams = sorted((TeamOpened(team_name(directory, team), n) for team, n in found.items()), key=lambda t: t.team)
    return LastMonth(tuple(teams), total if safe else None)
