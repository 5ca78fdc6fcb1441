"""Which messages are to be made now, for whom and with which words. Reads the database; writes nothing."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from alertd.alerts.handling import Handled, rank_over
from alertd.alerts.holding_back import holds_steps
from alertd.cases.holding import Holding
from alertd.cases.records import LONDON, local_day
from alertd.db.tables import Alert
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.errors import InputError
from alertd.language import Language
from alertd.outbox.deliver import EMAIL, About, Composer, message_of
from alertd.outbox.had import cleared_since, last_digests, urgent_today
from alertd.outbox.hours import hours, team_of
from alertd.outbox.planned import Asked, AskedLine, Plan, Planned
from alertd.outbox.waiting import LOOKS_BACK, Books, Findings, Told, Waits, Who, spoken_for, unique, who_is_told
from alertd.people.directory import LINE, Resolved
from alertd.routing.digest import SUBSCRIBER, compose_digest, compose_urgent, digest_is_due
from alertd.routing.mails import ClearedItem, DigestItem, Rendered
from alertd.routing.next_step import next_step
from alertd.routing.said import said_words
from alertd.rulebook.profiles import Ladder, Step

URGENT_AT_ONCE = 3
"""More urgent alerts than this for one person at one time go as one message, not as many."""

DIGESTS_AT_ONCE = 60
"""Digests made in one transaction: some 10 seconds' work, for which everybody else who writes has to wait. Those of
a whole council take minutes, and a database ends a transaction that does nothing for one."""

BETWEEN_SUMMARIES = timedelta(hours=1)
"""Once somebody has had their most of one day, what is urgent goes together and not more often than this."""


_News = Sequence[tuple[Told, Sequence[Waits]]]
"""Alerts to list, each with what of it is new to the reader."""


class Planning:
    """One look at everything that is open: what is read once is kept for all messages."""

    def __init__(self, session: Session, composer: Composer, now: datetime, asked: Sequence[Asked] = ()) -> None:
        self._session, self._composer, self._now, self._today = session, composer, now, local_day(now)
        self._everybody = who_is_told(session, composer, now)
        self._findings, self._books = Findings(session), Books(composer.rulebook)
        self._last = last_digests(session, self._today - LOOKS_BACK, self._today)
        self._had, self._cleared = urgent_today(session, self._today), cleared_since(session, now - LOOKS_BACK)
        self._asked = {one.person: one for one in asked if one.channel == EMAIL}
        self._by_another = [one for one in asked if one.channel != EMAIL]
        self._who = Who(composer.directory, self._today)
        self._speaks_for: Mapping[tuple[str, str], set[str]] | None = None
        self._plan = Plan()

    def everything(self, digests: float = math.inf) -> Plan:
        """Every person's messages, with so many digests at most. One that cannot be made holds up no other."""
        told = self._everybody.told
        ids = sorted(told.keys() | self._cleared.keys() | self._asked.keys())
        people = [who for id_ in ids if (who := self._everybody.people.get(id_) or self._was_told(id_))]
        for person in people:
            for make in (self._urgent, self._asked_at_once):
                self._holding_up_nobody(person, make, told.get(person.person_id, []))
        for asked in self._by_another:
            if subscriber := self._everybody.people.get(asked.person) or self._was_told(asked.person):
                self._holding_up_nobody(subscriber, partial(self._asked_by_another, asked=asked), ())
        for person in people:
            self._plan.more = sum(one.digest_for is not None for one in self._plan.messages) >= digests
            if self._plan.more:
                break
            self._holding_up_nobody(person, self._digest, told.get(person.person_id, []))
        for one in self._everybody.withheld:
            self._plan.withheld.setdefault(one.resolved.person_id, []).append(one)
        for fell in self._everybody.nobody:
            self._plan.nobody[fell.resolved.how] += 1
        return self._plan

    def _was_told(self, person_id: str) -> Resolved | None:
        """Somebody of whom nothing is open now, who was told of what has closed or asked to hear; None where
        they are not here."""
        directory, how = self._composer.directory, "you were told of it, or asked to be"
        person, team = directory.people.get(person_id), directory.teams.get(person_id.removeprefix("team:"))
        if person is not None and person.address and person.absence(self._today) is None:
            return Resolved(
                person.id, person.name, person.address, how, language=person.language, fallback=person.fallback
            )
        if person_id.startswith("team:") and team is not None and team.inbox:
            return Resolved(person_id, team.name, team.inbox, how, "inbox", fallback=team.fallback)
        return None

    def _holding_up_nobody(
        self, person: Resolved, make: Callable[[Resolved, Sequence[Told]], None], told: Sequence[Told]
    ) -> None:
        try:
            make(person, told)
        except InputError as error:
            self._plan.held.append(f"{person.person_id}: {error}")

    def _urgent(self, person: Resolved, told: Sequence[Told]) -> None:
        """One message for each urgent alert, or one for all where there are many or have been many today."""
        waiting: dict[int, list[Told]] = defaultdict(list)
        for one in sorted(told, key=lambda t: t.role != "worker"):  # told as two roles, they are told once
            if one.at_once:
                waiting[one.alert.id].append(one)
        if not waiting:
            return
        had, last = self._had.get(person.person_id, (0, None))
        over = had + len(waiting) > self._composer.most_urgent
        if over:
            self._plan.over[person.person_id] = had + len(waiting)
            just_now = last is not None and timedelta() <= self._now - last < BETWEEN_SUMMARIES
            if had > self._composer.most_urgent and just_now:
                return
        if over or len(waiting) > URGENT_AT_ONCE:
            mail, _ = self._list(person, [(ones[0], ones[0].at_once) for ones in waiting.values()])
            self._add(person, mail, [t for ones in waiting.values() for t in ones], urgent=True)
            return
        for ones in waiting.values():
            self._holding_up_nobody(person, self._one_urgent, ones)

    def _one_urgent(self, person: Resolved, ones: Sequence[Told]) -> None:
        language, told = self._language(person), ones[0]
        item = self._item(told, told.at_once, language)
        urgent = compose_urgent(item, today=self._today, calendar=self._composer.calendar, language=language)
        mail = self._composer.wording.urgent(urgent, language.code, rule=told.rule.id, role=told.role)
        self._add(person, mail, ones, urgent=True)

    def _asked_at_once(self, person: Resolved, _told: Sequence[Told]) -> None:
        """What somebody asked to hear of at once, and is not told at once anyway; what is not urgent waits for
        their team's working hours."""
        asked = self._asked.get(person.person_id)
        if asked is None:
            return
        mine = (one for one in self._plan.messages if one.person.person_id == person.person_id)
        heard = {about.alert_id for one in mine for about in one.about}
        lines = [one for one in asked.at_once if one.alert_id not in heard and (one.urgent or self._at_work(person))]
        items = self._subscribed(person, lines)
        if items:
            mail, _ = self._list(person, [(item, item.waits) for item in items])
            about = [About(line.alert_id, "subscribed", line.role, line.why) for line in lines]
            self._make(Planned(person, mail, (), tuple(about), urgent=False))

    def _asked_by_another(self, person: Resolved, _told: Sequence[Told], asked: Asked) -> None:
        """What somebody asked to hear by another channel than e-mail, which says there what it says where a mail
        fails. Raises InputError where they are not reached by it any more."""
        route = person.fallback
        if route is None or route.channel != asked.channel or asked.channel not in self._composer.channels:
            fix = "Name it as their fallback in the staff files, or end the subscription"
            raise InputError(f"they subscribe by {asked.channel}, and have no address there", fix=fix)
        there = replace(person, address=route.address, fallback=None)
        at_once = [one for one in asked.at_once if one.urgent or self._at_work(person)]
        at, closed = hours(self._composer, person)
        is_due, _ = digest_is_due(
            self._now, at=at, calendar=self._composer.calendar, last=None, waiting=len(asked.digest), overdue=0,
            closed=closed,
        )  # fmt: skip
        for lines, day in ((at_once, None), (asked.digest if is_due else (), self._today.isoformat())):
            if items := self._subscribed(person, lines):
                mail, named = self._list(person, [(item, item.waits) for item in items])
                about = tuple(About(one.alert_id, "subscribed", one.role, one.why) for one in lines)
                about = tuple(one for one in about if one.alert_id in named)
                self._make(Planned(there, mail, (), about, urgent=False, digest_for=day, channel=asked.channel))

    def _asked_too(self, person: Resolved, told: Collection[int]) -> list[About]:
        """What somebody asked to hear at once of alerts that a message tells them of anyway: so it is told."""
        asked = self._asked.get(person.person_id)
        lines = (line for line in (asked.at_once if asked else ()) if line.alert_id in told)
        return [About(line.alert_id, "subscribed", line.role, line.why) for line in lines]

    def _subscribed(self, person: Resolved, lines: Iterable[AskedLine]) -> list[Told]:
        """The alerts of these lines that are open and that people hear of."""
        found = []
        for line in lines:
            alert = self._everybody.alerts.get(line.alert_id)
            rule = self._books.rule(alert) if alert else None
            if alert is not None and rule is not None:
                resolved = Resolved(person.person_id, person.name, person.address, line.why)
                waits = (Waits(0, False, "stage", False),)
                found.append(Told(alert, rule, SUBSCRIBER, resolved, waits))
        return found

    def _digest(self, person: Resolved, told: Sequence[Told]) -> None:
        last, last_at = self._last.get(person.person_id, (None, self._now - LOOKS_BACK))
        cleared = [c for c in self._cleared.get(person.person_id, ()) if self._may_hear(person, c.child)]
        asked = self._asked.get(person.person_id)
        lines = asked.digest if asked else ()
        handed = [t for t in told if t.handed_at and t.handed_at > last_at]
        waiting = sum(len(t.for_digest) for t in told) + len(handed) + len(lines)
        at, closed = hours(self._composer, person)
        is_due, _ = digest_is_due(
            self._now,
            at=at,
            calendar=self._composer.calendar,
            last=last,
            waiting=waiting + sum(c.role != "worker" for c in cleared),
            overdue=sum(t.alert.stage == "overdue" and not t.quiet for t in told),
            closed=closed,
        )
        if not is_due:
            return
        heard = [t for t in told if not t.snoozed]
        news = [(t, t.for_digest or ((_HANDED_OVER,) if t in handed else ())) for t in heard]
        news += [(t, t.waits) for t in self._subscribed(person, lines)]
        list_of = partial(
            self._list,
            person,
            cleared=[item for c in cleared if (item := self._all_clear(c.alert_id))],
            load=self._load(person),
            snoozed=len({t.alert.id for t in told if t.snoozed}),
        )
        try:
            mail, named = list_of(told=news)
        except InputError:
            mail, named = list_of(told=self._fitting(person, news))
        about = [About(one.alert_id, "subscribed", one.role, one.why) for one in lines if one.alert_id in named]
        about += [About(c.alert_id, "clear", c.role, "told of it before") for c in cleared]
        heard = [t for t in heard if t.alert.id in named]  # what is only counted tells nobody of any child
        self._add(person, mail, heard, digest_for=self._today.isoformat(), about=about)

    def _fitting(self, person: Resolved, told: _News) -> _News:
        """Those of which a mail can be made. The others are held, each by itself, so that they hide no other child."""
        fit = []
        for one, waits in told:
            try:
                self._list(person, [(one, waits)])
                fit.append((one, waits))
            except InputError as error:
                self._plan.held.append(f"{person.person_id}: alert {one.alert.id}: {error}")
        return fit

    def _list(
        self,
        person: Resolved,
        told: _News,
        *,
        cleared: Sequence[ClearedItem] = (),
        load: Sequence[tuple[Holding, str]] = (),
        snoozed: int = 0,
    ) -> tuple[Rendered, frozenset[int]]:
        """A mail that lists alerts, and those that it names."""
        language = self._language(person)
        digest = compose_digest(
            [self._item(one, waits, language) for one, waits in told],
            today=self._today,
            calendar=self._composer.calendar,
            directory=self._composer.directory,
            cleared=cleared,
            load=load,
            snoozed=snoozed,
            work=self._page(person, "work"),
            language=language,
        )
        [(role, _)] = Counter(one.role for one, _ in told).most_common(1) or [("", 0)]
        return self._composer.wording.digest(digest, language.code, role=role), digest.named

    def _add(
        self,
        person: Resolved,
        mail: Rendered,
        told: Iterable[Told],
        *,
        urgent: bool = False,
        digest_for: str | None = None,
        about: Iterable[About] = (),
    ) -> None:
        told = list(told)
        if urgent:
            about = self._asked_too(person, {t.alert.id for t in told})
        notices = unique(w.id for t in told for w in (t.at_once if urgent else t.for_digest))
        tells = [About(t.alert.id, "told", t.role, t.resolved.how) for t in told]
        self._make(Planned(person, mail, notices, (*tells, *about), urgent, digest_for))

    def _make(self, one: Planned) -> None:
        """Plans a message. Raises InputError for one that could not be put into the outbox."""
        message_of(self._composer, one.person, one.mail, "trial", self._now, one.channel)
        self._plan.messages.append(one)

    def _item(self, told: Told, waits: Sequence[Waits], language: Language) -> DigestItem:
        if self._speaks_for is None:
            self._speaks_for = spoken_for(self._session, self._composer)
        alert, finding, composer = told.alert, self._findings.of(told.alert.id), self._composer
        step = next_step(
            finding,
            told.rule,
            self._books.book(alert),
            composer.calendar,
            self._today,
            partial(self._named, told),
            language,
            level=alert.level,
            waits=partial(self._waits_until, told, self._books.book(alert).ladders[told.rule.escalate]),
        )
        said = (said_words(one, composer.directory, self._today, language) for one in _shown(told.handled))
        return DigestItem(
            alert.id,
            finding,
            told.rule,
            alert.holding,
            told.role,
            told.resolved.how,
            is_new=bool(waits),
            next_step=step,
            late=any(w.late for w in waits),
            stands_for=tuple(sorted(self._speaks_for.get((alert.child, alert.rule), ()))),
            household=alert.household,
            change=waits[0].reason if waits else "",
            handled=tuple(said),
            page="" if alert.child == WHOLE_FEED[0] else self._page(told.resolved, f"alerts/{alert.id}"),
        )

    def _page(self, person: Resolved, path: str) -> str:
        """The address of a page, for somebody who can sign in; blank for an inbox, and where there are no pages."""
        signs_in = self._composer.pages and person.person_id in self._composer.directory.people
        return f"{self._composer.pages.rstrip('/')}/{path}" if signs_in else ""

    def _named(self, told: Told, role: str) -> str:
        """Who would be told as that role today, where it is a person."""
        found = self._who.of(role, told.alert, None)
        return found.name if found.rung in ("person", "deputy") else ""

    def _waits_until(self, told: Told, ladder: Ladder, step: Step) -> datetime | None:
        """Until when somebody's word holds that step of the ladder back, if it does."""
        holding, directory = told.alert.holding, self._composer.directory
        held = [
            one.until
            for one in told.handled
            if one.until and holds_steps(step, ladder, [one], lambda h: rank_over(h.by, holding, directory))
        ]
        return max(held, default=None)

    def _all_clear(self, alert_id: int) -> ClearedItem | None:
        alert = self._session.get_one(Alert, alert_id)
        rule = self._books.of(alert.rule, alert.child, alert.record, alert.team)
        return ClearedItem(Finding.from_json(alert.finding), rule, alert.closed_as) if rule else None  # type: ignore[arg-type]

    def _language(self, person: Resolved) -> Language:
        return self._composer.wording.language(person.language)

    def _at_work(self, person: Resolved) -> bool:
        """Whether it is a working day of this person's, within their team's hours."""
        local, team = self._now.astimezone(LONDON), team_of(self._composer.directory, person)
        if self._composer.calendar.why_not_working(self._today) or (team and self._today in team.closed):
            return False
        return team is None or team.hours is None or team.hours[0] <= local.time() < team.hours[1]

    def _load(self, person: Resolved) -> list[tuple[Holding, str]]:
        """(who holds, stage) of every open alert in the teams a manager answers for, but for children of whom they
        must not hear; nothing for others."""
        directory = self._composer.directory
        manager = directory.people.get(person.person_id)
        if manager is None or not set(manager.roles) & set(LINE) or manager.team is None:
            return []
        under = directory.teams_under(manager.team)
        alerts = {t.alert.id: t.alert for told in self._everybody.told.values() for t in told}
        mine = (a for a in alerts.values() if directory.team_of(a.holding) in under and self._may_hear(person, a.child))
        return [(a.holding, a.stage) for a in mine]

    def _may_hear(self, person: Resolved, child: str) -> bool:
        return not self._composer.directory.may_hear(person.person_id, child, self._today)


_HANDED_OVER = Waits(0, False, "handed_over", False)


def _shown(handled: Iterable[Handled]) -> Iterable[Handled]:
    """What of all that was said others see: a snooze is its author's own."""
    return (one for one in handled if one.kind != "snooze")
