"""Following what people say: it makes no answer another, only who is told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from alertd.agenda import entries
from alertd.alerts import silence_store
from alertd.alerts.handling import rank_over
from alertd.alerts.silences import Silenced
from alertd.cases.holding import Holding
from alertd.db.tables import IS_MUTED, Alert, Handling
from alertd.people.directory import Directory

_ONE_STATEMENT = 500


@dataclass(frozen=True, slots=True)
class Words:
    """What stands now: of each handling, by its number, where its author stands above the child; of each silence, by
    why it mutes, whom it covers."""

    handlings: Mapping[str, int]
    silences: Mapping[str, str]

    def as_json(self) -> dict[str, Mapping[str, object]]:
        """As a mark keeps it."""
        return {"handlings": dict(self.handlings), "silences": dict(self.silences)}


def spoken(session: Session, directory: Directory, now: datetime) -> tuple[Words, frozenset[str]]:
    """What people have said that stands, and the children of whose alerts other people may be told than when this was
    last followed: somebody said something, it ended, or its author stands elsewhere; a silence began or ended."""
    quiet = [one for one in silence_store.recent(session, now) if one.stands(now)]
    words = Words(_handlings(session, directory), {one.why: _covers(one, directory) for one in quiet})
    mark = entries.mark(session, "words") or {"handlings": {}, "silences": {}}
    concerned = _of_handlings(session, _other(mark["handlings"], words.handlings))
    others = _other(mark["silences"], words.silences)
    concerned |= _muted(session, others)
    for one in quiet:
        if one.why in others:
            concerned |= _covered(session, one, directory)
    return words, frozenset(concerned - {"*"})


def _other(before: Mapping[str, object], now: Mapping[str, object]) -> set[str]:
    return {key for key in before.keys() | now.keys() if before.get(key) != now.get(key)}


def _handlings(session: Session, directory: Directory) -> dict[str, int]:
    columns = (Handling.id, Handling.by, Alert.worker, Alert.team)
    rows = session.execute(select(*columns).join(Alert).where(Handling.ended_at.is_(None)))
    return {str(id_): rank_over(by, Holding(worker, team), directory) for id_, by, worker, team in rows}


def _of_handlings(session: Session, numbers: Iterable[str]) -> set[str]:
    wanted, found = sorted(map(int, numbers)), set[str]()
    for at in range(0, len(wanted), _ONE_STATEMENT):
        some = Handling.id.in_(wanted[at : at + _ONE_STATEMENT])
        found.update(session.scalars(select(Alert.child).join(Handling, Handling.alert_id == Alert.id).where(some)))
    return found


def _covers(one: Silenced, directory: Directory) -> str:
    """The teams of a silence and their workers: who they are changes with the directory."""
    teams = _teams(one, directory)
    workers = sorted(person.id for person in directory.people.values() if person.team in teams)
    return blake2b(repr((sorted(teams), workers)).encode(), digest_size=8).hexdigest()


def _teams(one: Silenced, directory: Directory) -> frozenset[str]:
    return frozenset[str]().union(*(directory.teams_under(team) for team in one.teams))


def _muted(session: Session, silences: Iterable[str]) -> set[str]:
    open_ones = select(Alert.child).where(Alert.state == "open", IS_MUTED, Alert.muted.in_(sorted(silences)))
    return set(session.scalars(open_ones.distinct()))


def _covered(session: Session, one: Silenced, directory: Directory) -> set[str]:
    """The children with open alerts whom the teams of a silence have: by their team, or else by their worker."""
    teams, found = sorted(_teams(one, directory)), set[str]()
    workers = sorted(person.id for person in directory.people.values() if person.team in teams)
    open_ones = select(Alert.child).where(Alert.state == "open").distinct()
    for column, keys in ((Alert.team, teams), (Alert.worker, workers)):
        for at in range(0, len(keys), _ONE_STATEMENT):
            these = open_ones.where(column.in_(keys[at : at + _ONE_STATEMENT]))
            if one.rules:
                these = these.where(or_(*(Alert.rule == rule for rule in one.rules)))
            found.update(session.scalars(these))
    return found
