"""The DfE's CSC API payload (children's social care, England): JSON files, or the inbox of ``alertd receive``.

A daily feed of what a case system's supplier sends the DfE. Payloads are laid over one another in the order of
their file names, as ``csc_api_state`` says. It holds no visits, reviews, health assessments, legal status or
teams. A worker's id is the Social Work England number where there is one, so the staff files need these numbers.

What absence proves: the API's description does not say from when on its senders include what has ended. The
public builder of payloads (data-to-insight/dfe-csc-api-data-flows, ``populate_ssd_api_data_staging_2016.sql``, MIT)
takes what overlaps the time from the 1 April on or before this day two years ago; nothing is proof before that.
A child or an element that the case system lost without a ``purge`` stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Final

import orjson

from alertd.cases.accounts import Ledger
from alertd.cases.kinds import unfilled
from alertd.cases.reading import Made, Pending, Progress, Reading, collected, digest_of
from alertd.cases.records import Snapshot, Window, case_file, local_day
from alertd.cases.sources import csc_api_fields as f
from alertd.cases.sources.csc_api_inbox import Inbox, read_inbox
from alertd.cases.sources.csc_api_records import FILLS, records_of
from alertd.errors import InputError

__all__ = ["FILLS", "LATEST", "open_payloads", "read"]

LATEST: Final = frozenset({"leaver_contact"})
"""Kinds of which no more than the latest record is held: an episode has room for one contact."""
OWN_PLANS: Final = "every child protection plan is taken to be this authority's own: the payload does not say"
_YEARS_BACK: Final = 2
_STRANGE_SHOWN: Final = 20


def read(path: Path, *, as_of: datetime, progress: Progress | None = None) -> Snapshot:
    """Read one payload file, or the payloads of a folder laid over one another in the order of their names.

    Accounts are by list (``children``, ``child_protection_plans``), a row for each element as last stated, and
    not by file: each delivery repeats some elements, and files are folded away. ``progress`` hears each file's
    name and the children so far. Raises InputError for what is no payload at all, with ``file:line``; an element
    that cannot be used is a reject at ``file:[child].list[element]``.
    """
    return collected(open_payloads(path, as_of=as_of, progress=progress))


def open_payloads(path: Path, *, as_of: datetime, progress: Progress | None = None) -> Reading:
    """The same, a child at a time."""
    inbox = read_inbox(path, progress)
    if not inbox.children and not inbox.statements and inbox.faults:  # a purge is a statement too
        file, fault = inbox.faults[0]
        where = f"{file}:{fault.at}" + (f": {fault.column}" if fault.column else "")
        raise InputError(f"no child in it can be used; the first {fault.why}", where=where, fix="Export it again")
    window = Window(start=_covered_from(local_day(as_of)))
    return _Payloads(f"csc_api:{path.as_posix()}", inbox, window)


def _covered_from(today: date) -> date:
    year = today.year - _YEARS_BACK
    return date(year if (today.month, today.day) >= (4, 1) else year - 1, 4, 1)


@dataclass(slots=True)
class _Payloads:
    """The payloads as :class:`Reading` describes a feed."""

    source: str
    inbox: Inbox
    window: Window
    holds: Collection[str] = frozenset(FILLS)
    lacks: Collection[str] = unfilled(FILLS)
    latest: Collection[str] = LATEST
    windows: Mapping[str, Window] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    total: int = 0

    def __post_init__(self) -> None:
        self.total = len(self.inbox.children)
        for table in f.TABLES:
            self.ledger.of(table)
        for file, fault in self.inbox.faults:
            table = fault.table if fault.table in f.TABLES else "children"
            self.ledger.of(table).rows += 1
            self.ledger.reject(table, f"{file}:{fault.at}", fault.why, fault.column)

    @property
    def as_at(self) -> date | None:
        """The day of the latest delivery."""
        return local_day(self.inbox.received) if self.inbox.received else None

    @property
    def notes(self) -> tuple[str, ...]:
        inbox = self.inbox
        told = [f"{inbox.files:,} payloads, {self.total:,} children, {inbox.purged:,} purged", OWN_PLANS]
        if inbox.unknown:
            shown = sorted(inbox.unknown)
            more = f" and {len(shown) - _STRANGE_SHOWN} more" if len(shown) > _STRANGE_SHOWN else ""
            told.append(f"fields the API does not know, left alone: {', '.join(shown[:_STRANGE_SHOWN])}{more}")
        told += (f"{name}: not a payload by its name, left alone" for name in inbox.strangers)
        return tuple(told)

    def children(self) -> Iterator[Pending]:
        """Each child once, in the order of their references."""
        counts = {table: account.rows for table, account in self.ledger.accounts.items()}
        for child in sorted(self.inbox.children):
            raw = self.inbox.children.pop(child)
            element = orjson.loads(raw)
            for table, rows in _rows(element):
                counts[table] += rows
            yield Pending(child, digest_of(raw), partial(self._made, child, raw))
        self.counts = counts

    def _made(self, child: str, raw: bytes) -> Made:
        ledger = Ledger()
        records = records_of(child, orjson.loads(raw), self.window, ledger)
        return Made(case_file(child, records, self.window, of_kinds={}, latest=LATEST), ledger)


def _rows(element: Mapping[str, object]) -> Iterator[tuple[str, int]]:
    """How many elements of each list a child has."""
    yield "children", 1
    health, episodes = element.get("health_and_wellbeing", {}), element.get(f.EPISODES, ())
    assert isinstance(health, dict) and isinstance(episodes, list | tuple)
    yield f.SDQS, len(health.get(f.SDQS, ()))
    yield f.EPISODES, len(episodes)
    for episode in episodes:
        for table in f.WITHIN:
            yield table, len(episode.get(table, ()))
        yield f.LEAVERS, f.LEAVERS in episode
