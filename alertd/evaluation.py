"""One evaluation: read the feed, judge every child, commit what changed together with its notices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from alertd.alerts import handlings, silence_store
from alertd.alerts import store as alerts
from alertd.alerts.lifecycle import Transition
from alertd.alerts.muting import floods, why_muted
from alertd.alerts.reconcile import reconcile
from alertd.alerts.silences import silencing
from alertd.bootstrap import House, open_feed
from alertd.cases.holding import Holding, family, holding
from alertd.cases.reading import Progress
from alertd.cases.records import CaseFile, Snapshot, local_day
from alertd.db.engine import reading
from alertd.db.leading import alone
from alertd.engine.evaluate import Evaluator, waiting
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.engine.sweep import broken, each
from alertd.errors import InputError
from alertd.faultpoints import point
from alertd.intake import store
from alertd.intake.freshness import why_stale
from alertd.intake.kept import KeptCases, Named, Silence, followed, snapshot_of
from alertd.intake.store import Standing
from alertd.intake.sync import Taken, take_in
from alertd.partners.notices import NOTICE, happened, measurable_with, sent_notices, with_notices
from alertd.routing.route import NoticeFor, route
from alertd.rulebook.model import Rule, Rulebook
from alertd.rulebook.versions import timing, wording
from alertd.settings import Feed
from alertd.telling import tell_of_failed, tell_of_feeds, tell_of_floods, tell_of_silence, tell_of_silences

PATIENCE = 20.0
"""Seconds that the evaluation of one child may take, which is a matter of a few thousandths."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What one evaluation did. ``refused`` says why a reading was not used: where no feed could be, nothing changed.
    ``left_out`` are rules that failed."""

    children: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    notices: int = 0
    failed: int = 0
    left_out: int = 0
    refused: str = ""


def evaluate_once(
    house: House,
    *,
    accept: bool = False,
    on_read: Progress = lambda _what, _n: None,
    on_evaluated: Callable[[int, int], None] = lambda _done, _all: None,
) -> Evaluated:
    """Read the feeds, evaluate every child, and commit what changed together with its notices.

    A feed that cannot be used, or looks half-loaded, changes nothing: the data owner is told, and the
    rules that wait for it say nothing new. Once it has been silent for too long they are unknown.
    ``accept``: somebody has said that whatever this reading lost is meant to be gone.
    """
    now = house.clock()
    taken = [_take_in(house, feed, now, accept, on_read) for feed in house.settings.feed]
    refused = {one.feed: one.refused for one in taken if one.refused}
    strangers = [child for one in taken for child in one.strangers]
    feeds, stale = _standings(house, now)
    if refused or stale or strangers:
        with Session(house.engine) as session, session.begin():
            alone(session)
            tell_of_feeds(session, house, now, refused, stale, strangers)
    if not any(named.feed not in refused or named.feed in stale for named, _ in feeds):
        return Evaluated(refused="; ".join(refused.values()))
    kept = KeptCases(
        house.engine, feeds, precedence=house.settings.precedence, merged=house.merged, silent=stale.keys()
    )
    fed = {kind for _, one in feeds for kind in one.said.holds}
    with Session(reading(house.engine)) as session:
        told = sent_notices(session, house.merged)
    snapshot = with_notices(snapshot_of(kept, Silence(stale, refused)), told, house.policy.sent, fed)
    looked = _look_at_all(house, snapshot, now, kept.unread(), on_evaluated, fed)
    return replace(_commit(house, kept, snapshot, looked, now), refused="; ".join(refused.values()))


def read_in(
    engine: Engine,
    feed: Feed,
    now: datetime,
    *,
    accept: bool = False,
    on_read: Progress = lambda _what, _n: None,
    on_children: Callable[[int], None] = lambda _n: None,
) -> Taken:
    """Read one feed to its end and keep what changed. What is wrong with it is in the answer, and kept too."""
    try:
        with open_feed(feed, now, on_read) as found:
            return take_in(
                engine, feed.name, found, now, max_loss=feed.max_loss, accept=accept, on_children=on_children
            )
    except InputError as error:
        with Session(engine) as session, session.begin():
            store.refused(session, feed.name, "", now, str(error))
        return Taken(feed.name, "", refused=str(error))


def _take_in(house: House, feed: Feed, now: datetime, accept: bool, on_read: Progress) -> Taken:
    taken = read_in(house.engine, feed, now, accept=accept, on_read=_marking(on_read))
    if taken.refused:
        house.log.error("feed_refused", feed=feed.name, why=taken.refused)
    else:
        house.log.info(
            "feed_read",
            feed=feed.name,
            children=taken.children,
            first_seen=taken.first_seen,
            changed=taken.changed,
            vanished=taken.vanished,
            unread=len(taken.unread),
        )
    return taken


def _standings(house: House, now: datetime) -> tuple[list[tuple[Named, Standing]], dict[str, str]]:
    """The readings in force, in the feeds' order of precedence; and which of them are stale, and why."""
    feeds: list[tuple[Named, Standing]] = []
    stale: dict[str, str] = {}
    with Session(reading(house.engine)) as session:
        for feed in house.settings.feed:
            standing = store.standing(session, feed.name)
            if standing is None:
                continue
            feeds.append((Named(feed.name, feed.authority), standing))
            why = why_stale(feed.name, standing.fresh_at, feed.stale(standing.children), now, house.calendar)
            if why:
                stale[feed.name] = why
    return feeds, stale


def _marking(on_read: Progress) -> Progress:
    def progress(what: str, n: int) -> None:
        point("feed.mid_read")
        on_read(what, n)

    return progress


class _Seen(NamedTuple):
    """What is true of one child now."""

    findings: tuple[Finding, ...]
    held: Holding
    is_open: bool
    family: str | None


def _look(evaluator: Evaluator, case: CaseFile, as_of: datetime) -> _Seen:
    today = local_day(as_of)
    return _Seen(evaluator.evaluate(case, as_of), holding(case, today), case.is_open(today), family(case, today))


@dataclass(frozen=True, slots=True)
class Looked:
    """What is true of all children, by the rules the feeds are ``able`` to measure. ``failed`` are those that
    could not be read or evaluated, with why."""

    able: Rulebook
    findings: list[Finding]
    holdings: dict[str, Holding]
    open_children: int
    failed: dict[str, str]
    families: dict[str, str] = field(default_factory=dict)
    left_out: int = 0
    """Rules that failed, and say nothing of any child."""


def _look_at_all(
    house: House,
    snapshot: Snapshot,
    now: datetime,
    unread: Mapping[str, str],
    on_evaluated: Callable[[int, int], None],
    fed: Collection[str],
) -> Looked:
    with Session(reading(house.engine)) as session:
        told = frozenset(alerts.last_told(session))
    able, unable = measurable_with(house.rulebook, snapshot, house.policy.sent, fed)
    looked = Looked(able, [*unable], {}, 0, dict(unread))
    done = open_children = 0

    def progress(n: int) -> None:
        nonlocal done
        done += n
        on_evaluated(done, len(snapshot.cases))

    bad: dict[str, Finding] = {}
    looking = each(
        snapshot,
        able,
        _look,
        now,
        patience=PATIENCE,
        progress=progress,
        failed=looked.failed.__setitem__,
        left_out=lambda finding: bad.update({finding.rule: finding}),
    )
    for child, seen in looking:
        if child in unread:  # what is kept of the child is not what the feed says now
            continue
        ours = (f for f in seen.findings if NOTICE in fed or not house.policy.not_ours(f.rule, happened(f)))
        looked.findings.extend(f for f in ours if f.asks_for_action or f.identity in told)
        looked.holdings[child] = seen.held
        if seen.family:
            looked.families[child] = seen.family
        open_children += seen.is_open
    looked.findings.extend(broken(child, why) for child, why in looked.failed.items())
    findings = [*(f for f in looked.findings if f.rule not in bad), *bad.values()]
    findings.sort(key=lambda f: f.identity)
    if bad:
        house.log.error(
            "rules_left_out",
            rules=sorted(bad),
            why=sorted({str(f.cannot_tell and f.cannot_tell.text) for f in bad.values()}),
        )
    return replace(looked, able=able.without(bad), findings=findings, open_children=open_children, left_out=len(bad))


def _commit(house: House, kept: KeptCases, snapshot: Snapshot, looked: Looked, now: datetime) -> Evaluated:
    # What waits for a feed that was refused today stays as it was, for the whole feed too.
    wait_for = {kind for _, standing in kept.feeds for kind in standing.said.holds} - snapshot.holds
    with Session(house.engine) as session, session.begin():
        alone(session)
        changes, notices = decide(
            session, house, looked, now, present=_Present(kept), wait_for=wait_for, silent=snapshot.silent.keys()
        )
        point("evaluate.before_commit")
    point("evaluate.after_commit")
    done = Evaluated(
        children=len(kept), changes=changes, notices=notices, failed=len(looked.failed), left_out=looked.left_out
    )
    house.log.info("evaluated", children=done.children, changes=dict(done.changes), notices=notices, failed=done.failed)
    return done


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
) -> tuple[Counter[str], int]:
    """What the findings change, written with its notices in the session's transaction: the changes by
    reason, and how many notices.

    ``wait_for`` are kinds that a feed should hold and does not today, ``silent`` those of them that it
    has not told of for too long. ``only`` are the children looked at, where not all were: the alerts of
    the others stay as they were.
    """
    holdings, failed = looked.holdings, looked.failed
    waits = waiting(house.rulebook, set(wait_for) - set(silent))
    rules = _RulesOf(house.rulebook, looked.able, holdings, waits, house.composer.wording.version)
    findings = [f for f in looked.findings if rules.of(f) and rules.speaks(f)]
    # What a rule over others still counts is true; what it counts no more may only not be counted now.
    half_told = waiting(house.rulebook, wait_for)
    told_of = {f.identity for f in findings}
    directory = house.composer_now().directory
    quiet = silence_store.recent(session, now)
    handlings.lapse(session, now, house.calendar, directory)

    def muted(finding: Finding, held: Collection[str]) -> str:
        speaker = rules.book(finding).rule(finding.spoken_for_by)
        why = why_muted(finding, rules.need(finding), held, speaker)
        if why or not quiet:
            return why
        return silencing(quiet, finding.rule, directory.team_of(rules.held(finding)), directory, now)

    # A rule this reading cannot measure says nothing about its alerts: they stay as they were.
    known = {
        identity: alert
        for identity, alert in alerts.last_told(session, skip=failed, only=only).items()
        if rules.measures(alert.finding) and (identity in told_of or not rules.over_any(alert.finding, half_told))
    }
    told = alerts.have_told(session)
    held = floods(findings, told, looked.open_children, house.guard, muted)
    reconciled = reconcile(
        findings,
        known,
        now,
        present=present,
        holdings=holdings,
        muted=lambda f: muted(f, held),
        timing=lambda f: rules.versions(f).timing,
        moved=lambda child: followed(child, house.merged) if child in house.merged else None,
        reached=handlings.reached(handlings.handled(session), directory, holdings, rules.book),
    )
    notices = alerts.apply(
        session, reconciled, now, lambda t: _route(rules, t), holdings, rules.versions, looked.families
    )
    if quiet:
        tell_of_silences(session, house, now, quiet)
    if failed:
        tell_of_failed(session, house, now, failed)
    if held:
        tell_of_floods(session, house, now, held.values())
    fallen = Counter(f.rule for f in findings if f.asks_for_action and f.rule in told and rules.need(f).shadow)
    if fallen:
        tell_of_silence(session, house, now, fallen)
    return Counter(t.reason for t in reconciled.transitions), notices


class _Present:
    """Whether a record is still in the feeds, looked up for the few alerts whose finding is gone."""

    def __init__(self, kept: KeptCases) -> None:
        self._kept = kept
        self._refs: dict[str, frozenset[str]] = {}

    def __call__(self, child: str, record: str) -> bool:
        if (child, record) == WHOLE_FEED:
            return True
        if child not in self._refs:
            case = self._kept.of(child)
            self._refs[child] = frozenset(r.ref for r in case.records) if case else frozenset()
        return record in self._refs[child]


class _RulesOf:
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
            found = alerts.Versions(timing(rule, book), wording(rule), self._template) if rule else None
            self._versions[key] = found or alerts.Versions()
        return self._versions[key]

    def held(self, finding: Finding) -> Holding:
        """Who has the child; nobody, for the whole feed."""
        return self._holdings.get(finding.child, Holding())

    def _team(self, finding: Finding) -> str | None:
        return self.held(finding).team


def _route(rules: _RulesOf, transition: Transition) -> tuple[NoticeFor, ...]:
    rule = rules.of(transition.finding)
    return route(transition, rule, rules.book(transition.finding)) if rule else ()
