"""The life of alerts under any history of findings: properties, and a machine that makes histories up."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from alert_samples import NOW, after, finding
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from alertd.alerts import store
from alertd.alerts.lifecycle import CLOSING, OpenAlert
from alertd.alerts.reconcile import Identity, Reconciled, reconcile
from alertd.cases.holding import Holding
from alertd.db.base import Base
from alertd.db.tables import STAGES, Alert, AlertEvent
from alertd.engine.findings import CannotTell, Finding

IDENTITIES = [(child, occurrence) for child in ("C1", "C2") for occurrence in ("start", "R1")]
DUE_DATES = st.sampled_from([date(2026, 11, 24), date(2026, 11, 27), date(2026, 12, 20)])


@st.composite
def stood(draw: st.DrawFn) -> Finding:
    """One clock as it may stand, whatever came before: dates move, and records are corrected backwards."""
    stage = draw(st.sampled_from(["running", "upcoming", "due", "overdue", "met", "met_late", "ended", "unknown"]))
    is_open = stage in ("upcoming", "due", "overdue")
    return finding(
        stage,
        due=draw(DUE_DATES),
        warned=draw(st.integers(0, 3)) if is_open else 0,
        level=draw(st.integers(0, 4)) if is_open else 0,
        met=date(2026, 11, 20) if stage in ("met", "met_late") else None,
        closed=stage == "ended" or draw(st.booleans()),
        since=NOW - timedelta(hours=draw(st.integers(0, 99))),
        spoken_for_by=draw(st.sampled_from(["", "", "cp.visit", "gap.no_contact"])) if is_open else "",
        cannot_tell=CannotTell(draw(st.sampled_from(["missing", "window"])), "start", "", "")
        if stage == "unknown"
        else None,
    )


@st.composite
def worlds(draw: st.DrawFn) -> list[Finding]:
    """What is true at one instant of some of four clocks."""
    chosen = draw(st.lists(st.sampled_from(IDENTITIES), unique=True))
    return [replace(draw(stood()), child=child, occurrence=occurrence) for child, occurrence in chosen]


def run(world: Iterable[Finding], alerts: Mapping[Identity, OpenAlert]) -> Reconciled:
    return reconcile(world, alerts, NOW, present=lambda child, _record: child == "C1")


def opened(alerts: Mapping[Identity, OpenAlert]) -> set[Identity]:
    return {identity for identity, alert in alerts.items() if alert.is_open}


@given(worlds(), worlds())
def test_what_was_told_is_not_told_again(first: list[Finding], second: list[Finding]) -> None:
    alerts = after({}, run(first, {}))
    alerts = after(alerts, run(second, alerts))
    assert run(second, alerts) == Reconciled((), ())


@given(worlds(), worlds())
def test_a_run_that_was_missed_makes_no_difference_to_what_is_open(first: list[Finding], second: list[Finding]) -> None:
    alerts = after({}, run(first, {}))
    through = after(alerts, run(second, alerts))
    straight = after({}, run(second, {}))
    assert opened(through) == opened(straight) == {f.identity for f in second if f.asks_for_action}
    assert all(through[i].finding == straight[i].finding for i in opened(straight))


@given(worlds(), worlds(), st.randoms(use_true_random=False))
def test_the_order_of_findings_does_not_matter(first: list[Finding], second: list[Finding], rng: random.Random) -> None:
    alerts = after({}, run(first, {}))
    mixed = rng.sample(second, len(second))
    one, other = run(second, alerts), run(mixed, alerts)
    assert set(one.transitions) == set(other.transitions)
    assert set(one.refreshed) == set(other.refreshed)


@given(worlds(), worlds())
def test_each_clock_changes_at_most_once_a_run(first: list[Finding], second: list[Finding]) -> None:
    done = run(second, after({}, run(first, {})))
    changed = [t.finding.identity for t in done.transitions]
    assert len(set(changed)) == len(changed)
    assert not {t.alert_id for t in done.transitions} & {id_ for id_, _ in done.refreshed}


@given(st.lists(worlds(), min_size=2, max_size=4))
def test_no_ladder_step_is_told_twice(history: list[list[Finding]]) -> None:
    alerts: dict[Identity, OpenAlert] = {}
    told: dict[Identity, list[int]] = {}
    for world in history:
        done = run(world, alerts)
        for t in done.transitions:
            if t.muted:
                assert t.to_level == t.from_level  # nobody was told
            told.setdefault(t.finding.identity, []).extend(range(t.from_level, t.to_level))
        alerts = after(alerts, done)
    assert all(len(set(steps)) == len(steps) for steps in told.values())


class Life(RuleBasedStateMachine):
    """Clocks appear, move, vanish and come back, in a real database; workers change."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = create_engine("sqlite://")
        Base.metadata.create_all(self.engine)
        self.world: dict[tuple[str, str], Finding] = {}
        self.worker: str | None = "W1"
        self.levels: dict[int, int] = {}
        self.events = 0

    def teardown(self) -> None:
        self.engine.dispose()

    @rule(clock=st.sampled_from(IDENTITIES), stands=stood())
    def stand(self, clock: tuple[str, str], stands: Finding) -> None:
        self.world[clock] = replace(stands, child=clock[0], occurrence=clock[1])

    @rule(clock=st.sampled_from(IDENTITIES))
    def vanish(self, clock: tuple[str, str]) -> None:
        self.world.pop(clock, None)

    @rule(worker=st.sampled_from(["W1", "W2", None]))
    def hand_over(self, worker: str | None) -> None:
        self.worker = worker

    @rule()
    def look(self) -> None:
        holdings = {"C1": Holding(self.worker, "T1"), "C2": Holding(self.worker, "T1")}
        with Session(self.engine) as session, session.begin():
            known = store.last_told(session)
            done = reconcile(
                self.world.values(), known, NOW, present=lambda child, _record: child == "C1", holdings=holdings
            )
            store.apply(session, done, NOW, lambda _: (), holdings)
            self.events += sum(len(t.each_step()) for t in done.transitions)
        with Session(self.engine) as session:
            again = reconcile(
                self.world.values(), store.last_told(session), NOW, present=lambda *_: True, holdings=holdings
            )
            assert again == Reconciled((), ())
            is_open = {
                (a.rule, a.child, a.record, a.occurrence) for a in session.scalars(select(Alert)) if a.state == "open"
            }
        assert is_open == {f.identity for f in self.world.values() if f.asks_for_action}

    @invariant()
    def every_change_has_its_event_and_its_chain(self) -> None:
        with Session(self.engine) as session:
            assert session.scalar(select(func.count()).select_from(AlertEvent)) == self.events
            for alert in session.scalars(select(Alert)):
                events = session.scalars(
                    select(AlertEvent).where(AlertEvent.alert_id == alert.id).order_by(AlertEvent.id)
                ).all()
                stage: str | None = None
                for event in events:
                    assert event.from_stage == stage
                    assert event.to_stage in (*STAGES, "closed")
                    assert (event.to_stage == "closed") == (event.reason in CLOSING)
                    assert (event.reason in ("new", "reopened")) == (event.from_stage is None)
                    stage = None if event.to_stage == "closed" else event.to_stage
                assert [e.reason for e in events].count("new") == 1
                assert (alert.state == "open") == (stage is not None)
                assert alert.state == "closed" or alert.stage == stage
                assert alert.closed_as == (events[-1].reason if alert.state == "closed" else None)
                assert alert.level == max(e.level for e in events)
                steps = [0, *(e.level for e in events)]
                assert all(after - before in (0, 1) for before, after in pairwise(steps))  # each step is a row

    @invariant()
    def levels_never_fall(self) -> None:
        with Session(self.engine) as session:
            found = {a.id: a.level for a in session.scalars(select(Alert))}
        assert all(found[id_] >= level for id_, level in self.levels.items())
        self.levels = found


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=30)
