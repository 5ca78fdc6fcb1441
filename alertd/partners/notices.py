"""What alertd sent counts as a record: an ``agency_notice`` beside what the feeds say, so that the duty is met.

There is one for each alert all of whose agencies were told, on the day the last of them was. Until everybody has it
the duty stands. An agency that somebody decided not to tell counts where at least one other was told; one that alertd
took back by itself was not told, and does not. A decision to tell nobody is recorded in the case system. The rules for
receipts watch these records as they watch a feed's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple, overload

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.cases.packed import Case, opened, packed
from alertd.cases.records import CaseFile, Cases, Record, Snapshot, local_day, make_record
from alertd.db.partner_tables import Notification
from alertd.db.tables import Alert
from alertd.engine.evaluate import measurable
from alertd.engine.findings import Finding
from alertd.intake.kept import followed, numbers_of
from alertd.intake.store import ONE_STATEMENT
from alertd.partners.plan import ALERTD
from alertd.partners.store import moved_by
from alertd.rulebook.model import Rulebook

NOTICE: Final = "agency_notice"
SOURCE: Final = "alertd"


class _Sent(NamedTuple):
    """One notification as far as it counts: its state, and when it was told and acknowledged."""

    id: int
    kind: str
    state: str
    reference: str
    receipt: str
    at: datetime | None
    acknowledged: datetime | None


def sent_notices(
    session: Session, merged: Mapping[str, str] = MappingProxyType({}), only: Collection[str] | None = None
) -> dict[str, tuple[Record, ...]]:
    """The records of what alertd sent, by child; of these children, with ``only``. What was sent under a number that
    was merged is the new one's."""
    one = Notification  # columns and no objects: there are those of all years
    columns = (one.id, one.kind, one.state, one.reference, one.receipt, one.sent_at, one.acknowledged_at)
    every = (
        select(Alert.id, Alert.child, Alert.rule, Alert.record, *columns)
        .join(Alert, Alert.id == one.alert_id)
        .order_by(one.id)
    )
    of_alert: dict[tuple[int, str, str, str], list[_Sent]] = defaultdict(list)
    for statement in [every] if only is None else _in_parts(every, sorted(numbers_of(only, merged))):
        for alert_id, child, rule, record, *sent_one in session.execute(statement):
            of_alert[alert_id, followed(child, merged), rule, record].append(_Sent(*sent_one))
    settled = {
        about: sent for about, sent in of_alert.items() if _told(sent) and all(r.state in _SETTLED for r in sent)
    }
    untold = {about: _untold(sent) for about, sent in settled.items()}
    by = moved_by(session, [row.id for rows in untold.values() for row in rows])
    found: dict[str, list[Record]] = defaultdict(list)
    for about, sent in settled.items():
        alert_id, child, rule, record = about
        decided = {row.kind for row in untold[about] if by.get(row.id, ALERTD) != ALERTD}
        if all(row.kind in decided for row in untold[about]):
            found[child].append(_record(alert_id, child, rule, record, _told(sent)))
    return {child: tuple(records) for child, records in found.items()}


def _in_parts(statement: Any, numbers: Sequence[str]) -> Iterator[Any]:
    for at in range(0, len(numbers), ONE_STATEMENT):
        yield statement.where(Alert.child.in_(numbers[at : at + ONE_STATEMENT]))


_SETTLED: Final = ("sent", "acknowledged", "withdrawn")


def _told(sent: Sequence[_Sent]) -> list[_Sent]:
    return [row for row in sent if row.state in ("sent", "acknowledged")]


def _untold(sent: Sequence[_Sent]) -> list[_Sent]:
    """Those of the kinds of agency of which none was told."""
    told = {row.kind for row in _told(sent)}
    return [row for row in sent if row.kind not in told]


def _record(alert_id: int, child: str, rule: str, record: str, told: Sequence[_Sent]) -> Record:
    answered = [one.acknowledged for one in told if one.acknowledged is not None]
    values = {
        "notice": rule,
        "about": record.partition(":")[2],
        "happened": local_day(max(one.at for one in told if one.at is not None)),
        "urgent": any(one.receipt == "urgent" for one in told),
        "acknowledged": local_day(max(answered)) if len(answered) == len(told) else None,
    }
    where = f"{SOURCE} notification {', '.join(one.reference for one in told)}"
    return make_record(NOTICE, child, f"{SOURCE}-{alert_id}", where, values)


def happened(finding: Finding) -> date | None:
    """The day of what a notification is about: where its clock starts, else the day it runs out by."""
    day = finding.start or finding.due
    return local_day(day) if day else None


class WithNotices:
    """The case files of all children, each with what alertd sent about it."""

    def __init__(self, cases: Cases, by_child: Mapping[str, tuple[Record, ...]]) -> None:
        self._cases, self._by_child = cases, by_child

    def __len__(self) -> int:
        return len(self._cases)

    def __iter__(self) -> Iterator[CaseFile]:
        return map(self.joined, self._cases)

    @overload
    def __getitem__(self, at: int, /) -> CaseFile: ...
    @overload
    def __getitem__(self, at: slice, /) -> Sequence[CaseFile]: ...
    def __getitem__(self, at: int | slice, /) -> CaseFile | Sequence[CaseFile]:
        if isinstance(at, int):
            return self.joined(self._cases[at])
        return [self.joined(case) for case in self._cases[at]]

    def packed(self, at: slice, /) -> Sequence[Case]:
        """Some of the case files as they are best handed on, each with what alertd sent about it."""
        return [
            _Noticed(case.child, case, own) if (own := self._by_child.get(case.child)) else case
            for case in packed(self._cases, at)
        ]

    def joined(self, case: CaseFile) -> CaseFile:
        """A case file with what alertd sent."""
        own = self._by_child.get(case.child)
        return _beside(case, own) if own else case


@dataclass(frozen=True, slots=True)
class _Noticed:
    """A case file on its way, and what alertd sent about the child."""

    child: str
    case: Case
    own: tuple[Record, ...]

    def opened(self) -> CaseFile:
        """Both together."""
        return _beside(opened(self.case), self.own)


def _beside(case: CaseFile, own: Sequence[Record]) -> CaseFile:
    """Each kind still together and in order of its beginning."""
    records = sorted((*case.records, *own), key=lambda r: r.kind)  # stable: only notices find a new place
    return replace(case, records=tuple(records))


def with_notices(
    snapshot: Snapshot, by_child: Mapping[str, tuple[Record, ...]], sent: Collection[str], fed: Collection[str]
) -> Snapshot:
    """A snapshot with what alertd sent. ``sent`` are the rules that it sends, ``fed`` the kinds that feeds hold,
    today or not: where one holds notices too, it is for that feed to say that there are none."""
    holds = snapshot.holds | {NOTICE} if sent and NOTICE not in fed else snapshot.holds
    return replace(snapshot, cases=WithNotices(snapshot.cases, by_child), holds=holds)


def measurable_with(
    rulebook: Rulebook, snapshot: Snapshot, sent: Collection[str], fed: Collection[str]
) -> tuple[Rulebook, tuple[Finding, ...]]:
    """As :func:`measurable`, for a snapshot of :func:`with_notices`. Where no feed holds notices, a notification that
    alertd does not send is as little measurable as before: nothing could ever say that it was sent."""
    able, unable = measurable(rulebook, snapshot.holds, snapshot.lacks, snapshot.latest, snapshot.silent)
    if NOTICE in fed or NOTICE not in snapshot.holds:
        return able, unable
    alone = measurable(rulebook, snapshot.holds - {NOTICE}, snapshot.lacks, snapshot.latest, snapshot.silent)
    mute = {f.rule: f for f in alone[1] if not _speaks(rulebook, f.rule, sent)}
    return able.without(mute), (*unable, *(f for id_, f in mute.items() if id_ not in {u.rule for u in unable}))


def _speaks(rulebook: Rulebook, rule_id: str, sent: Collection[str]) -> bool:
    """Whether alertd's own notices are all that a rule waits for: one that it sends, or of receipts."""
    rule = rulebook.having(rule_id).rule(rule_id)
    return rule_id in sent or (rule is not None and rule.for_ == NOTICE)
