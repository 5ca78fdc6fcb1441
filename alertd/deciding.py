"""Deciding: what the findings change, written together with the notices it owes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from alertd.alerts import handlings, silence_store
from alertd.alerts import store as alerts
from alertd.alerts.lifecycle import OpenAlert, Transition
from alertd.alerts.muting import COUNTED, HELD, Flood, floods, why_muted
from alertd.alerts.reconcile import Identity, reconcile
from alertd.alerts.silences import silencing
from alertd.bootstrap import House
from alertd.cases.holding import Holding
from alertd.db.tables import IS_MUTED, Alert
from alertd.engine.evaluate import waiting
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.intake.kept import followed
from alertd.looking import Looked
from alertd.routing.route import NoticeFor, route
from alertd.rulebook.model import Rule, Rulebook
from alertd.rulebook.versions import timing, wording
from alertd.telling import tell_of_failed, tell_of_floods, tell_of_silence, tell_of_silences


@dataclass(frozen=True, slots=True)
class Others:
    """What must be known of the children who are not looked at, where not all are."""

    told: frozenset[str]
    """The rules of which somebody was told of some child."""
    open_children: Callable[[], int]
    """How many children are open, those looked at too."""
    waiting: int = 0
    """How many are still to be looked at."""
    failed: Callable[[], Mapping[str, str]] = dict
    """The children who could not be read or evaluated, with why."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The changes by reason, how many notices, and the rules of which somebody is ``told``. ``freed`` are rules that
    were held and are so no more: other children have alerts that are still muted by it."""

    changes: Counter[str]
    notices: int
    told: frozenset[str] = frozenset()
    freed: frozenset[str] = field(default=frozenset())


def decide(
    session: Session,
    house: House,
    looked: Looked,
    now: datetime,
    *,
    present: Callable[[str, str], bool],
    wait_for: Collection[str] = frozenset(),
    silent: Collection[str] = frozenset(),
    only: Collection[str] | None = None,
    others: Others | None = None,
) -> Decided:
    """What the findings change, written with its notices in the session's transaction.

    ``wait_for`` are kinds that a feed should hold and does not today, ``silent`` those of them that it
    has not told of for too long. ``only`` are the children looked at, where not all were: the alerts of
    the others stay as they were, and ``others`` says what must be known of them.
    """
    holdings = looked.holdings
    waits = waiting(house.rulebook, set(wait_for) - set(silent))
    rules = RulesOf(house.rulebook, looked.able, holdings, waits, house.composer.wording.version)
    findings = [f for f in looked.findings if rules.of(f) and rules.speaks(f)]
    # What a rule over others still counts is true; what it counts no more may only not be counted now.
    half_told = waiting(house.rulebook, wait_for)
    told_of = {f.identity for f in findings}
    directory = house.composer_now().directory
    quiet = silence_store.recent(session, now)
    handlings.lapse(session, now, house.calendar, directory)
    others = others or Others(alerts.have_told(session), lambda: looked.open_children)

    def silenced(rule: str, held: Holding) -> str:
        return silencing(quiet, rule, directory.team_of(held), directory, now) if quiet else ""

    def why(finding: Finding, held: Collection[str]) -> str:
        speaker = rules.book(finding).rule(finding.spoken_for_by)
        why = why_muted(finding, rules.need(finding), held, speaker)
        return why or silenced(finding.rule, rules.held(finding))

    # A rule this reading cannot measure says nothing about its alerts: they stay as they were. Nor is a rule that
    # failed trusted again before all were judged by it.
    known = {
        identity: alert
        for identity, alert in alerts.last_told(session, skip=looked.failed, only=only).items()
        if rules.measures(alert.finding) and (identity in told_of or not rules.over_any(alert.finding, half_told))
        if identity in told_of or not (others.waiting and _of_the_engine(alert.finding))
    }
    holding_back = _hold_back(session, house, findings, known, others, why, silenced)
    muted = _Muted(holding_back, why)
    reconciled = reconcile(
        findings,
        known,
        now,
        present=present,
        holdings=holdings,
        muted=muted,
        timing=lambda f: rules.versions(f).timing,
        moved=lambda child: followed(child, house.merged) if child in house.merged else None,
        reached=handlings.reached(
            handlings.standing_of(session, {alert.id for alert in known.values() if alert.is_open}),
            directory,
            holdings,
            rules.book,
        ),
    )
    heard: set[str] = set()

    def routed(transition: Transition) -> tuple[NoticeFor, ...]:
        found = _route(rules, transition)
        if found and transition.finding.child != WHOLE_FEED[0]:
            heard.add(transition.finding.rule)
        return found

    notices = alerts.apply(session, reconciled, now, routed, holdings, rules.versions, looked.families, only=only)
    if quiet:
        tell_of_silences(session, house, now, quiet)
    if failed := {**others.failed(), **looked.failed}:
        tell_of_failed(session, house, now, failed)
    if holding_back.floods and not others.waiting:
        tell_of_floods(session, house, now, holding_back.floods.values())
    books = (house.rulebook, *house.rulebook.teams.values())
    fallen = {rule.id for book in books for rule in book.enabled if rule.shadow} & others.told
    if fallen and not others.waiting:
        tell_of_silence(session, house, now, fallen)
    return Decided(Counter(t.reason for t in reconciled.transitions), notices, frozenset(heard), holding_back.freed)


def _of_the_engine(finding: Finding) -> bool:
    return (finding.child, finding.record, finding.occurrence) == (*WHOLE_FEED, "engine")


class _HeldBack:
    """Which rules tell nobody for now: ``floods``, until an officer confirms them, and ``counted``, until it is known
    of how many children they would tell."""

    def __init__(self, found: Mapping[str, Flood], counted: Collection[str], freed: frozenset[str]) -> None:
        self.floods, self.counted, self.freed = found, frozenset(counted), freed
        self.all = self.counted | found.keys()


def _hold_back(
    session: Session,
    house: House,
    findings: list[Finding],
    known: Mapping[Identity, OpenAlert],
    others: Others,
    why: Callable[[Finding, Collection[str]], str],
    silenced: Callable[[str, Holding], str],
) -> _HeldBack:
    """The rules whose first messages wait. What of them is held of children not looked at now counts too, but for what
    was silenced since."""
    guard, told = house.guard, others.told
    elsewhere, still = _held_elsewhere(session, known, silenced)
    untold: dict[str, set[str]] = defaultdict(set)
    for finding in findings:
        if finding.child == WHOLE_FEED[0]:
            continue  # it is one message, to whoever runs the feed
        if finding.asks_for_action and finding.rule not in told and finding.rule not in guard.confirmed:
            untold[finding.rule].add(finding.child)
    if others.waiting:
        # Some may be a flood, and nobody knows before all were looked at: until then they tell nobody.
        waits = {rule for rule in (*untold, *elsewhere) if rule not in told and rule not in guard.confirmed}
        return _HeldBack({}, waits, frozenset())
    most = max((len(untold[rule]) + still.get(rule, 0) for rule in {*untold, *still}), default=0)
    open_children = others.open_children() if most >= guard.at_least else 0
    found = floods(findings, told, open_children, guard, why, still)
    for rule in found:
        _say_held(session, rule)
    return _HeldBack(found, (), frozenset(rule for rule, n in elsewhere.items() if n > 0 and rule not in found))


def _held_elsewhere(
    session: Session, known: Mapping[Identity, OpenAlert], silenced: Callable[[str, Holding], str]
) -> tuple[Counter[str], Counter[str]]:
    """Of how many children who are not among the ``known`` each rule has alerts that are held back; and of how many it
    would still tell."""
    held, still = Counter[str](), Counter[str]()
    of = select(Alert.rule, Alert.worker, Alert.team, func.count(Alert.child.distinct()))  # each child is with one team
    which = of.where(IS_MUTED, Alert.muted.in_((HELD, COUNTED)), Alert.state == "open")
    for rule, worker, team, n in session.execute(which.group_by(Alert.rule, Alert.worker, Alert.team)):
        held[rule] += n
        still[rule] += 0 if silenced(rule, Holding(worker, team)) else n
    ours = [alert for alert in known.values() if alert.is_open and alert.muted in (HELD, COUNTED)]
    for rule, _, worker, team in {(a.finding.rule, a.finding.child, a.worker, a.team) for a in ours}:
        held[rule] -= 1
        still[rule] -= 0 if silenced(rule, Holding(worker, team)) else 1
    return held, still


def _say_held(session: Session, rule: str) -> None:
    """What was held to be counted is held because it is so many: nobody was told, and nobody is, so it is no change."""
    session.execute(update(Alert).where(IS_MUTED, Alert.muted == COUNTED, Alert.rule == rule).values(muted=HELD))


class _Muted:
    """Why nobody is told of a finding now."""

    def __init__(self, back: _HeldBack, why: Callable[[Finding, Collection[str]], str]) -> None:
        self._back, self._why = back, why

    def __call__(self, finding: Finding) -> str:
        found = self._why(finding, self._back.all)
        return COUNTED if found == HELD and finding.rule in self._back.counted else found


class RulesOf:
    """The rule each finding was judged by, in the rulebook of the child's team, and its versions."""

    def __init__(
        self,
        rulebook: Rulebook,
        able: Rulebook,
        holdings: Mapping[str, Holding],
        waits: Collection[str],
        template: str,
    ) -> None:
        self._template = template
        self._rulebook, self._able, self._holdings, self._waits = rulebook, able, holdings, waits
        self._versions: dict[tuple[str | None, str], alerts.Versions] = {}
        self._rules: dict[tuple[str | None, bool, str], Rule | None] = {}

    def book(self, finding: Finding) -> Rulebook:
        """The rulebook of the team that holds the child; for the whole feed, one that has the rule."""
        if (finding.child, finding.record) == WHOLE_FEED:
            return self._rulebook.having(finding.rule)
        return self._rulebook.of_team(self._team(finding))

    def speaks(self, finding: Finding) -> bool:
        """Whether a finding is to be told: not that a feed holds too little, where it was only refused today."""
        return (finding.child, finding.record) != WHOLE_FEED or finding.rule not in self._waits

    def measures(self, finding: Finding) -> bool:
        """Whether this reading says anything about it: the feed can measure its rule, or the rule is gone."""
        if (finding.child, finding.record) == WHOLE_FEED:
            return finding.rule not in self._waits
        if self.of(finding) is None:
            return True
        return self._able.of_team(self._team(finding)).rule(finding.rule) is not None

    def over_any(self, finding: Finding, rules: Collection[str]) -> bool:
        """Whether it is of a rule over others that is one of these."""
        rule = self.of(finding)
        return rule is not None and rule.others is not None and rule.id in rules

    def of(self, finding: Finding) -> Rule | None:
        """Its rule; None for what no rule said, and for a rule that is gone."""
        key = (self._team(finding), (finding.child, finding.record) == WHOLE_FEED, finding.rule)
        if key not in self._rules:
            self._rules[key] = self.book(finding).rule(finding.rule)
        return self._rules[key]

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
            found = alerts.Versions(timing(rule, book), wording(rule), self._template) if rule else None
            self._versions[key] = found or alerts.Versions()
        return self._versions[key]

    def held(self, finding: Finding) -> Holding:
        """Who has the child; nobody, for the whole feed."""
        return self._holdings.get(finding.child, Holding())

    def _team(self, finding: Finding) -> str | None:
        return self.held(finding).team


def _route(rules: RulesOf, transition: Transition) -> tuple[NoticeFor, ...]:
    rule = rules.of(transition.finding)
    return route(transition, rule, rules.book(transition.finding)) if rule else ()
