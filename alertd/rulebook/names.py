"""Whether the record kinds and fields a rule names exist, and are compared with what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from alertd.cases.kinds import KINDS
from alertd.rulebook.agencies import AGENCIES, DISCLOSABLE
from alertd.rulebook.conditions import Condition
from alertd.rulebook.patterns import Others
from alertd.rulebook.timing import Birthday, Gestation

if TYPE_CHECKING:
    from alertd.rulebook.model import Rule


class UnknownNameError(ValueError):
    """A kind, field, agency or disclosure that is not declared; ``known`` are those that are."""

    def __init__(self, text: str, name: str, known: tuple[str, ...]) -> None:
        super().__init__(text)
        self.name, self.known = name, known


def _need_kind(name: str, key: str) -> None:
    if name not in KINDS:
        raise UnknownNameError(f"{key}: there is no record kind {name!r}", name, tuple(KINDS))


def _need_state(name: str, key: str) -> None:
    _need_kind(name, key)
    if KINDS[name].ends is None:
        raise ValueError(f"{key}: {name} happens on a day and is never open; name a state, which has an end")


_VALUE_TYPE = {"yes/no": bool, "text": str, "number": int}


def _need_value(kind: str, condition: Condition, key: str) -> None:
    """A condition must compare a field with a value of its own type, or every record fails it."""
    _need_field(kind, condition.field, key)
    field = KINDS[kind].field(condition.field)
    assert field is not None
    wanted = _VALUE_TYPE.get(field.type)
    if condition.refers_to:
        if condition.op != "is":
            raise ValueError(f"{key}: {condition.field}: `this.` can only be compared for being the same")
        return
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    if wanted is None or any(type(v) is not wanted for v in values):
        shown, hint = ", ".join(map(repr, values)), ": write true or false" if wanted is bool else ""
        raise ValueError(
            f"{key}: {kind}.{condition.field} is a {field.type} field and cannot be compared with {shown}{hint}"
        )
    if condition.op in ("at_least", "at_most") and wanted is not int:
        raise ValueError(
            f"{key}: {condition.op} compares numbers, and {kind}.{condition.field} is a {field.type} field"
        )
    if (condition.op == "in") != isinstance(condition.value, tuple):
        raise ValueError(f"{key}: {condition.field}: a list goes with `in`, and with nothing else")


def _need_field(kind: str, name: str, key: str) -> None:
    if KINDS[kind].field(name) is None:
        known = tuple(f.name for f in KINDS[kind].fields)
        raise UnknownNameError(f"{key}: {kind} has no field {name!r}", name, known)


def _need_day(kind: str, name: str, key: str) -> None:
    _need_field(kind, name, key)
    field = KINDS[kind].field(name)
    if field and field.type not in ("date", "moment"):
        raise ValueError(f"{key}: {kind}.{name} is a {field.type} field and no date")


def check_names(rule: Rule) -> None:
    """Refuse a rule that names a record kind or field nobody declared."""
    _need_kind(rule.for_, "for")
    for condition in rule.where:
        _need_value(rule.for_, condition, "where")
        if condition.refers_to:
            raise ValueError("where: `this.` stands for the record itself here; use it under until.where")
    for key, kinds, where, on in _related(rule):
        for kind in kinds:
            _need_kind(kind, f"{key}.record")
            _need_day(kind, on or "", f"{key}.on")
            for condition in where:
                _need_value(kind, condition, f"{key}.where")
                if condition.refers_to and condition.refers_to != "id":
                    _need_field(rule.for_, condition.refers_to, f"{key}.where")
    _check_clock(rule)
    _check_telling(rule)
    if rule.no_open:
        for kind in rule.no_open.kinds:
            _need_state(kind, "no_open.record")
    for explained in rule.explained_by:
        for kind in explained.kinds:
            _need_state(kind, "explained_by.record")
            for condition in explained.where:
                _need_value(kind, condition, "explained_by.where")


def _check_clock(rule: Rule) -> None:
    clock, stop = rule.clock, rule.stop
    if isinstance(clock.from_, tuple):
        for name in clock.from_:
            _need_day(rule.for_, name, "clock.from")
    if isinstance(clock.by, str):
        _need_day(rule.for_, clock.by, "clock.by")
    if stop and stop.own:
        _need_day(rule.for_, stop.own, "until.own" if rule.until else "without.own")
    if clock.plan and stop:
        for kind in stop.kinds:
            _need_day(kind, clock.plan, "clock.plan")


def _check_telling(rule: Rule) -> None:
    for agency in rule.tell:
        if agency not in AGENCIES:
            raise UnknownNameError(f"tell: there is no agency {agency!r}", agency, tuple(AGENCIES))
    for name in rule.disclose:
        if name not in DISCLOSABLE:
            raise UnknownNameError(f"disclose: {name!r} is nothing that may be disclosed", name, tuple(DISCLOSABLE))
        barred = [agency for agency in rule.tell if not DISCLOSABLE[name].may_go_to(agency)]
        if barred:
            raise ValueError(f"disclose: {name} may not go to {barred[0]}; tell that agency in a rule of its own")


def _related(rule: Rule) -> Iterator[tuple[str, tuple[str, ...], tuple[Condition, ...], str | None]]:
    """Each part of a rule that names other records: its key, their kinds, conditions and date field."""
    if rule.until:
        yield "until", rule.until.kinds, rule.until.where, rule.until.on
    if rule.without:
        yield "without", rule.without.kinds, rule.without.where, rule.without.on
    for name in ("count", "in_a_row", "no_open"):
        pattern = getattr(rule, name)
        if pattern is not None:
            yield name, pattern.kinds, pattern.where, pattern.on


def needs_of(rule: Rule) -> frozenset[str]:
    """The record kinds, and the fields as ``kind.field``, without which a rule cannot be measured."""
    if isinstance(rule.pattern, Others):
        return frozenset({"child"})
    found = {rule.for_} | {f"{rule.for_}.{c.field}" for c in rule.where}
    for _, kinds, where, on in _related(rule):
        for kind in kinds:
            found |= {kind, f"{kind}.{on}"} | {f"{kind}.{c.field}" for c in where}
        found |= {f"{rule.for_}.{c.refers_to}" for c in where if c.refers_to and c.refers_to != "id"}
    clock, stop = rule.clock, rule.stop
    if isinstance(clock.from_, tuple) and len(clock.from_) == 1:
        found.add(f"{rule.for_}.{clock.from_[0]}")
    if isinstance(clock.by, str):
        found.add(f"{rule.for_}.{clock.by}")
    if stop and stop.own:
        found.add(f"{rule.for_}.{stop.own}")
    if rule.age or isinstance(clock.from_, Birthday) or isinstance(clock.by, Gestation):
        found.add("child")
    return frozenset(found)
