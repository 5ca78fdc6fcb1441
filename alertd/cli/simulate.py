"""``alertd simulate``: a made-up year down the real road, with figures of what people would get, and checks."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.progress import Progress, TaskID
from rich.table import Table

from alertd.cli.output import console, progress_bar
from alertd.errors import InputError
from alertd.simulation.figures import CHECKS
from alertd.simulation.year import LAST_DAY, Asked
from alertd.simulation.year import simulate as simulate_year


class SimulateFormat(StrEnum):
    """How the report is printed."""

    text = "text"
    json = "json"


def simulate(
    days: Annotated[int, typer.Option(min=14, max=730, help="How many days, up to the last.")] = 365,
    children: Annotated[int, typer.Option(min=20, help="Children in need at any point of a year.")] = 4000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same year.")] = 1,
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="DAY", help="The last day; the same for whoever runs it.")
    ] = LAST_DAY.isoformat(),
    la: Annotated[str, typer.Option(help="DfE code of the authority whose published volumes to follow.")] = "350",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that evaluate; one a processor if not given.")
    ] = None,
    format_: Annotated[
        SimulateFormat, typer.Option("--format", help="text, or one JSON object.")
    ] = SimulateFormat.text,
) -> None:
    """Simulate a year of a synthetic authority: what people would be told, and whether any of it is wrong.

    The lives are made up, and so are leavers, absences, late recording and what people say of their alerts. All
    else is the real thing: each day is evaluated, composed and sent as the daemon does it, into a temporary folder.
    Every message is then checked by other means. Ends with 1 where a check found something.
    """
    asked = Asked(children=children, days=days, seed=seed, as_of=_day(as_of), la=la, workers=workers)
    with progress_bar() as bar:
        found = simulate_year(asked, _Ticks(bar))
    if format_ is SimulateFormat.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        _show(found)
    if any(found[name] for name in CHECKS):
        raise typer.Exit(1)


class _Ticks:
    """Progress on standard error: a bar on a terminal, else a line for each tenth of a step."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._tasks: dict[str, TaskID] = {}
        self._said: dict[str, int] = {}

    def __call__(self, step: str, done: int, of: int) -> None:
        if step not in self._tasks:
            self._tasks[step] = self._bar.add_task(step)
        self._bar.update(self._tasks[step], completed=done, total=of)
        tenth = 10 * done // max(of, 1)
        if self._bar.disable and self._said.get(step) != tenth:
            self._said[step] = tenth
            print(f"{step}: {done:,} of {of:,}", file=sys.stderr, flush=True)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is not a day", where="--as-of", fix="Write it as 2026-11-20") from None


_WORDS = {
    "alerts": "alerts",
    "messages": "messages sent",
    "people": "people told",
    "per_worker_day_median": "new alerts a caseworker and working day, median",
    "per_worker_day_p95": "… 95th percentile",
    "per_worker_day_mean": "… mean",
    "per_manager_day_median": "new alerts a manager and working day, median",
    "per_manager_day_p95": "… 95th percentile",
    "acted_before_due_share": "acted on before due, of the clocks that were warned of",
    "to_duty": "messages to the duty address, because nobody else was found",
    "to_team_inboxes": "messages to a team's inbox",
}


def _show(found: Mapping[str, Any]) -> None:
    out = console()
    told = Table("what", box=None, title=f"{found['from']} to {found['to']}, {found['children']:,} children")
    told.add_column("figure", justify="right")
    for name, words in _WORDS.items():
        told.add_row(words, _number(found[name]))
    for name in ("said", "said_ended", "cleared", "open_at_the_end", "messages_by_role", "staff"):
        told.add_section()
        for key, n in found[name].items():
            told.add_row(f"{name.replace('_', ' ')}: {key.replace('_', ' ')}", _number(n))
    out.print(told)
    wrong = Table("check", box=None, title="What is wrong")
    wrong.add_column("found", justify="right")
    for name in CHECKS:
        wrong.add_row(name.replace("_", " "), _number(found[name]))
    out.print(wrong)
    out.print(f"{found['steps_checked']:,} steps of ladders were worked out anew.")
    for name, lines in found["what_is_wrong"].items():
        for line in lines:
            out.print(f"{name.replace('_', ' ')}: {line}")
    out.print("seconds: " + ", ".join(f"{name} {n:,}" for name, n in found["seconds"].items()))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,}"
