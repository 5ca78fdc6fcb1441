"""One evaluation: read the feed, judge every child, commit what changed together with its notices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alertd.alerts import store as alerts
from alertd.alerts.lifecycle import Transition
from alertd.alerts.muting import Flood, floods, why_muted
from alertd.alerts.reconcile import reconcile
from alertd.bootstrap import House, Progress
from alertd.cases.holding import Holding, holding
from alertd.cases.records import Snapshot, local_day
from alertd.cases.sync import judge
from alertd.db.engine import reading
from alertd.db.tables import FeedRun
from alertd.engine.evaluate import measurable
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.engine.sweep import Sweep, sweep
from alertd.errors import InputError
from alertd.faultpoints import point
from alertd.outbox.compose import tell_operator
from alertd.routing.render import template_version
from alertd.routing.route import NoticeFor, route
from alertd.rulebook.model import Rule, Rulebook
from alertd.rulebook.versions import timing, wording

_DECIDING = 0x616C6563
"""The advisory lock of those who write alerts and notices; any number of our own will do."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What one evaluation did. ``refused`` says why the feed was not used, and then nothing changed."""

    children: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    notices: int = 0
    failed: int = 0
    refused: str = ""


def evaluate_once(
    house: House,
    *,
    accept: bool = False,
    on_read: Progress = lambda _what, _n: None,
    on_evaluated: Callable[[int, int], None] = lambda _done, _all: None,
) -> Evaluated:
    """Read the feed, evaluate every child, and commit what changed together with its notices.

    A feed that cannot be used, or looks half-loaded, changes nothing: the data owner is told.
    ``accept``: somebody has said that whatever this reading lost is meant to be gone.
    """
    now = house.clock()
    try:
        snapshot = house.read_feed(now, _marking(on_read))
    except InputError as error:
        return _refuse(house, now, "", {}, str(error))
    before = None if accept else _last_counts(house)
    reasons = judge(snapshot.counts, before, max_loss=house.settings.feed.max_loss)
    if reasons:
        return _refuse(house, now, snapshot.source, dict(snapshot.counts), "; ".join(reasons))
    with Session(reading(house.engine)) as session:
        told = frozenset(alerts.last_told(session))
    done = 0

    def progress(n: int) -> None:
        nonlocal done
        done += n
        on_evaluated(done, len(snapshot.cases))

    swept = sweep(
        snapshot,
        house.rulebook,
        now,
        keep=lambda f: f.asks_for_action or f.identity in told,
        progress=progress,
    )
    return _commit(house, snapshot, swept, now)


def _marking(on_read: Progress) -> Progress:
    def progress(what: str, n: int) -> None:
        point("feed.mid_read")
        on_read(what, n)

    return progress


def _commit(house: House, snapshot: Snapshot, swept: Sweep, now: datetime) -> Evaluated:
    present = {(case.child, record.ref) for case in snapshot.cases for record in case.records} | {WHOLE_FEED}
    today = local_day(now)
    holdings = {case.child: holding(case, today) for case in snapshot.cases}
    able, _ = measurable(house.rulebook, snapshot.holds, snapshot.lacks)
    rules = _RulesOf(house.rulebook, able, holdings)
    findings = [f for f in swept.findings if rules.of(f)]

    def muted(finding: Finding, held: Collection[str]) -> str:
        speaker = rules.book(finding).rule(finding.spoken_for_by)
        return why_muted(finding, rules.need(finding), held, speaker)

    with Session(house.engine) as session, session.begin():
        alone(session)
        # A rule this reading cannot measure says nothing about its alerts: they stay as they were.
        known = {
            identity: alert
            for identity, alert in alerts.last_told(session, skip=swept.failed).items()
            if rules.measures(alert.finding)
        }
        open_children = sum(case.is_open(today) for case in snapshot.cases)
        told = alerts.have_told(session)
        held = floods(findings, told, open_children, house.guard, muted)
        reconciled = reconcile(
            findings,
            known,
            now,
            present=lambda child, record: (child, record) in present,
            holdings=holdings,
            muted=lambda f: muted(f, held),
            timing=lambda f: rules.versions(f).timing,
        )
        notices = alerts.apply(session, reconciled, now, lambda t: _route(rules, t), holdings, rules.versions)
        session.add(FeedRun(source=snapshot.source[:500], at=now, outcome="accepted", counts=dict(snapshot.counts)))
        if swept.failed:
            _tell_of_failed(session, house, now, swept)
        if held:
            _tell_of_floods(session, house, now, held.values())
        silent = Counter(f.rule for f in findings if f.asks_for_action and f.rule in told and rules.need(f).shadow)
        if silent:
            _tell_of_silence(session, house, now, silent)
        point("evaluate.before_commit")
    point("evaluate.after_commit")
    done = Evaluated(
        children=len(snapshot.cases),
        changes=Counter(t.reason for t in reconciled.transitions),
        notices=notices,
        failed=len(swept.failed),
    )
    house.log.info(
        "evaluated",
        children=done.children,
        changes=dict(done.changes),
        notices=notices,
        failed=done.failed,
        rejected_rows=len(snapshot.rejects),
    )
    return done


def alone(session: Session) -> None:
    """One daemon at a time decides what to tell, until the transaction ends. SQLite sees to it itself."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_DECIDING)))


class _RulesOf:
    """The rule each finding was judged by, in the rulebook of the child's team, and its versions."""

    def __init__(self, rulebook: Rulebook, able: Rulebook, holdings: Mapping[str, Holding]) -> None:
        self._rulebook, self._able, self._holdings = rulebook, able, holdings
        self._versions: dict[tuple[str | None, str], alerts.Versions] = {}

    def book(self, finding: Finding) -> Rulebook:
        """The rulebook of the team that holds the child; for the whole feed, one that has the rule."""
        if (finding.child, finding.record) == WHOLE_FEED:
            return self._rulebook.having(finding.rule)
        return self._rulebook.of_team(self._team(finding))

    def measures(self, finding: Finding) -> bool:
        """Whether this reading says anything about it: the feed can measure its rule, or the rule is gone."""
        if (finding.child, finding.record) == WHOLE_FEED or self.of(finding) is None:
            return True
        return self._able.of_team(self._team(finding)).rule(finding.rule) is not None

    def of(self, finding: Finding) -> Rule | None:
        """Its rule; None for what no rule said, and for a rule that is gone."""
        return self.book(finding).rule(finding.rule)

    def need(self, finding: Finding) -> Rule:
        """Its rule, of a finding that has one."""
        rule = self.of(finding)
        assert rule is not None
        return rule

    def versions(self, finding: Finding) -> alerts.Versions:
        """What an alert is pinned to. A rule that is gone has none."""
        key = (self._team(finding), finding.rule)
        if key not in self._versions:
            rule, book = self.of(finding), self.book(finding)
            found = alerts.Versions(timing(rule, book), wording(rule), template_version()) if rule else None
            self._versions[key] = found or alerts.Versions()
        return self._versions[key]

    def _team(self, finding: Finding) -> str | None:
        held = self._holdings.get(finding.child)
        return held.team if held else None


def _route(rules: _RulesOf, transition: Transition) -> tuple[NoticeFor, ...]:
    rule = rules.of(transition.finding)
    return route(transition, rule, rules.book(transition.finding)) if rule else ()


def _tell_of_floods(session: Session, house: House, now: datetime, held: Iterable[Flood]) -> None:
    lines = [
        "These rules have told nobody yet, and what they would tell now is a flood, so it is held back:",
        *(str(flood) for flood in held),
        "Their alerts are kept. If the figures are right, an officer lets them go:",
        "alertd rules confirm RULE --config alertd.toml --officer NAME",
    ]
    subject = "alertd holds back some rules until they are confirmed"
    if tell_operator(session, house.composer_now(), now, about="flood", subject=subject, lines=lines):
        house.log.warning("rules_held", rules=lines[1:-2])


def _tell_of_silence(session: Session, house: House, now: datetime, silent: Counter[str]) -> None:
    lines = [
        "These rules have told people before and tell nobody now, because they are not adopted as they stand:",
        *(f"{rule}: open alerts {n}" for rule, n in sorted(silent.items())),
        "A pack was updated, or the file of what is adopted was changed. Their alerts are kept.",
        "This says which and why: alertd rules status --config alertd.toml",
    ]
    subject = "alertd has fallen silent about some rules"
    if tell_operator(session, house.composer_now(), now, about="shadow", subject=subject, lines=lines):
        house.log.warning("rules_fallen_silent", rules=dict(silent))


def _tell_of_failed(session: Session, house: House, now: datetime, swept: Sweep) -> None:
    lines = [
        f"{len(swept.failed)} children could not be evaluated.",
        "Their alerts stay as they were. All other children were evaluated.",
        "Please report this, with the children's references, to whoever looks after alertd:",
        *(f"ref {child}" for child in sorted(swept.failed)[:20]),
    ]
    tell_operator(
        session,
        house.composer_now(),
        now,
        about="engine",
        subject="alertd could not evaluate some children",
        lines=lines,
    )
    why = Counter(f.cannot_tell.text for f in swept.findings if f.child in swept.failed and f.cannot_tell)
    house.log.error("engine_stopped", children=len(swept.failed), why=dict(why))


def _last_counts(house: House) -> dict[str, int] | None:
    with Session(reading(house.engine)) as session:
        accepted = select(FeedRun.counts).where(FeedRun.outcome == "accepted").order_by(FeedRun.id.desc()).limit(1)
        return session.scalar(accepted)


def _refuse(house: House, now: datetime, source: str, counts: dict[str, int], why: str) -> Evaluated:
    lines = [
        "The case data could not be used, so nothing was evaluated:",
        why,
        "Alerts stay as they were; what has come due since the last good reading is not known.",
        "alertd tries again at its next reading.",
    ]
    with Session(house.engine) as session, session.begin():
        alone(session)
        session.add(FeedRun(source=source[:500], at=now, outcome="refused", counts=counts, detail=why))
        tell_operator(
            session, house.composer_now(), now, about="feed", subject="alertd could not use the case data", lines=lines
        )
    house.log.error("feed_refused", why=why)
    return Evaluated(refused=why)
