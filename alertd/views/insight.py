"""*Insight*: one's own work beside that of the team, similar teams, the service and the country, by rule.

What is counted is counted once for everybody, and kept until an evaluation changes something: of half a million
alerts that takes seconds, so whoever asks meanwhile is shown what there is and when it is from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date, datetime
from threading import Lock

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from alertd.access.may import barred_from, teams_seen
from alertd.access.viewer import Viewer
from alertd.alerts.handling import Office
from alertd.calendars.clock import begin_of
from alertd.cases.records import local_day
from alertd.db.engine import reading
from alertd.db.tables import Alert, AlertEvent, FeedRun, Handling
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.insight.comparison import Line, Reader, Who, compare
from alertd.insight.national import National
from alertd.insight.timeliness import (
    AROUND,
    OUTCOMES,
    Books,
    Cell,
    Closed,
    Outcome,
    cell,
    depths_of,
    first_day,
    months_to,
    similar_to,
)
from alertd.people.directory import Directory
from alertd.rulebook.model import Rulebook
from alertd.views.counting import books_of, own_counts, team_of


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """One rule of the page: what people call it, and its figures."""

    title: str
    line: Line


@dataclass(frozen=True, slots=True)
class Insight:
    """Everything on the page. ``team`` is the id of the team that is looked at, blank for somebody without one;
    ``choice`` are those that the viewer may look at instead; ``similar`` are the teams it is compared with.
    ``as_of`` is when it was counted, ``fresh`` whether nothing has changed since."""

    rules: tuple[RuleFigures, ...]
    months: tuple[str, ...]
    team: str
    choice: tuple[str, ...]
    similar: tuple[str, ...]
    as_of: datetime
    fresh: bool


@dataclass(frozen=True, slots=True)
class Behind:
    """One alert behind a figure: the days it was due and done on, and what became of it."""

    alert: int
    child: str
    due: date
    met: date
    outcome: Outcome


Changed = tuple[int | None, ...]
"""The latest of what changes figures: a reading, a change of an alert, a word on one; and the month."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was counted, and as of when."""

    books: Books
    changed: Changed
    at: datetime


class Figures:
    """The counts of the whole authority, counted anew when something changed: at the first ask while whoever asks
    waits, later beside the work. Safe to be asked from many threads."""

    def __init__(self, engine: Engine, directory: Callable[[], Directory], clock: Callable[[], datetime]) -> None:
        self._engine, self._directory, self._clock = engine, directory, clock
        self._lock, self._beside = Lock(), ThreadPoolExecutor(1, thread_name_prefix="figures")
        self._kept: Kept | None = None
        self._coming: Future[Kept] | None = None

    def are_there(self, within: float = 0) -> bool:
        """Whether anything has been counted, or has failed to be, which :meth:`now` then says. If not it is begun
        beside the work, and waited for so many seconds at most."""
        with self._lock:
            if self._kept is not None:
                return True
            if self._coming is None:
                self._coming = self._beside.submit(lambda: self._count(self._changed()))
            coming = self._coming
        return bool(wait([coming], within).done)

    def now(self) -> tuple[Kept, bool]:
        """What there is, and whether nothing has changed since. A fault of counting beside the work is raised here,
        to whoever asks next; then it is tried again."""
        changed = self._changed()
        with self._lock:
            if self._coming is not None and (self._kept is None or self._coming.done()):
                coming, self._coming = self._coming, None
                self._kept = coming.result()
            if self._kept is None:
                self._kept = self._count(changed)
            if self._kept.changed != changed and self._coming is None:
                self._coming = self._beside.submit(self._count, changed)
            return self._kept, self._kept.changed == changed

    def close(self) -> None:
        """Wait for what is being counted, and end."""
        self._beside.shutdown(cancel_futures=True)

    def _changed(self) -> Changed:
        today = local_day(self._clock())
        latest = (select(func.max(table.id)).scalar_subquery() for table in (FeedRun, AlertEvent, Handling))
        ended = select(func.count()).where(Handling.ended_at.is_not(None)).scalar_subquery()
        with Session(reading(self._engine)) as session:
            return (*session.execute(select(*latest, ended)).one(), today.year * 12 + today.month)

    def _count(self, changed: Changed) -> Kept:
        at = self._clock()
        with Session(reading(self._engine)) as session:
            books = books_of(session, self._directory(), local_day(at))
        books.sum_up()
        return Kept(books, changed, at)


def insight(
    session: Session,
    figures: Figures,
    viewer: Viewer,
    rulebook: Rulebook,
    office: Office,
    national: Mapping[str, National],
    team: str = "",
    rule: str = "",
) -> Insight:
    """The page for somebody who works for the authority; ``team`` to look at another of those they may look at,
    ``rule`` for one rule alone."""
    kept, fresh = figures.now()
    seen = teams_seen(viewer, office)
    chosen = chosen_team(viewer, seen, team)
    reader = _reader(session, kept, viewer, office, chosen, seen)
    titles = {one.id: one.title for book in (*rulebook.teams.values(), rulebook) for one in book.rules}
    counted = kept.books.by_rule.keys() | (reader.mine or {}).keys()
    known = [*(one for one in titles if one in counted), *sorted(counted - titles.keys())]
    months = months_to(local_day(kept.at))
    lines = compare(kept.books, reader, [one for one in known if rule in ("", one)], months, national)
    return Insight(
        tuple(RuleFigures(titles.get(line.rule, line.rule), line) for line in sorted(lines, key=_says_nothing)),
        months,
        chosen,
        tuple(sorted(seen)),
        tuple(sorted(reader.similar)),
        kept.at,
        fresh,
    )


def _says_nothing(line: Line) -> bool:
    """Whether a rule has no figure of anything done, as its reader is shown it: such rules come last."""
    return not any(figure.n.value for figure in line.figures.values() if figure)


def chosen_team(viewer: Viewer, seen: frozenset[str], team: str) -> str:
    """The team that is looked at: the one asked for where they may look at it, else their own; blank for none."""
    return team if team in seen else viewer.team or ""


def _reader(session: Session, kept: Kept, viewer: Viewer, office: Office, chosen: str, seen: frozenset[str]) -> Reader:
    directory = office.directory
    today = local_day(kept.at)  # one's own of the same months, also when the first of a month has just begun
    exact: set[Who] = {"me"}
    if chosen in seen:
        exact.add("team")
    if viewer.oversees:
        exact |= {"similar", "service"}
    hidden = barred_from(viewer, office)
    of_hidden = (
        books_of(session, directory, today, Alert.child.in_(hidden)).by_rule if hidden and len(exact) > 1 else {}
    )
    return Reader(
        own_counts(session, viewer.ids, today, hidden),
        _teams_of(chosen, seen, directory),
        _similar(kept, chosen, directory),
        frozenset(exact),
        of_hidden,
    )


def _teams_of(chosen: str, seen: frozenset[str], directory: Directory) -> frozenset[str]:
    """The teams whose figures are the chosen one's: with those under it, for who manages them."""
    return directory.teams_under(chosen) if chosen in seen else frozenset({chosen} & directory.teams.keys())


def _similar(kept: Kept, chosen: str, directory: Directory) -> frozenset[str]:
    depths = depths_of({one.id: one.parent for one in directory.teams.values()})
    return similar_to(chosen, kept.books.mixes, depths)


@dataclass(frozen=True, slots=True)
class Which:
    """Which figure somebody wants to see behind: a rule's work of ``people``, or of ``teams`` where there are no
    people; all of it, or what was done in one month, so many days after its limit, or with one outcome."""

    rule: str
    people: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    month: str = ""
    days: int | None = None
    outcome: Outcome | None = None
    before: int | None = None
    """Only alerts of smaller numbers: where a page of a list goes on."""


def behind(figures: Figures, viewer: Viewer, office: Office, rule: str, who: Who, team: str = "") -> Which | None:
    """Whose work stands behind a figure. None where the viewer does not see that figure as it is: by a list beside a
    rounded one, what the rounding hides could be worked out."""
    directory, seen = office.directory, teams_seen(viewer, office)
    chosen = chosen_team(viewer, seen, team)
    if who == "me":
        return Which(rule, people=viewer.ids)
    if who == "team" and chosen in seen:
        return Which(rule, teams=_teams_of(chosen, seen, directory))
    if who == "similar" and viewer.oversees:
        return Which(rule, teams=_similar(figures.now()[0], chosen, directory))
    if who == "service" and viewer.oversees:
        return Which(rule, teams=frozenset({*directory.teams, ""}))
    return None


def drill(
    session: Session, which: Which, directory: Directory, today: date, may_see: Callable[[str], bool]
) -> Iterator[Behind]:
    """The alerts behind a figure, the latest first, of the children whom the viewer ``may_see``: the others are left
    out, so a list may be shorter than its figure."""
    where = [Alert.rule == which.rule, Alert.closed_as.in_(OUTCOMES), Alert.changed_at >= begin_of(first_day(today))]
    if which.people:
        where.append(Alert.worker.in_(sorted(which.people)))
    if which.before is not None:
        where.append(Alert.id < which.before)
    wanted = select(Alert.id, Alert.rule, Alert.child, Alert.team, Alert.worker, Alert.closed_as, Alert.finding)
    months = months_to(today)
    for id_, rule, child, team, worker, closed_as, data in session.execute(
        wanted.where(*where).order_by(Alert.id.desc()).execution_options(yield_per=500)
    ):
        finding = Finding.from_json(data)
        if child == WHOLE_FEED[0] or finding.due is None or finding.met is None:
            continue
        theirs = team_of(directory, team, worker)
        closed = Closed(id_, rule, child, theirs, worker, local_day(finding.due), local_day(finding.met), closed_as)
        found = cell(closed)
        if found and found.month in months and _is_in(found, which) and may_see(child):
            yield Behind(id_, child, closed.due, closed.met, found.outcome)


def _is_in(found: Cell, which: Which) -> bool:
    days = max(-AROUND - 1, min(found.days, AROUND + 1))
    return (
        (bool(which.people) or found.team in which.teams)
        and which.month in ("", found.month)
        and which.days in (None, days)
        and which.outcome in (None, found.outcome)
    )
