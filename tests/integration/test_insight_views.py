"""*Insight* out of a database: what SQL groups is what the pure counting counts; kept, and drilled."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from alertd.access.viewer import Viewer, viewer_of
from alertd.alerts.handling import Office
from alertd.cases.records import local_day
from alertd.db.tables import Alert, AlertEvent, Delivery, Handling, Notice
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.insight.comparison import Figure, Who
from alertd.insight.precision import ToldAlert, precision
from alertd.insight.timeliness import Closed, Outcome, cells, months_to
from alertd.people.directory import Directory, Person, Team
from alertd.views.counting import books_of, own_counts
from alertd.views.insight import Figures, Insight, Which, drill, insight
from tests.support.office import BOOK, CALENDAR

pytest_plugins = ["tests.support.databases"]

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
TODAY = date(2026, 11, 29)
RULES = ("plain.review", "urgent.visit", "local.gone")
CLOSED_AS = ("met", "met", "met", "met_late", "met_recorded_late", "withdrawn", "source_removed", None)

teams = [Team("S", "Service"), *(Team(name, name, "S") for name in ("A", "B", "C"))]
people = [Person(f"{team}{n}", f"{team}{n}", f"{team}{n}@x.org", "worker", team) for team in "ABC" for n in range(4)]
people += [Person("MA", "MA", "ma@x.org", "team_manager", "A"), Person("D", "D", "d@x.org", "director", "S")]
DIRECTORY = Directory({p.id: p for p in people}, {t.id: t for t in teams}, duty="duty@x.org")
OFFICE = Office(DIRECTORY, CALENDAR, NOW)


def day_or_moment(chance: random.Random, day: date) -> date | datetime:
    """Mostly a day. A moment late in the evening in UTC is the next day in London's summer."""
    if chance.random() < 0.7:
        return day
    return datetime(day.year, day.month, day.day, chance.choice((0, 9, 22, 23)), 30, tzinfo=UTC)


def made(chance: random.Random, id_: int) -> Alert:
    due = TODAY - timedelta(days=chance.randrange(-10, 420))
    closed_as = chance.choice(CLOSED_AS)
    met = due + timedelta(days=chance.randrange(0, 30) if closed_as == "met_late" else chance.randrange(-30, 1))
    met = min(met, TODAY + timedelta(days=chance.choice((-1, -1, -1, 3))))  # a feed may date what is done ahead
    known = chance.random() < 0.95 and closed_as in ("met", "met_late", "met_recorded_late")
    team = chance.choice(["A", "B", "C", None, "closed"])
    finding = Finding(
        chance.choice(RULES),
        WHOLE_FEED[0] if chance.random() < 0.02 else f"C{id_ % 50}",
        f"care_period:{id_}",
        "start",
        "met" if closed_as else "overdue",
        due=day_or_moment(chance, due),
        met=day_or_moment(chance, met) if known else None,
    )
    return Alert(
        id=id_,
        rule=finding.rule,
        child=finding.child,
        record=finding.record,
        occurrence=finding.occurrence,
        state="closed" if closed_as else "open",
        stage=chance.choice(["due", "overdue"]),
        closed_as=closed_as,
        finding=finding.as_json(),
        worker=chance.choice([None, *(f"{chance.choice('ABC')}{n}" for n in range(4))]),
        team=team,
        muted=chance.choice(["", "", "shadow"]),
        opened_at=NOW - timedelta(days=500),
        changed_at=datetime(met.year, met.month, met.day, 23, 45, tzinfo=UTC) + timedelta(minutes=30),
    )


def fill(engine: Engine, alerts: list[Alert], chance: random.Random) -> dict[int, tuple[str, ...]]:
    """Write them, half of them told, and some disputed; the disputes that stand, of those told."""
    disputes: dict[int, tuple[str, ...]] = {}
    with Session(engine) as session, session.begin():
        session.add(
            Delivery(
                id="d",
                person="A1",
                address="a",
                resolved_by="worker",
                channel="email",
                message=b"",
                state="delivered",
                next_attempt_at=NOW,
                created_at=NOW,
            )
        )
        session.add_all(alerts)
        session.flush()
        for alert in alerts:
            event = AlertEvent(alert_id=alert.id, at=NOW, to_stage="due", level=0, reason="new")
            session.add(event)
            session.flush()
            is_told = chance.random() < 0.5
            session.add(
                Notice(event_id=event.id, alert_id=alert.id, role="worker", composed_into="d" if is_told else None)
            )
            how = [chance.choice(["open", "upheld", "rejected", "undone"]) for _ in range(chance.choice((0, 0, 1, 2)))]
            for one in how:
                ended = None if one == "open" else one
                at = ended and NOW
                session.add(
                    Handling(
                        alert_id=alert.id, kind="dispute", by="A1", at=NOW, reason="r", ended_at=at, ended_why=ended
                    )
                )
            if is_told:
                disputes[alert.id] = tuple(one for one in how if one != "undone")
    return disputes


def team_of(alert: Alert) -> str:
    worker = DIRECTORY.people.get(alert.worker or "")
    return alert.team if alert.team in DIRECTORY.teams else (worker.team or "") if worker else ""


def closed(alert: Alert) -> Closed | None:
    """An alert as the pure counting takes it; None for one that is left out."""
    finding = Finding.from_json(alert.finding)
    if alert.child == WHOLE_FEED[0] or alert.closed_as is None or finding.due is None or finding.met is None:
        return None
    due, met = local_day(finding.due), local_day(finding.met)
    in_span = f"{met:%Y-%m}" in months_to(TODAY) and met <= TODAY
    return (
        Closed(alert.id, alert.rule, alert.child, team_of(alert), alert.worker, due, met, alert.closed_as)
        if in_span
        else None
    )


Filled = tuple[Engine, list[Alert], dict[int, tuple[str, ...]]]


@pytest.fixture
def filled(engine: Engine) -> Filled:
    """Four hundred alerts of anything, twice: in the database, and as they were made."""
    disputes = fill(engine, alerts_of(random.Random(6)), random.Random(7))
    return engine, alerts_of(random.Random(6)), disputes


def alerts_of(chance: random.Random) -> list[Alert]:
    return [made(chance, n + 1) for n in range(400)]


def test_what_is_grouped_in_the_database_is_what_the_pure_counting_counts(
    filled: Filled,
) -> None:
    engine, alerts, disputes = filled
    rows = [one for alert in alerts if (one := closed(alert))]
    with Session(engine) as session:
        books = books_of(session, DIRECTORY, TODAY)
        mine = own_counts(session, ["A1", "B2"], TODAY)
    assert books.done == cells(rows) and len(rows) > 100
    workers: dict[tuple[str, str], set[str]] = {}
    for one in rows:
        if one.worker:
            workers.setdefault((one.rule, one.team or ""), set()).add(one.worker)
    assert books.workers == {key: len(found) for key, found in workers.items()}
    of_children = [a for a in alerts if a.child != WHOLE_FEED[0]]
    overdue = [a for a in of_children if (a.state, a.stage, a.muted) == ("open", "overdue", "")]
    assert books.overdue == Counter((a.rule, team_of(a)) for a in overdue)
    first = datetime(2025, 12, 1, tzinfo=UTC)
    by_team: dict[str, list[ToldAlert]] = {}
    for a in of_children:
        if a.id in disputes and a.changed_at >= first:
            by_team.setdefault(team_of(a), []).append(ToldAlert(a.rule, a.closed_as, disputes[a.id]))
    assert books.told == {(one.rule, team): one for team, told in by_team.items() for one in precision(told)}

    own = [one for one in rows if one.worker in ("A1", "B2")]
    for rule, counts in mine.items():
        of = cells(replace(one, team="") for one in own if one.rule == rule)
        assert counts.of == {(c.month, c.outcome, c.days): n for c, n in of.items()}
        assert counts.overdue == sum((a.rule, a.worker in ("A1", "B2")) == (rule, True) for a in overdue)
    assert sum(counts.n for counts in mine.values()) == len(own)


def test_behind_a_figure_stand_as_many_as_it_says_and_no_child_whom_one_may_not_see(
    filled: Filled,
) -> None:
    engine, alerts, _ = filled
    rows = [one for alert in alerts if (one := closed(alert)) and one.rule == "plain.review"]
    with Session(engine) as session:

        def behind(which: Which, hidden: str = "") -> list[int]:
            return [one.alert for one in drill(session, which, DIRECTORY, TODAY, lambda child: child != hidden)]

        everyone = frozenset({*DIRECTORY.teams, ""})
        which = Which("plain.review", teams=everyone)
        assert behind(which) == [one.alert for one in rows][::-1]
        late: Outcome = "late"
        assert behind(replace(which, outcome=late)) == [o.alert for o in rows if o.closed_as == "met_late"][::-1]
        month = rows[0].met.strftime("%Y-%m")
        assert set(behind(replace(which, month=month))) == {o.alert for o in rows if f"{o.met:%Y-%m}" == month}
        beyond = {o.alert for o in rows if (o.met - o.due).days > 10}
        assert set(behind(replace(which, days=11))) == beyond and beyond
        assert set(behind(Which("plain.review", people=frozenset({"A1"})))) == {
            o.alert for o in rows if o.worker == "A1"
        }
        assert set(behind(replace(which, teams=frozenset({"A"})))) == {o.alert for o in rows if o.team == "A"}
        one = rows[0].child
        assert set(behind(which, hidden=one)) == {o.alert for o in rows if o.child != one}


def viewer(id_: str) -> Viewer:
    found = viewer_of(id_, DIRECTORY, TODAY)
    assert found is not None
    return found


@pytest.fixture
def figures(filled: Filled) -> Iterator[Figures]:
    found = Figures(filled[0], lambda: DIRECTORY, lambda: NOW)
    yield found
    found.close()


def page(figures: Figures, engine: Engine, id_: str, team: str = "") -> Insight:
    with Session(engine) as session:
        return insight(session, figures, viewer(id_), BOOK, OFFICE, {}, team)


def of(found: Insight, rule: str) -> dict[Who, Figure | None]:
    return next(dict(one.line.figures) for one in found.rules if one.line.rule == rule)


def exact(found: Insight, rule: str = "plain.review") -> set[str]:
    return {who for who, figure in of(found, rule).items() if figure and figure.n.exact}


def test_what_is_shown_as_it_is_depends_on_who_looks(figures: Figures, filled: Filled) -> None:
    engine = filled[0]
    worker, manager, director = (page(figures, engine, id_) for id_ in ("A1", "MA", "D"))
    assert exact(worker) == {"me"} and worker.team == "A" and worker.choice == ()
    assert exact(manager) == {"team"} and manager.team == "A" and manager.choice == ("A",)
    assert exact(director) == {"team", "similar", "service"} - ({"similar"} if not director.similar else set())
    assert director.choice == ("A", "B", "C", "S")
    assert [one.title for one in director.rules] == ["Review", "Visit", "local.gone"]
    assert worker.similar == ("B", "C")
    other = page(figures, engine, "A1", team="B")
    assert other.team == "A"  # one's own, whatever was asked for
    assert exact(page(figures, engine, "D", team="B")) == {"team", "similar", "service"}


def test_figures_are_kept_until_something_changes_and_then_counted_beside_the_work(
    figures: Figures, filled: Filled
) -> None:
    engine = filled[0]
    before, fresh = figures.now()
    assert fresh and figures.now()[0] is before
    with Session(engine) as session, session.begin():
        alert = session.get_one(Alert, 1)
        alert.state, alert.closed_as, alert.stage, alert.muted, alert.child = "open", None, "overdue", "", "C1"
        session.add(AlertEvent(alert_id=1, at=NOW, to_stage="overdue", level=0, reason="reopened"))
    shown, fresh = figures.now()
    assert shown is before and not fresh
    coming = figures._coming
    assert coming is not None
    counted = coming.result(timeout=60)
    after, fresh = figures.now()
    assert after is counted and fresh
    assert (
        sum(after.books.overdue.values()) != sum(before.books.overdue.values()) or after.books.done != before.books.done
    )


def test_a_fault_of_counting_beside_the_work_reaches_whoever_asks_next_and_is_tried_again(
    figures: Figures, filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, _ = figures.now()

    def broken(*_: Any) -> Any:
        raise DBAPIError("select", None, OSError("no disk"))

    with Session(filled[0]) as session, session.begin():
        session.add(AlertEvent(alert_id=1, at=NOW, to_stage="overdue", level=0, reason="stage"))
    with monkeypatch.context() as patched:
        patched.setattr("alertd.views.insight.books_of", broken)
        assert figures.now() == (before, False)
        assert figures._coming is not None and figures._coming.exception(timeout=60) is not None
    with pytest.raises(DBAPIError):
        figures.now()
    assert figures.now() == (before, False)
    assert figures._coming is not None and figures._coming.result(timeout=60).changed != before.changed
