"""``alertd retention``: what has been kept long enough, and deleting it."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from alertd.bootstrap import merged_numbers
from alertd.calendars.calendar import calendar_for
from alertd.calendars.clock import begin_of, shift
from alertd.cases.records import in_words, local_day
from alertd.cli.desk import Desk, desk
from alertd.cli.output import console
from alertd.db.engine import reading
from alertd.intake.kept import followed
from alertd.keeping.deletion import delete_old
from alertd.keeping.retention import KINDS, Plan, Policy
from alertd.keeping.retention import plan as plan_of
from alertd.keeping.subject_access import Child


def retention(
    config: Annotated[Path, typer.Option(help="The settings file.")],
    delete: Annotated[bool, typer.Option("--delete", help="Delete it, and not only say what it would be.")] = False,
    as_: Annotated[str | None, typer.Option("--as", help="Who does it; your login name if left out.")] = None,
) -> None:
    """Say what has been kept for longer than [retention] has it, by kind and year, in counts only.

    With --delete it is deleted, in small transactions beside the daemon, and each stands in the audit, which itself is
    never deleted. What is open or awaited stays, and so does anything of a child that is held.
    """
    with desk(config) as here:
        policy = policy_of(here)
        with Session(reading(here.engine)) as session, session.begin():
            plan = plan_of(session, policy)
        _show(plan, policy)
        if not delete:
            print("Nothing was deleted; --delete does it. Take a backup first: alertd backup")
            return
        done = delete_old(here.engine, plan, policy, here.now, by=as_ or getpass.getuser())
    said = ", ".join(f"{kind.replace('_', ' ')} {n}" for kind, n in done.items() if n)
    print(f"Deleted: {said or 'nothing'}")


def policy_of(here: Desk) -> Policy:
    """The settings, as moments and children."""
    lengths = here.settings.retention
    merged = merged_numbers(here.settings)
    authorities = {feed.name: feed.authority for feed in here.settings.feed if feed.authority}
    older: dict[str, set[str]] = {}
    for old in merged:
        older.setdefault(followed(old, merged), set()).add(old)

    def called(child: str) -> Child:
        now = followed(child, merged)
        return Child(frozenset({child, now, *older.get(now, ())}), authorities)

    return Policy(_until(here), tuple(called(child) for child in lengths.hold), called)


def _until(here: Desk) -> dict[str, datetime]:
    calendar = calendar_for(here.settings.authority.nation)
    lengths = {kind: here.settings.retention.length(kind) for kind in KINDS}
    today = local_day(here.now)
    return {
        kind: begin_of(shift(today, length, calendar, backwards=True)) for kind, length in lengths.items() if length
    }


def _show(plan: Plan, policy: Policy) -> None:
    table = Table("kind", "kept since", "older, by year", "altogether", box=None)
    for kind, years in plan.by_year().items():
        since = in_words(local_day(policy.until[kind])) if kind in policy.until else "for ever"
        shown = ", ".join(f"{year}: {n}" for year, n in years.items())
        table.add_row(kind.replace("_", " "), since, shown or "none", str(sum(years.values())))
    console().print(table)
    if policy.hold:
        print(f"Nothing goes of {len(policy.hold)} children in [retention] hold.")
