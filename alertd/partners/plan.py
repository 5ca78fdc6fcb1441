"""Which notifications there are to be: from what is owed, the policy, the agencies and what is there already. Pure.

Each is there once for ever for an alert, a kind of agency and an agency. What can be told of a case is decided when
it is composed; here only who is told, and whether a person must say yes first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from alertd.partners.policy import Policy, sendable
from alertd.people.agencies import Agencies, AgencyContact, NotKnown
from alertd.rulebook.agencies import AGENCIES, FAMILY
from alertd.rulebook.model import Rule

State = Literal["awaiting_approval", "ready", "held", "sent", "acknowledged", "withdrawn"]
ALERTD: Final = "alertd"
"""Who moved a notification, where no person did: such a move can be undone by what caused it."""


@dataclass(frozen=True, slots=True)
class Owed:
    """One open alert of a notification rule. ``day`` is when it happened or takes effect, None where that is not
    known. ``now``: the day has come to tell; without it, what there is stays."""

    alert_id: int
    rule: Rule
    child: str
    record: str
    now: bool = True
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """One notification as it stands. ``by`` moved it last; ``approved``: a person said yes; ``composed``: a message
    of it is on its way or was."""

    id: int
    alert_id: int
    rule: str
    child: str
    record: str
    kind: str
    agency: str
    state: State
    by: str = ALERTD
    approved: bool = False
    composed: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class New:
    """A notification to make. ``owner``: the role that mends what holds it, or approves it."""

    alert_id: int
    kind: str
    agency: str
    state: State
    why: str
    receipt: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """One that is there moves; ``agency`` where it becomes another than before."""

    id: int
    to_state: State
    why: str
    agency: str | None = None
    owner: str = ""


@dataclass(slots=True)
class Plan:
    """What is to be written, in order."""

    new: list[New] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)


def plan(
    owed: Iterable[Owed],
    standing: Sequence[Standing],
    policy: Policy,
    agencies: Agencies,
    links: Callable[[str], Mapping[str, str]],
    veiled: Callable[[str], str],
    today: date,
) -> Plan:
    """What is to be. ``links`` are a child's agencies by kind; ``veiled`` says why nothing may show where
    a child lives, or blank: then a person says yes first, whatever the policy."""
    made = Plan()
    by_alert: dict[int, list[Standing]] = defaultdict(list)
    by_trigger: dict[tuple[str, str, str], list[Standing]] = defaultdict(list)
    for row in standing:
        by_alert[row.alert_id].append(row)
        by_trigger[row.child, _key(row.record), row.kind].append(row)
    still: set[int] = set()
    for one in sorted(owed, key=lambda o: o.alert_id):
        if policy.of(one.rule.id).send == "never" or not sendable(one.rule):
            continue
        still.add(one.alert_id)
        if not one.now or policy.not_ours(one.rule.id, one.day):
            continue
        first = _first_state(policy, one, veiled)
        resolve = _resolving(agencies, one.child, links, today)
        for kind in dict.fromkeys(one.rule.tell):
            rows = [row for row in by_alert[one.alert_id] if row.kind == kind]
            if not rows and _told_by_another(one, by_trigger[one.child, _key(one.record), kind]):
                continue
            _of_kind(made, one, kind, rows, first, resolve)
            by_trigger[one.child, _key(one.record), kind].extend(_as_standing(one, made.new, kind))
    for row in standing:
        if row.alert_id not in still and _unsent(row):
            made.moves.append(Move(row.id, "withdrawn", "nothing is owed any more, or the policy sends it no longer"))
    return made


def _resolving(
    agencies: Agencies, child: str, links: Callable[[str], Mapping[str, str]], today: date
) -> Callable[[str], AgencyContact | NotKnown]:
    return lambda kind: agencies.resolve(kind, links(child), today)


def _first_state(policy: Policy, one: Owed, veiled: Callable[[str], str]) -> tuple[State, str, str]:
    """Where a notification begins, why, and who approves it."""
    sending = policy.of(one.rule.id)
    why = veiled(one.child) if sending.send == "automatic" else "the policy asks for it"
    if not why:
        return "ready", "the policy sends it automatically", ""
    return "awaiting_approval", f"{why}: {sending.approved_by} approves it", sending.approved_by


def _of_kind(
    made: Plan,
    one: Owed,
    kind: str,
    rows: Sequence[Standing],
    first: tuple[State, str, str],
    resolve: Callable[[str], AgencyContact | NotKnown],
) -> None:
    receipt = one.rule.receipt or "routine"
    if kind in FAMILY:
        if not rows:
            why = f"{AGENCIES[kind]}: told by the worker, in person or by letter, who then says so with `partners told`"
            made.new.append(New(one.alert_id, kind, "", "held", why, receipt, "worker"))
        return
    if any(row.state in ("sent", "acknowledged") or (row.state == "withdrawn" and row.by != ALERTD) for row in rows):
        return  # they were told of this, or somebody decided that they are not
    if any(row.composed for row in rows):
        return  # a message is on its way, or came back: a person decides what is next
    found = resolve(kind)
    if isinstance(found, NotKnown):
        _not_known(made, one, kind, rows, found, receipt)
        return
    agency = found.agency
    state, why, owner = first
    there = next((row for row in rows if row.agency == agency), None) or next((r for r in rows if not r.agency), None)
    for row in rows:
        if row is not there and _unsent(row):
            made.moves.append(Move(row.id, "withdrawn", f"the child's {AGENCIES[kind]} is another now"))
    if there is None:
        made.new.append(New(one.alert_id, kind, agency, state, why, receipt, owner))
    elif there.state == "withdrawn" or (there.state == "held" and not there.agency and there.by == ALERTD):
        to_state: State = "ready" if there.approved else state
        made.moves.append(Move(there.id, to_state, why, agency, owner))


def _not_known(made: Plan, one: Owed, kind: str, rows: Sequence[Standing], found: NotKnown, receipt: str) -> None:
    why = f"{found.reason}. {found.owner}: {found.fix}"
    live = [row for row in rows if _unsent(row) or row.state == "withdrawn"]
    if not live:
        made.new.append(New(one.alert_id, kind, "", "held", why, receipt, found.owner))
        return
    for row in live:
        again = row.state == "withdrawn" and row is live[0] and not any(_unsent(r) for r in live)
        if (_unsent(row) or again) and (row.state, row.why, row.by) != ("held", why, ALERTD):
            if row.state == "held" and row.by != ALERTD:
                continue
            agency = "" if not any(r is not row and not r.agency for r in rows) else None
            made.moves.append(Move(row.id, "held", why, agency, found.owner))


def _unsent(row: Standing) -> bool:
    return row.state in ("awaiting_approval", "held") or (row.state == "ready" and not row.composed)


def _told_by_another(one: Owed, rows: Iterable[Standing]) -> bool:
    """Whether another alert about the same record already tells this kind of agency, or somebody decided there that
    it is not told. The other is of a rule that the same notice clears, or of the same rule where the alert was made
    anew, as when a child's numbers were merged."""
    rules = _accepts(one.rule) | {one.rule.id}
    return any(
        row.alert_id != one.alert_id and row.rule in rules and (row.state != "withdrawn" or row.by != ALERTD)
        for row in rows
    )


def _accepts(rule: Rule) -> frozenset[str]:
    """The notices that clear a rule."""
    found: set[str] = set()
    for condition in rule.until.where if rule.until else ():
        if condition.field == "notice":
            found |= set(map(str, condition.value if isinstance(condition.value, tuple) else (condition.value,)))
    return frozenset(found)


def _as_standing(one: Owed, new: Sequence[New], kind: str) -> list[Standing]:
    return [
        Standing(0, one.alert_id, one.rule.id, one.child, one.record, kind, row.agency, row.state)
        for row in new
        if row.alert_id == one.alert_id and row.kind == kind
    ]


def _key(record: str) -> str:
    return record.partition(":")[2]
