"""The rolling record: each need, what was planned for it, what was done, and what came of it. Pure.

Nothing is typed for it: it is what the records of needs, planned actions, deliveries and outcomes say together,
with the places where the chain breaks. Where no feed holds a part, that part cannot be told; it is never "none".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Record, in_words
from alertd.chronology.chain import Chain
from alertd.chronology.needs import UNRESOLVED, Need
from alertd.chronology.telling import Named, Telling
from alertd.chronology.words import counted, lower_first, title, worded
from alertd.engine.findings import Finding

CHAIN: Final = ("need", "planned_action", "planned_session", "delivery", "outcome", "partner_referral")
"""The kinds of record that a rolling record is made of."""

_MISSED: Final = 2
"""So many sessions in a row that were not held are a break."""


@dataclass(frozen=True, slots=True)
class RollingRecord:
    """The needs of a child, those still followed first, and what cannot be told of any of them."""

    needs: tuple[Need, ...]
    cannot_tell: tuple[str, ...] = ()

    @property
    def followed(self) -> tuple[Need, ...]:
        """Those that somebody has to look after still."""
        return tuple(need for need in self.needs if need.followed)


def rolling_record(
    case: CaseFile,
    today: date,
    *,
    holds: Collection[str] | None = None,
    findings: Iterable[Finding] = (),
    named: Named = str,
) -> RollingRecord:
    """The rolling record of a child.

    ``holds`` are the kinds the feeds are able to hold. Without it, those of which the child has a record are
    known to be held, and of no other is silence taken for an answer. ``findings`` are the child's, and ``named``
    gives a name for a worker or team.
    """
    telling = Telling.of(case, today, named)
    held = frozenset(telling.by_kind if holds is None else holds) & frozenset(CHAIN)
    reading = _Reading(telling, held)
    needs = [reading.of_need(record) for record in telling.by_kind.get("need", ())]
    needs += reading.without_need()
    needs += [reading.of_referral(record) for record in telling.by_kind.get("partner_referral", ())]
    asking = [finding for finding in findings if finding.asks_for_action]
    told = (_with_findings(need, asking) for need in needs)
    return RollingRecord(tuple(sorted(told, key=_order)), tuple(_not_held(held)))


def _order(need: Need) -> tuple[bool, bool, date, str]:
    return not need.followed, not need.breaks, need.found or date.min, need.record or need.what


def _not_held(held: frozenset[str]) -> Iterator[str]:
    """What no feed holds, so that a child without a record of it may well have had it."""
    asked = ("need", "planned_action", "delivery", "outcome")
    lacking = [lower_first(title(kind)) for kind in asked if kind not in held and not _delivered_otherwise(kind, held)]
    if len(lacking) == len(asked):
        yield "Cannot tell: no feed holds needs, planned actions, deliveries or outcomes."
        return
    yield from (f"Cannot tell whether there is any {name}: no feed holds it." for name in lacking)


def _delivered_otherwise(kind: str, held: frozenset[str]) -> bool:
    """Whether sessions that were held say that a service was delivered."""
    return kind == "delivery" and "planned_session" in held


def _with_findings(need: Need, findings: Sequence[Finding]) -> Need:
    refs = {need.record, *(ref for step in need.steps for ref in step.records)}
    own = tuple(finding for finding in findings if finding.record in refs)
    return replace(need, findings=own) if own else need


class _Reading:
    """The chains of one child, put together by their links."""

    def __init__(self, telling: Telling, held: frozenset[str]) -> None:
        self._telling = telling
        self._held = held
        self._by_need = self._linked("planned_action", "need")
        self._by_action = {
            kind: self._linked(kind, "planned_action") for kind in ("delivery", "planned_session", "outcome")
        }

    def _linked(self, kind: str, field: str) -> dict[str, list[Record]]:
        """The records of a kind by what they belong to, in order; under a blank those that name nothing known."""
        found: dict[str, list[Record]] = {}
        for record in sorted(self._telling.by_kind.get(kind, ()), key=self._when):
            target = self._telling.linked(record, field)
            found.setdefault(target.ref if target else "", []).append(record)
        return found

    def _when(self, record: Record) -> tuple[date, str]:
        return record.day(KINDS[record.kind].begins) or date.max, record.key

    def of_need(self, record: Record) -> Need:
        """One need with all that was planned for it."""
        found, closed = self._telling.day(record), record.day("closed")
        closed = closed if closed and closed <= self._telling.today else None
        what = _typed(record, "Need")
        chain = Chain()
        chain.step("need", what, self._telling, found, (record.ref,))
        if found is None:
            chain.break_("undated", f"{self._telling.why_undated(record)[:-1]}: since when it is a need cannot be told")
        actions = self._by_need.get(record.ref, [])
        for action in actions:
            self._action(action, chain, closed)
        if not actions and found != self._telling.today:
            self._unplanned(chain, found, closed)
        standing = _standing(chain, closed, bool(actions))
        return Need(record.ref, what, found, closed, closed is None, standing, *chain.parts())

    def _unplanned(self, chain: Chain, found: date | None, closed: date | None) -> None:
        if why := self._untold(("planned_action",), found, closed):
            chain.cannot_tell(f"Whether anything is planned for it: {why}")
            chain.gap("planned", "Planned action", "cannot tell")
            return
        chain.gap("planned", "No planned action", "missing")
        if closed:
            chain.break_("unplanned", "It was closed without a planned action", found)
        else:
            chain.break_("unplanned", f"No planned action is recorded{_since(found)}", found)

    def _action(self, action: Record, chain: Chain, closed: date | None) -> None:
        """A planned action, what was done, and what came of it."""
        today = self._telling.today
        start, end = action.day("start"), action.day("end")
        what = _typed(action, "Planned action")
        planned = f"{what} (planned on {in_words(d)})" if (d := action.day("decided")) and d != start else what
        ahead = start is not None and start > today
        chain.step("planned", planned, self._telling, start, (action.ref,), end, ahead=ahead)
        if start is None:
            chain.break_("undated", f"No day is recorded on which {_named(action)} is to begin", d)
        done = self._done(action, chain)
        outcomes = self._by_action["outcome"].get(action.ref, [])
        if outcomes and not done:
            untold = self._untold(self._of_delivery(), start)
            chain.gap("done", "Delivery" if untold else "Nothing delivered", "cannot tell" if untold else "missing")
        for outcome in outcomes:
            chain.step("outcome", "Outcome recorded", self._telling, self._telling.day(outcome), (outcome.ref,))
        if outcomes or (start and start >= today):
            return
        over = min((day for day in (end, closed) if day and day <= today), default=None)
        if not done:
            self._undelivered(chain, _named(action), start)
        elif over:
            how = f"which ended on {in_words(over)}" if over == end else f"and the need was closed on {in_words(over)}"
            self._no_outcome(chain, _named(action), how, over)

    def _done(self, action: Record, chain: Chain) -> bool:
        """The steps of what was delivered, and whether anything was; sessions missed in a row are a break."""
        given = self._by_action["delivery"].get(action.ref, [])
        if given:
            times = "once" if len(given) == 1 else counted(len(given), "time")
            self._several(chain, f"Delivered {times}", given)
        sessions = self._by_action["planned_session"].get(action.ref, [])
        ahead = [r for r in sessions if (self._telling.day(r) or date.min) > self._telling.today]
        past = [r for r in sessions if r not in ahead]
        held = [r for r in past if r.get("held") is True]
        if past:
            self._several(chain, f"{counted(len(held), 'session')} held of {len(past)}", past)
            self._missed(past, chain)
        if ahead:
            self._several(chain, f"{counted(len(ahead), 'session')} planned", ahead, ahead=True)
        return bool(given or held)

    def _several(self, chain: Chain, what: str, records: Sequence[Record], *, ahead: bool = False) -> None:
        """One step of several records, from the first of their days to the last."""
        days = [day for record in records if (day := self._telling.day(record))]
        first, last = min(days, default=None), max(days, default=None)
        refs = tuple(record.ref for record in records)
        chain.step("done", what, self._telling, first, refs, last, ahead=ahead)

    def _missed(self, past: Sequence[Record], chain: Chain) -> None:
        run: list[Record] = []
        for record in reversed(past):
            if record.get("held") is not False:
                break
            run.append(record)
        if len(run) >= _MISSED:
            since = run[-1].day("happened")
            chain.break_("missed", f"The last {len(run)} sessions were not held{_since(since)}", since)

    def _of_delivery(self) -> tuple[str, ...]:
        """The kinds that would say that something was delivered, of those that are held."""
        return tuple(kind for kind in ("delivery", "planned_session") if kind in self._held) or ("delivery",)

    def _undelivered(self, chain: Chain, name: str, start: date | None) -> None:
        if why := self._untold(self._of_delivery(), start):
            chain.cannot_tell(f"Whether anything of {name} was delivered: {why}")
            chain.gap("done", "Delivery", "cannot tell")
            return
        chain.gap("done", "Nothing delivered", "missing")
        was = f", which was to begin on {in_words(start)}" if start else ""
        chain.break_("undelivered", f"Nothing is recorded as delivered of {name}{was}", start)

    def _no_outcome(self, chain: Chain, name: str, how: str, over: date) -> None:
        if why := self._untold(("outcome",), over):
            chain.cannot_tell(f"What came of {name}: {why}")
            chain.gap("outcome", "Outcome", "cannot tell")
            return
        chain.gap("outcome", "No outcome", "missing")
        chain.break_("no_outcome", f"No outcome is recorded of {name}, {how}", over)

    def without_need(self) -> Iterator[Need]:
        """Planned actions that name no known need, then what was done or came about for no known action."""
        for action in self._by_need.get("", ()):
            chain = Chain()
            self._action(action, chain, None)
            doubt = action.doubt("need")
            chain.cannot_tell(f"Which need it is for: {f'the record {doubt.why}' if doubt else 'none is recorded'}")
            end = action.day("end")
            over = end if end and end <= self._telling.today else None
            what = f"{_typed(action, 'Planned action')}, for no need that is known"
            yield Need("", what, None, over, over is None, _standing(chain, over, True), *chain.parts())
        for kind in ("delivery", "planned_session", "outcome"):
            for record in self._by_action[kind].get("", ()):
                chain = Chain()
                day = self._telling.day(record)
                chain.step("outcome" if kind == "outcome" else "done", title(kind), self._telling, day, (record.ref,))
                doubt = record.doubt("planned_action")
                chain.cannot_tell(f"Of which plan it is: {f'the record {doubt.why}' if doubt else 'none is recorded'}")
                what = f"{title(kind)}, for no planned action that is known"
                yield Need("", what, None, day, False, "not linked to a plan", *chain.parts())

    def of_referral(self, record: Record) -> Need:
        """A referral to a partner's service: its answer is what is waited for."""
        chain, what = Chain(), title("partner_referral")
        sent, answered, closed = self._telling.day(record), record.day("answered"), record.day("closed")
        chain.step("planned", what, self._telling, sent, (record.ref,))
        if answered:
            chain.step("done", "The partner answered", self._telling, answered, (record.ref,))
        elif not closed:
            chain.gap("done", "No answer", "missing")
            chain.break_("unanswered", f"The partner has not answered{_since(sent)}", sent)
        over = closed or answered
        standing = "withdrawn" if closed else "answered" if answered else "waiting for an answer"
        return Need("", what, sent, over, over is None, standing, *chain.parts())

    def _untold(self, kinds: tuple[str, ...], first: date | None, last: date | None = None) -> str:
        """Why silence about these kinds is no answer, without a full stop; blank where it is one."""
        if not self._held.issuperset(kinds):
            return "no feed holds it"
        window = self._telling.case.window_of(kinds)
        today = last or self._telling.today
        if window.covers(first or today, today):
            return ""
        start = f" from {in_words(window.start)}" if window.start else ""
        end = f" to {in_words(window.end)}" if window.end else ""
        return f"the feed speaks for the days{start}{end} alone"


def _typed(record: Record, otherwise: str) -> str:
    type_ = record.get("type")
    return f"{otherwise}: {worded(type_)}" if type_ else otherwise


def _named(action: Record) -> str:
    type_ = action.get("type")
    return "the planned action" + (f" ({worded(type_)})" if type_ else "")


def _since(day: date | None) -> str:
    return f" since {in_words(day)}" if day else ""


def _standing(chain: Chain, closed: date | None, planned: bool) -> str:
    """Where a need stands, in a few words."""
    if closed:
        if chain.broken & UNRESOLVED:
            return "closed, and what came of it is not recorded"
        return "closed, and nothing was planned" if "unplanned" in chain.broken else "closed"
    if chain.has("outcome"):
        return "outcome recorded, not closed"
    if chain.has("done"):
        return "being met"
    if chain.untold("done"):
        return "planned, and whether it is delivered cannot be told"
    if planned:
        return "planned, nothing delivered yet"
    return "what is planned cannot be told" if chain.untold("planned") else "nothing planned"
