"""Whether the record kinds and fields a rule names exist, and are compared with what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertd.cases.kinds import KINDS

if TYPE_CHECKING:
    from alertd.rulebook.model import Condition, Rule


class UnknownNameError(ValueError):
    """A kind or field that is not declared; ``known`` are those that are."""

    def __init__(self, text: str, name: str, known: tuple[str, ...]) -> None:
        super().__init__(text)
        self.name, self.known = name, known


def _need_kind(name: str, key: str) -> None:
    if name not in KINDS:
        raise UnknownNameError(f"{key}: there is no record kind {name!r}", name, tuple(KINDS))


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
        raise ValueError(
            f"{key}: {kind}.{condition.field} is a {field.type} field and cannot be compared with {values}"
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


def check_names(rule: Rule) -> None:
    """Refuse a rule that names a record kind or field nobody declared."""
    _need_kind(rule.for_, "for")
    for condition in rule.where:
        _need_value(rule.for_, condition, "where")
        if condition.refers_to:
            raise ValueError("where: `this.` stands for the record itself here; use it under until.where")
    if isinstance(rule.clock.from_, tuple):
        for name in rule.clock.from_:
            _need_field(rule.for_, name, "clock.from")
    if rule.until.own:
        _need_field(rule.for_, rule.until.own, "until.own")
    if rule.until.record:
        _need_kind(rule.until.record, "until.record")
        _need_field(rule.until.record, rule.until.on or "", "until.on")
        for condition in rule.until.where:
            _need_value(rule.until.record, condition, "until.where")
            if condition.refers_to and condition.refers_to != "id":
                _need_field(rule.for_, condition.refers_to, "until.where")
        if rule.clock.plan:
            _need_field(rule.until.record, rule.clock.plan, "clock.plan")
