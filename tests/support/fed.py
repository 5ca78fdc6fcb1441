"""The small council fed by another feed, or by lists of its own written for a test."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.cases.records import LONDON
from alertd.db.tables import FeedRun
from alertd.engine import sweep as sweeping
from alertd.settings import Settings
from tests.support.council import ALL_RULES, Council, Inline, council_at

FIRST_REVIEW = "cla.review.first"
ONE_RULE = ALL_RULES.model_copy(update={"rules": tuple(r for r in ALL_RULES.rules if r.id == FIRST_REVIEW)})
OPEN = (FIRST_REVIEW, "C1", "open", None)


def nov(day: int) -> date:
    return date(2026, 11, day)


def a_council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    """For a module\'s fixture: ``council = pytest.fixture(a_council)``."""
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    monkeypatch.setattr(Inline, "dies_on", "")
    found = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}", ONE_RULE)
    yield found
    found.house.engine.dispose()


def fed_by(council: Council, **feed: Any) -> None:
    """Let the council's daemon read another feed, or the same under other settings."""
    there = {"kind": "ssd", "url": str(council.feed), **feed}
    settings = Settings(
        feed=there,  # type: ignore[arg-type]
        people={"people": "p.csv", "teams": "t.csv", "duty": "duty@council.example", "allowed_domains": []},  # type: ignore[arg-type]
        email={},
    )
    council.house = replace(council.house, settings=settings)


LISTS: Mapping[str, str] = {
    "child.csv": "child,born\nC1,2015-03-02\nC2,2016-04-03\n",
    "care_period.csv": "child,key,start,end\nC1,L1,2026-10-30,\nC2,L2,2026-01-05,2026-02-02\n",
    "cla_review.csv": "child,key,happened\nC2,V1,2026-01-20\n",
    "allocation.csv": "child,key,start,end,worker,team,role\nC1,A1,2026-01-05,,W1,T1,CW\nC2,A2,2026-01-05,,W1,T1,CW\n",
}


def write_lists(folder: Path, on: date, **changed: str | bytes) -> Path:
    """The council's own lists as they are written on a day; one of them given otherwise, by its name."""
    folder.mkdir(exist_ok=True)
    for name, text in LISTS.items():
        content = changed.get(name.removesuffix(".csv"), text)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    written(folder, on)
    return folder


def written(folder: Path, on: date) -> None:
    """Let the files of a folder have been written on the morning of a day."""
    moment = datetime.combine(on, time(5), LONDON).timestamp()
    for file in folder.iterdir():
        os.utime(file, (moment, moment))


def manifest(folder: Path) -> None:
    lines = ["file,rows,sha256"]
    for file in sorted(folder.glob("*.csv")):
        data = file.read_bytes()
        lines.append(f"{file.name},{data.count(10) - 1},{hashlib.sha256(data).hexdigest()}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")


def told(council: Council, person: str) -> list[tuple[str, str]]:
    return [(subject, body) for to, subject, body in council.mail.sent if to == person]


def outcomes(council: Council) -> list[str]:
    with Session(council.house.engine) as session:
        return [run.outcome for run in session.scalars(select(FeedRun).order_by(FeedRun.id))]
