"""Payloads of the CSC API for tests, and reading them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from alertd.cases.records import Record, Snapshot
from alertd.cases.sources.csc_api import read

AS_OF = datetime(2026, 11, 28, 6, 30, tzinfo=UTC)


def child(*episodes: dict[str, Any], id_: str = "C1", **more: object) -> dict[str, Any]:
    """A child's element; without episodes it states none."""
    stated = {"social_care_episodes": list(episodes)} if episodes else {}
    return {"la_child_id": id_, **stated, **more}


def episode(id_: str = "E1", start: str | None = "2026-01-05", **more: object) -> dict[str, Any]:
    begins = {"referral_date": start} if start else {}
    return {"social_care_episode_id": id_, **begins, **more}


def plan(id_: str = "P1", start: str | None = "2026-02-02", **more: object) -> dict[str, Any]:
    begins = {"start_date": start} if start else {}
    return {"child_protection_plan_id": id_, **begins, **more}


def placement(id_: str, start: str, reason: str = "S", **more: object) -> dict[str, Any]:
    return {"child_looked_after_placement_id": id_, "start_date": start, "start_reason": reason, **more}


def arrival(number: int, day: int = 27) -> str:
    """The name of the file of a delivery: the later the higher its number."""
    return f"202611{day}T0200{number // 1000:02}{number % 1000:06}Z-{UUID(int=number)}.json"


def write(folder: Path, *payloads: object, first: int = 0) -> Path:
    """Deliveries one after another, as files."""
    folder.mkdir(exist_ok=True)
    for number, payload in enumerate(payloads, first):
        (folder / arrival(number)).write_text(json.dumps(payload))
    return folder


def read_all(path: Path) -> Snapshot:
    snapshot = read(path, as_of=AS_OF)
    assert all(account.adds_up for account in snapshot.accounts.values()), snapshot.accounts
    assert sum(account.rejected for account in snapshot.accounts.values()) == len(snapshot.rejects)
    return snapshot


def of(snapshot: Snapshot, kind: str, child_: str = "C1") -> list[Record]:
    return [r for case in snapshot.cases if case.child == child_ for r in case.of(kind)]


def doubts(records: Iterable[Record]) -> dict[str, str]:
    return {f"{r.kind}.{d.field}": d.why for r in records for d in r.doubts}
