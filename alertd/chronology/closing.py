"""Ends that are told as entries of their own, on the day they came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final

from alertd.cases.records import LONDON, Record, local_day
from alertd.chronology.entry import Entry
from alertd.chronology.groups import GROUP_OF
from alertd.chronology.phrases import assessed, enquired, seen_then
from alertd.chronology.telling import Telling
from alertd.chronology.words import counted, span, title, worded

_Headline = Callable[[Record], str]


def _referral(record: Record) -> str:
    return "Referral closed: no further action" if record.get("nfa") is True else "Case closed"


def _need(record: Record) -> str:
    type_ = record.get("type")
    return f"Need met, or a need no more{f': {worded(type_)}' if type_ else ''}"


_CLOSED: Final[Mapping[str, tuple[str, _Headline]]] = {
    "adoption_authority": ("end", lambda _: "Authority to place for adoption ended: placed, or given up"),
    "assessment": ("authorised", assessed),
    "care_leaver": ("end", lambda _: "Care-leaver status ended"),
    "care_period": ("end", lambda _: "Left care"),
    "child": ("died", lambda _: "Died"),
    "cin_plan": ("end", lambda _: "Child in need plan ended"),
    "cp_plan": ("end", lambda _: "Child protection plan ended"),
    "missing": ("end", lambda _: "Returned, or was found"),
    "need": ("closed", _need),
    "proceedings": ("end", lambda _: "Care proceedings ended"),
    "referral": ("end", _referral),
    "s47": ("end", enquired),
    **{
        kind: ("end", lambda record: f"{title(record.kind)} ended")
        for kind in (
            *("detention", "early_help", "emergency_protection", "home_placement", "pre_proceedings"),
            *("private_fostering", "supervision_order", "unregistered_setting"),
        )
    },
}
"""By kind: the field that ends it, and what is then said."""

_MOMENTS_APART: Final = frozenset({"child", "need", "s47"})
"""Kinds of which nobody asks how long they lasted."""


def closing(record: Record, telling: Telling) -> Entry | None:
    """The entry for the end of a record; None while it lasts, and for kinds whose end is told with the beginning."""
    if record.kind not in _CLOSED:
        return None
    field, headline = _CLOSED[record.kind]
    end = record.day(field)
    # What is placed in time by its end is told there and need not end again.
    if end is None or end > telling.today or (record.kind == "assessment" and record.day("start") is None):
        return None
    at = record.get(field)
    return Entry(
        end,
        GROUP_OF[record.kind],
        record.kind,
        headline(record),
        _lasted(record, end, telling),
        (record.ref,),
        closes=True,
        at=at if isinstance(at, datetime) else None,
    )


def _lasted(record: Record, end: date, telling: Telling) -> str:
    if record.kind == "assessment":
        return seen_then(record)
    start, stop = record.get("start"), record.get("end")
    if record.kind in _MOMENTS_APART or not isinstance(start, date):
        return ""
    if isinstance(start, datetime) and isinstance(stop, datetime) and (stop - start).days < 2:
        hours = counted(round((stop - start).total_seconds() / 3600), "hour")
        return f"At {stop.astimezone(LONDON):%H:%M}, after {hours}."
    if telling.why_undated(record) or end == local_day(start):
        return ""
    return f"After {span(local_day(start), end)}."
