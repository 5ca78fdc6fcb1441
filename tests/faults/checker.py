"""Judge a run by two things only: what the mail server took, and what the database says in the end.

Plain SQL and no code of alertd's, so that a mistake there cannot hide itself here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, inspect, text

ENDED = {"delivered", "refused", "parked", "cancelled", "standing_by"}
MOVES = {
    (None, "due"),
    (None, "standing_by"),
    ("standing_by", "due"),
    ("standing_by", "cancelled"),
    ("due", "sending"),
    ("due", "cancelled"),
    ("sending", "delivered"),
    ("sending", "refused"),
    ("sending", "due"),
    ("sending", "parked"),
    ("sending", "unknown"),
    ("sending", "cancelled"),
    ("unknown", "due"),
    ("unknown", "parked"),
    ("parked", "cancelled"),
    ("delivered", "refused"),  # it came back
    *((state, state) for state in ("delivered", "refused", "parked")),  # a note, which moves nothing
}

Rows = list[Mapping[str, Any]]
Promise = tuple[str, str, str, str, str, str, int, str]
"""What somebody is to be told: rule, child, record, occurrence, role, stage, ladder level and reason."""


@dataclass
class Verdict:
    """``faults`` are sentences, none when all held. ``recovered``: accepted, though the answer was lost."""

    faults: list[str] = field(default_factory=list)
    copies: Counter[str] = field(default_factory=Counter)
    """By delivery, how often the mail server took it."""
    recovered: int = 0


def read(database: str, query: str) -> Rows:
    """The rows of a query; the connection is closed again."""
    engine = create_engine(database)
    try:
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(query)).mappings()]
    finally:
        engine.dispose()


def has_schema(database: str) -> bool:
    """Whether alertd has made its tables yet."""
    engine = create_engine(database)
    try:
        return inspect(engine).has_table("delivery")
    finally:
        engine.dispose()


def history(path: Path, event: str = "accepted") -> list[dict[str, str]]:
    """What the mail server wrote down."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [line for line in map(json.loads, lines) if line["event"] == event]


def promises(database: str) -> Counter[Promise]:
    """What the database promises to tell, to which role. Each should be there once."""
    rows = read(
        database,
        """select a.rule, a.child, a.record, a.occurrence, n.role, e.to_stage, e.level, e.reason
           from notice n join alert a on a.id = n.alert_id join alert_event e on e.id = n.event_id""",
    )
    return Counter(tuple(row.values()) for row in rows)


def check(mail: Path, database: str, promised: Counter[Promise]) -> Verdict:
    """Judge a run that has ended. ``promised`` is what an undisturbed run promises."""
    verdict = Verdict()
    deliveries = {row["id"]: row for row in read(database, "select * from delivery")}
    _sound(verdict, database)
    _promises_kept(verdict, database, promised)
    _accounted_for(verdict, deliveries, history(mail))
    _legal(verdict, deliveries, read(database, "select * from delivery_event order by id"))
    return verdict


def _sound(verdict: Verdict, database: str) -> None:
    if database.startswith("sqlite"):
        answers = [str(v) for row in read(database, "pragma integrity_check") for v in row.values()]
        if answers != ["ok"]:
            verdict.faults.append(f"the database is damaged: {answers}")
        if broken := read(database, "pragma foreign_key_check"):
            verdict.faults.append(f"rows refer to rows that are not there: {broken[:3]}")
    twice = "select rule, child, record, occurrence from alert group by 1, 2, 3, 4 having count(*) > 1"
    if found := read(database, twice):
        verdict.faults.append(f"two alerts with one identity: {found[:3]}")
    without = "select id from alert where id not in (select alert_id from alert_event)"
    if found := read(database, without):
        verdict.faults.append(f"alerts without an event: {found[:3]}")


def _promises_kept(verdict: Verdict, database: str, promised: Counter[Promise]) -> None:
    found = promises(database)
    if lost := [promise for promise in promised if not found[promise]]:
        verdict.faults.append(f"lost: {len(lost)} of {len(promised)} promises were never written down, as {lost[0]}")
    if twice := [promise for promise, number in found.items() if number > 1]:
        verdict.faults.append(f"promised twice: {twice[:3]}")
    waiting = """select n.id from notice n join alert a on a.id = n.alert_id
                 where n.composed_into is null and n.dropped is null and a.state = 'open'"""
    if found_waiting := read(database, waiting):
        verdict.faults.append(f"lost: {len(found_waiting)} notices of open alerts are in no delivery")


def _accounted_for(
    verdict: Verdict, deliveries: Mapping[str, Mapping[str, Any]], accepted: list[dict[str, str]]
) -> None:
    taken: dict[str, list[dict[str, str]]] = defaultdict(list)
    for one in accepted:
        taken[one["id"]].append(one)
    verdict.copies = Counter({id_: len(copies) for id_, copies in taken.items()})
    for id_ in taken.keys() - deliveries.keys():
        verdict.faults.append(f"unexpected: the mail server has a message {id_!r} that no delivery stands behind")
    for id_, row in deliveries.items():
        copies, allowed = taken[id_], 1 + row["unknown_attempts"]
        sent = hashlib.sha256(re.sub(rb"\r\n|\r|\n", b"\r\n", bytes(row["message"]))).hexdigest()
        reasoned = row["state"] in ("delivered", "standing_by") or row["reason"]
        if row["state"] not in ENDED or not reasoned:
            verdict.faults.append(f"lost: delivery {id_} ended as {row['state']}, reason {row['reason']!r}")
        if row["state"] == "delivered" and not copies:
            verdict.faults.append(f"lost: delivery {id_} is called delivered, and the mail server never had it")
        first = deliveries.get(row["stands_in_for"])
        if row["state"] == "standing_by" and (first is None or first["state"] in ("refused", "parked")):
            verdict.faults.append(f"lost: delivery {id_} still stands by, and what it stands in for has failed")
        if len(copies) > allowed:
            verdict.faults.append(f"copies: delivery {id_} went {len(copies)} times; at most {allowed} are allowed")
        if any(copy["recipient"] != row["address"] for copy in copies):
            verdict.faults.append(f"misdirected: delivery {id_} went to another address than its own")
        if any(copy["sha256"] != sent for copy in copies):
            verdict.faults.append(f"altered: delivery {id_} did not arrive as it was composed")
        verdict.recovered += bool(copies and row["unknown_attempts"])


def _legal(verdict: Verdict, deliveries: Mapping[str, Mapping[str, Any]], events: Rows) -> None:
    moves: dict[str, Rows] = defaultdict(list)
    for event in events:
        moves[event["delivery_id"]].append(event)
    for id_, row in deliveries.items():
        state: str | None = None
        for event in moves[id_]:
            before, after = event["from_state"], event["to_state"]
            if before != state or (before, after) not in MOVES:
                verdict.faults.append(f"illegal: delivery {id_} moved from {before} to {after} while it was {state}")
            state = after
        seen = Counter(event["to_state"] for event in moves[id_])
        if (state, seen["sending"], seen["unknown"]) != (row["state"], row["attempts"], row["unknown_attempts"]):
            verdict.faults.append(f"illegal: delivery {id_} is not what its events say it is: {dict(seen)}")


def due(database: str, healed: datetime) -> dict[str, datetime]:
    """When each delivery that has not ended should go on, once nothing fails any more, by its id."""
    query = "select id, state, next_attempt_at, lease_until from delivery where state in ('due', 'sending')"
    return {
        row["id"]: max(healed, _moment(row["next_attempt_at" if row["state"] == "due" else "lease_until"]))
        for row in read(database, query)
    }


def begun_late(database: str, waiting: Mapping[str, datetime], healed: datetime, most: timedelta | None) -> list[str]:
    """Which of those that waited at ``healed`` went on more than ``most`` after they should have, or not yet."""
    moved: dict[str, datetime] = {}
    for row in read(database, "select delivery_id, at from delivery_event order by id"):
        if row["delivery_id"] in waiting and _moment(row["at"]) >= healed:
            moved.setdefault(row["delivery_id"], _moment(row["at"]))
    return [
        f"late: delivery {id_} should have gone on at {ready}, and did at {moved.get(id_, 'no time yet')}"
        for id_, ready in waiting.items()
        if id_ not in moved or (most is not None and moved[id_] > ready + most)
    ]


def _moment(value: Any) -> datetime:
    """SQLite has no type for moments: they come as text, in UTC."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found if found.tzinfo else found.replace(tzinfo=UTC)
