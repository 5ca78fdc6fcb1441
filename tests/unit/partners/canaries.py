"""A child in whose records every field holds a value that is found nowhere else: a canary, known by its song.

Days, codes, numbers, texts, keys and places are all drawn once for one field, so that whatever stands in a message
says which field of which record it came from.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple

from alertd.cases.kinds import KINDS
from alertd.cases.records import LONDON, CaseFile, Record, Window, case_file, make_record
from alertd.partners.codes import EVENTS, LEGAL_STATUS, PLACEMENT
from alertd.routing.wording import shipped

TODAY = date(2026, 11, 27)
_PAST, _AHEAD = date(1990, 1, 1), date(2027, 6, 1)
_CODES = (*PLACEMENT, *LEGAL_STATUS)
_SONG = re.compile(r"CANARY\d+|\b7\d{6}\b|\b[A-Z]\d(?=: )|(?<!\d)\d{4}-\d\d-\d\d(?!\d)|(?<!\d)\d\d/\d\d/\d{4}(?!\d)")
_DAY = re.compile(r"\b\d{1,2} [A-Z][a-z]+ \d{4}\b")
_TIME = re.compile(r"\b\d\d:\d\d\b")
_MEANINGS = {code.meaning: kind for kind, code in EVENTS.items()}


class Source(NamedTuple):
    """Where a canary was put: the kind of record, its key, and the field."""

    kind: str
    key: str
    field: str


@dataclass(slots=True)
class Cage:
    """Draws canaries and remembers where each was put."""

    rng: random.Random
    put: dict[str, set[Source]] = field(default_factory=lambda: defaultdict(set))
    _next: int = 0
    _days: set[date] = field(default_factory=set)

    def text(self, source: Source) -> str:
        self._next += 1
        return self._keep(f"CANARY{self._next}", source)

    def number(self, source: Source) -> int:
        self._next += 1
        return int(self._keep(str(7_000_000 + self._next), source))

    def code(self, source: Source) -> str:
        return self._keep(self.rng.choice(_CODES), source)

    def event(self, source: Source) -> str:
        return self._keep(self.rng.choice(tuple(EVENTS)), source)

    def day(self, source: Source, *, ahead: bool) -> date:
        first, span = (_AHEAD, 9000) if ahead else (_PAST, 13_000)
        while (day := first + timedelta(self.rng.randrange(span))) in self._days:
            pass
        self._days.add(day)
        for song in _songs(day):
            self._keep(song, source)
        return day

    def _keep(self, song: str, source: Source) -> str:
        self.put[song].add(source)
        return song


@cache
def _songs(day: date) -> tuple[str, ...]:
    """All the ways in which a day might stand in a message."""
    said = [shipped().language(code).day(day, "d MMMM y") for code in ("en", "cy")]
    return (*said, f"{day:%d/%m/%Y}", day.isoformat())


def child_of_canaries(rng: random.Random) -> tuple[CaseFile, Cage]:
    """A child with a record or two of many kinds, most fields filled, some with what their readers know."""
    cage = Cage(rng)
    ref = cage.text(Source("child", "", "reference"))
    records = []
    shared = cage.text(Source("any", "", "key"))  # a trigger has the key of the placement it is about
    kinds = [name for name in KINDS if name in _LOOKED_AT or rng.random() < 0.3]
    for kind in kinds:
        for _ in range(1 if rng.random() < 0.8 else 2):
            key = shared if rng.random() < 0.4 else cage.text(Source(kind, "", "key"))
            records.append(_record(cage, kind, ref, key))
    return case_file(ref, records, Window(), of_kinds={}), cage


_LOOKED_AT = frozenset(
    {
        *("placement", "legal_status", "care_period", "cp_plan", "cin_plan", "allocation", "agency_trigger", "missing"),
        *("agency_ending", "cp_review", "out_of_school", "health_assessment", "agency_link", "agency_inbound", "child"),
    }
)


def _record(cage: Cage, kind: str, child: str, key: str) -> Record:
    rng = cage.rng
    raw: dict[str, object] = {}
    for one in KINDS[kind].fields:
        if rng.random() < 0.15 or (one.name == "end" and rng.random() < 0.5):
            continue
        source = Source(kind, key, one.name)
        if one.type == "text":
            raw[one.name] = _text(cage, source)
        elif one.type == "number":
            raw[one.name] = cage.number(source)
        elif one.type == "yes/no":
            raw[one.name] = rng.random() < 0.5
        else:
            day = cage.day(source, ahead=one.name in ("end", "due_on", "takes_effect") or rng.random() < 0.1)
            timed = one.type == "moment" and rng.random() < 0.8
            raw[one.name] = datetime.combine(day, time(12), LONDON) if timed else day
    return make_record(kind, child, key, cage.text(Source(kind, key, "where")), raw)


def _text(cage: Cage, source: Source) -> str:
    if source.field in ("type", "status", "change_reason") and cage.rng.random() < 0.6:
        if source.kind == "health_assessment" and source.field == "status":
            return "refused"
        if source.kind.startswith("agency_"):
            return cage.event(source)
        return cage.code(source)
    return cage.text(source)


def heard(cage: Cage, message: str) -> dict[str, set[Source]]:
    """Every canary in a message, with where it may have come from."""
    songs = set(_SONG.findall(message)) | set(_DAY.findall(message))
    return {song: cage.put[song] for song in songs if song in cage.put}


def events_in(message: str) -> set[str]:
    """The kinds of event that a message names."""
    return {kind for meaning, kind in _MEANINGS.items() if meaning in message}
