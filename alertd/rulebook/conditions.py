"""Conditions on a record's fields, as rules write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator

from alertd.rulebook.profiles import Model

Op = Literal["is", "not", "in", "at_least", "at_most"]
Scalar = bool | int | str


class Condition(Model):
    """One comparison of one field. ``value`` may be ``this.<field>`` or ``this.id``, which stand
    for the record the clock is for."""

    field: str
    op: Op
    value: Scalar | tuple[Scalar, ...]

    @property
    def refers_to(self) -> str | None:
        """The anchor's field this condition joins on, or None for a plain comparison."""
        return (
            self.value.removeprefix("this.") if isinstance(self.value, str) and self.value.startswith("this.") else None
        )


def _conditions(value: object) -> object:
    """``{child_seen: true, type: {in: [a, b]}}`` to a tuple of conditions, in the order written."""
    if not isinstance(value, Mapping):
        return value
    found: list[dict[str, object]] = []
    for name, wanted in value.items():
        pairs = wanted.items() if isinstance(wanted, Mapping) else [("is", wanted)]
        found.extend({"field": name, "op": op, "value": tuple(v) if isinstance(v, list) else v} for op, v in pairs)
    return tuple(found)


Written = Scalar | list[Scalar]
Where = Annotated[
    tuple[Condition, ...],
    BeforeValidator(_conditions, json_schema_input_type=dict[str, Scalar | dict[Op, Written]]),
]


def _names(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_names, json_schema_input_type=str | list[str])]
"""One name, or a list of them."""
