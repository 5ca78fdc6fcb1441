"""Conditions in three values: true, false, or unsure and why."""

from __future__ import annotations

from typing import Any, NamedTuple

from alertd.cases.records import Record
from alertd.rulebook.model import Condition


class Unsure(NamedTuple):
    """Why something cannot be told."""

    cause: str
    field: str


def blank_or_doubt(record: Record, name: str) -> Unsure:
    """Why a field that is not filled is not."""
    doubt = record.doubt(name)
    return Unsure(doubt.cause if doubt else "missing", name)


def holds(record: Record, condition: Condition, anchor: Record) -> bool | Unsure:
    """One condition, three-valued."""
    wanted: Any = condition.value
    if condition.refers_to == "id":
        wanted = anchor.key
    elif condition.refers_to:
        wanted = anchor.get(condition.refers_to)
        if wanted is None:
            return blank_or_doubt(anchor, condition.refers_to)
    value = record.get(condition.field)
    if value is None:
        return blank_or_doubt(record, condition.field)
    if condition.op == "in":
        return any(type(value) is type(one) and value == one for one in wanted)
    alike = type(value) is type(wanted)
    if condition.op == "is":
        return alike and value == wanted
    if condition.op == "not":
        return not (alike and value == wanted)
    if type(value) is not int or type(wanted) is not int:
        return False
    return value >= wanted if condition.op == "at_least" else value <= wanted


def all_hold(record: Record, where: tuple[Condition, ...], anchor: Record) -> bool | Unsure:
    """All conditions: false beats unknown, unknown beats true; the first unknown is named."""
    answers = [holds(record, condition, anchor) for condition in where]
    if False in answers:
        return False
    return next((a for a in answers if isinstance(a, Unsure)), True)
