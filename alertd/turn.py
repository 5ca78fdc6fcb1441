"""One tick: those are looked at of whom anything may be otherwise, and what changed is committed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.agenda import entries
from alertd.agenda.entries import Called, Judged
from alertd.agenda.following import follow
from alertd.agenda.judged_by import JudgedBy, judged_by
from alertd.agenda.words import spoken
from alertd.alerts import store as alerts
from alertd.alerts.muting import COUNTED, HELD
from alertd.bootstrap import House
from alertd.cases.records import Snapshot, local_day
from alertd.db.engine import reading
from alertd.db.leading import alone
from alertd.db.tables import IS_MUTED, Alert
from alertd.deciding import Decided, Others, decide
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.engine.sweep import NoWorkersError
from alertd.faultpoints import point
from alertd.intake import store
from alertd.intake.freshness import why_stale
from alertd.intake.kept import KeptCases, Named, Silence, snapshot_of
from alertd.intake.store import Standing
from alertd.looking import Looked, as_last_found, look_at
from alertd.memory import unsearched
from alertd.partners.notices import measurable_with, sent_notices, with_notices
from alertd.rulebook.model import Rulebook
from alertd.telling import tell_of_feeds, tell_of_no_workers

PORTION: Final = 10_000
"""Children looked at and committed at a time: what is found of them is held in memory until then."""

AGAIN: Final = timedelta(hours=1)
"""When a child is looked at again for whom the engine failed."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What evaluating did: at how many children it looked, and why. ``failed`` are those who cannot be read or judged
    by now, ``left_out`` the rules that failed. ``refused`` says why a reading was not used: where no feed could be,
    nothing changed. ``waiting`` are children still to be looked at now."""

    children: int = 0
    why: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    notices: int = 0
    failed: int = 0
    left_out: int = 0
    refused: str = ""
    waiting: int = 0

    def and_then(self, more: Evaluated) -> Evaluated:
        """This, and what was done after it."""
        return Evaluated(
            self.children + more.children,
            self.why + more.why,
            self.changes + more.changes,
            self.notices + more.notices,
            more.failed,
            max(self.left_out, more.left_out),
            self.refused or more.refused,
            more.waiting,
        )


OnEvaluated = Callable[[int, int], None]
"""Called with how many were looked at, and of how many."""


def tick(house: House, *, on_evaluated: OnEvaluated = lambda _done, _all: None, most: int = PORTION) -> Evaluated:
    """Look at those of whom anything may be otherwise than when they were last looked at, at most so many, and commit
    what changed together with its notices and with when they are next looked at.

    So whoever dies half-way repeats work and skips none. Rules of which nobody was told yet tell nobody while anyone
    waits to be looked at: what they find is counted first, lest it be a flood. Where a cluster cannot be used, all wait
    for the next tick, and the data owner is told.
    """
    turn = _begun(house, most)
    if isinstance(turn, Evaluated):
        return turn
    try:
        return turn.finish(turn.look(on_evaluated))
    except NoWorkersError as error:
        return turn.nobody_looks(error)


def ticks(
    house: House,
    *,
    on_evaluated: OnEvaluated = lambda _done, _all: None,
    most: int = PORTION,
    enough: Callable[[], bool] = lambda: False,
) -> Evaluated:
    """Ticks until nobody waits, or there is enough. What one of them found is committed while workers look at those of
    the next: else they had nothing to do for a third of the time."""
    done, seen = Evaluated(), 0

    def progress(n: int, of: int) -> None:
        on_evaluated(seen + n, seen + of)

    turn = _begun(house, most)
    committing: Future[Evaluated] | None = None
    with ThreadPoolExecutor(1, "commit") as beside:
        while isinstance(turn, Turn):
            try:
                looked = turn.look(progress)
            except NoWorkersError as error:
                before = committing.result() if committing else Evaluated()
                return done.and_then(before).and_then(turn.nobody_looks(error))
            seen += len(turn.called)
            if committing:
                done, committing = done.and_then(committing.result()), None
            # Whom the next is about is settled before this one is committed, which keeps others from writing. What
            # follows for others from a rule that failed is known only after it.
            ahead = None if looked.bad or enough() else _begun(house, most, but=turn.called)
            if isinstance(ahead, Turn) and ahead.called:
                committing = beside.submit(copy_context().run, turn.finish, looked)
                turn = ahead
                continue
            done = done.and_then(turn.finish(looked))
            if not done.waiting or enough():
                return done
            turn = _begun(house, most)
    return done.and_then(turn)


def _begun(house: House, most: int, but: Sequence[Called] = ()) -> Turn | Evaluated:
    """A turn with those who are called in it, at most so many and none of ``but``; or why there can be none."""
    now = house.clock()
    feeds, stale, refused = standings(house, now)
    if stale:
        with Session(house.engine) as session, session.begin():
            alone(session)
            tell_of_feeds(session, house, now, {}, stale, ())
    if not any(named.feed not in refused or named.feed in stale for named, _ in feeds):
        return Evaluated(refused="; ".join(refused.values()))
    turn = Turn(house, now, feeds, stale, refused)
    turn.call(most, but)
    return turn


class Turn:
    """One tick: who is called in it, and what is true of all of them."""

    def __init__(
        self,
        house: House,
        now: datetime,
        feeds: list[tuple[Named, Standing]],
        stale: Mapping[str, str],
        refused: Mapping[str, str],
    ) -> None:
        self._house, self._now, self._feeds, self._stale, self._refused = house, now, feeds, stale, refused
        self._fed = {kind for _, one in feeds for kind in one.said.holds}
        self._runs = {named.feed: one.run for named, one in feeds}
        self._snapshot = self._snapshot_of(())[1]
        # What waits for a feed that was refused today stays as it was, for the whole feed too.
        self._wait_for = {kind for _, one in feeds for kind in one.said.holds} - self._snapshot.holds
        able, unable = measurable_with(house.rulebook, self._snapshot, house.policy.sent, self._fed)
        with Session(reading(house.engine)) as session:
            self._left_out = self._left_out_before(session)
        self._able, self._of_feeds = able.without(self._left_out), unable
        self._by = self._judged_by(self._able)
        self._moved = self._of = 0
        self.called: list[Called] = []
        self._changes: Counter[str] = Counter()
        self._notices = self._waiting = self._failed = 0

    def _snapshot_of(self, children: Collection[str]) -> tuple[KeptCases, Snapshot]:
        house = self._house
        kept = KeptCases(
            house.engine,
            self._feeds,
            precedence=house.settings.precedence,
            merged=house.merged,
            silent=self._stale.keys(),
            only=children,
        )
        with Session(reading(house.engine)) as session:
            told = sent_notices(session, house.merged, children)
        snapshot = snapshot_of(kept, Silence(self._stale, self._refused))
        return kept, with_notices(snapshot, told, house.policy.sent, self._fed)

    def _left_out_before(self, session: Session) -> dict[str, Finding]:
        """The rules that failed since the last reading; after another they are tried again."""
        mark = entries.mark(session, "left out")
        found = mark["rules"] if mark and mark["runs"] == self._runs else {}
        return {rule: Finding.from_json(finding) for rule, finding in found.items()}

    def _judged_by(self, able: Rulebook) -> JudgedBy:
        return judged_by(self._house, able, self._snapshot, self._feeds, self._stale.keys(), self._fed)

    def call(self, most: int, but: Sequence[Called]) -> None:
        """Settle whom to look at, and how many there are."""
        with Session(self._house.engine) as session, session.begin():
            alone(session)
            self._moved = follow(session, self._feeds, self._house.merged, self._now)
            self.called = entries.due(session, self._now, self._by.each, most, {one.child for one in but})
            self._of = entries.waiting(session, self._now, self._by.each) - len(but)

    def nobody_looks(self, error: NoWorkersError) -> Evaluated:
        """Tell that there are no workers. Those called wait: nothing was settled of anybody."""
        tell_of_no_workers(self._house, self._now, error)
        return Evaluated(refused=str(error))

    def finish(self, looked: Looked) -> Evaluated:
        """Commit what was found, and what follows from it for others."""
        with unsearched():
            done = self._commit(looked)
        self._listen(done)
        return Evaluated(
            children=len(self.called),
            why=Counter(one.why for one in self.called),
            changes=self._changes,
            notices=self._notices,
            failed=self._failed,
            left_out=len(self._left_out),
            waiting=self._waiting,
        )

    def look(self, on_evaluated: OnEvaluated) -> Looked:
        """What is true of them."""
        children = {one.child for one in self.called}
        self._kept, snapshot = self._snapshot_of(children)
        unread = {child: why for child, why in self._kept.unread().items() if child in children}
        if not self.called:
            return Looked(self._able, [], {}, 0, {})
        with Session(reading(self._house.engine)) as session:
            told = alerts.identities(session, children)
        several = len(self._feeds) > 1
        done = 0

        def progress(more: int) -> None:
            nonlocal done
            done += more
            on_evaluated(done, self._of)

        looked = look_at(
            self._house,
            snapshot,
            self._now,
            self._able,
            told=told,
            unread=unread,
            fed=self._fed,
            heard=[local_day(one.fresh_at) for _, one in self._feeds] if several else (),
            progress=progress,
        )
        if looked.bad:
            self._left_out |= looked.bad
            self._able = looked.able
            self._by = self._judged_by(self._able)
        return looked

    def _commit(self, looked: Looked) -> Decided:
        """Write what changed, its notices, and when each child is next looked at."""
        unread = self._kept.unread()
        with Session(self._house.engine) as session, session.begin():
            alone(session)
            still = entries.unmoved(session, self.called)
            children = {one.child for one in still}
            ours = looked.of(children)
            found = {
                child: entries.of(ahead, self._moved, self._by.of(ahead.team)) for child, ahead in ours.ahead.items()
            } | {
                # What a feed could not read is looked at when it is read again; what the engine could not, by itself.
                child: Judged(None if child in unread else self._now + AGAIN, "failed", self._by.all, failed=why)
                for child, why in ours.failed.items()
            }
            # Whom no feed has any more is nobody's case; of whom alerts stay open is known when that was decided.
            vanished = [one for one in still if one.child not in found]
            absent = {one.child: Judged(None, "instant", self._by.all) for one in vanished}
            entries.settle(session, still, found | absent, self._now)
            self._waiting = entries.waiting(session, self._now, self._by.each)
            scope = children | {WHOLE_FEED[0]}
            done = self._decide(session, self._with_those_of_the_feeds(ours), scope, self._waiting)
            alerted = alerts.have_open(session, absent)
            entries.settle(session, [one for one in vanished if one.child not in alerted], {}, self._now)
            self._failed = len(entries.failed(session))
            if self._left_out:
                rules = {rule: finding.as_json() for rule, finding in self._left_out.items()}
                entries.set_mark(session, "left out", {"rules": rules, "runs": self._runs})
            else:
                entries.set_mark(session, "left out", None)
            point("evaluate.before_commit")
        point("evaluate.after_commit")
        return done

    def _with_those_of_the_feeds(self, looked: Looked) -> Looked:
        findings = [f for f in (*looked.findings, *self._of_feeds) if f.rule not in self._left_out]
        findings += self._left_out.values()
        return replace(looked, able=self._able, findings=sorted(findings, key=lambda f: f.identity))

    def _decide(
        self,
        session: Session,
        looked: Looked,
        children: Collection[str],
        waiting: int,
        *,
        freed: Collection[str] = (),
        present: Callable[[str, str], bool] | None = None,
    ) -> Decided:
        mark = entries.mark(session, "told")
        told = frozenset(mark["rules"]) if mark else alerts.have_told(session)
        done = decide(
            session,
            self._house,
            looked,
            self._now,
            present=present or _Present(self._kept),
            wait_for=self._wait_for,
            silent=self._snapshot.silent.keys(),
            only=children,
            others=Others(
                told | frozenset(freed),
                lambda: entries.open_children(session),
                waiting,
                lambda: entries.failed(session),
            ),
        )
        entries.set_mark(session, "told", {"rules": sorted(told | done.told)})
        self._changes += done.changes
        self._notices += done.notices
        return done

    def _listen(self, done: Decided) -> None:
        """Decide anew, by what was last found of them, about the children of whose alerts others are told now: because
        people said something, or because rules were held back and are no more."""
        directory = self._house.composer_now().directory
        with Session(reading(self._house.engine)) as session:
            words, concerned = spoken(session, directory, self._now)
            freed = select(Alert.child).where(IS_MUTED, Alert.muted.in_((HELD, COUNTED)), Alert.rule.in_(done.freed))
            concerned |= set(session.scalars(freed.where(Alert.state == "open").distinct()))
            children = sorted(concerned - entries.failed(session).keys()) if concerned else []
            known = entries.mark(session, "words") == words.as_json()
        if known and not children:
            return
        for at in range(0, max(len(children), 1), PORTION):
            some = children[at : at + PORTION]
            with Session(self._house.engine) as session, session.begin():
                alone(session)
                if some:
                    looked = as_last_found(session, self._able, some)
                    self._decide(session, looked, some, self._waiting, freed=done.freed, present=lambda *_: True)
                if at + PORTION >= len(children):
                    entries.set_mark(session, "words", words.as_json())


def standings(house: House, now: datetime) -> tuple[list[tuple[Named, Standing]], dict[str, str], dict[str, str]]:
    """The readings in force, in the feeds' order of precedence; which of them are stale, and of which the latest
    reading was refused, and why."""
    feeds: list[tuple[Named, Standing]] = []
    stale: dict[str, str] = {}
    refused: dict[str, str] = {}
    with Session(reading(house.engine)) as session:
        for feed in house.settings.feed:
            standing = store.standing(session, feed.name)
            why = store.refused_since(session, feed.name, standing.run if standing else 0)
            if why:
                refused[feed.name] = why
            if standing is None:
                continue
            feeds.append((Named(feed.name, feed.authority), standing))
            why = why_stale(feed.name, standing.fresh_at, feed.stale(standing.children), now, house.calendar)
            if why:
                stale[feed.name] = why
    return feeds, stale, refused


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
