"""``alertd alerts claim``, ``accept``, ``snooze``, ``hand-over``, ``dispute``, ``undo`` and ``resolve``."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from alertd.alerts import handlings
from alertd.alerts.handling import Asked, Kind, lapses
from alertd.cases.records import in_words
from alertd.cli.alerts import Config, alerts_app, office_of
from alertd.cli.desk import desk
from alertd.errors import InputError

__all__ = ["alerts_app"]

Ids = Annotated[list[int], typer.Argument(metavar="ID...", help="The alerts' numbers: one reason for all of them.")]
HandlingId = Annotated[
    int, typer.Argument(metavar="HANDLING", help="The number of what was said, as `alertd alerts show` has it.")
]
As = Annotated[str, typer.Option("--as", help="Who says it: an id of the staff directory.")]
Reason = Annotated[str, typer.Option(help="Why. It is kept, and goes into no mail.")]
Whole = Annotated[bool, typer.Option("--all-or-none", help="Say it of none where one of them is refused.")]
Until = Annotated[
    datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day, or for a snooze the day it is over.")
]


@alerts_app.command("claim")
def claim(ids: Ids, config: Config, as_: As, reason: Reason, all_or_none: Whole = False) -> None:
    """It is done and not yet recorded: holds for 2 working days, as far as the ladder lets it."""
    _say(config, ids, Asked("claim", as_, reason), all_or_none)


@alerts_app.command("accept")
def accept(ids: Ids, config: Config, as_: As, reason: Reason, until: Until, all_or_none: Whole = False) -> None:
    """Explain it until a day; once it is overdue a manager has to. The clock goes on, for all to see."""
    _say(config, ids, Asked("accept", as_, reason, until.date()), all_or_none)


@alerts_app.command("snooze")
def snooze(ids: Ids, config: Config, as_: As, reason: Reason, until: Until, all_or_none: Whole = False) -> None:
    """Be told no more of it until a day. It holds back no step, and nobody else goes without."""
    _say(config, ids, Asked("snooze", as_, reason, until.date()), all_or_none)


@alerts_app.command("hand-over")
def hand_over(
    ids: Ids,
    config: Config,
    as_: As,
    reason: Reason,
    to: Annotated[str, typer.Option(help="Who answers for it from now on: an id of the staff directory.")],
    all_or_none: Whole = False,
) -> None:
    """Hand it to somebody who is here, until the feed gives the child to another worker."""
    _say(config, ids, Asked("hand_over", as_, reason, to=to), all_or_none)


@alerts_app.command("dispute")
def dispute(ids: Ids, config: Config, as_: As, reason: Reason, all_or_none: Whole = False) -> None:
    """Say that the alarm is wrong. The rule's owner or a manager decides; no step is held back meanwhile."""
    _say(config, ids, Asked("dispute", as_, reason), all_or_none)


@alerts_app.command("undo")
def undo(handling: HandlingId, config: Config, as_: As, reason: Reason) -> None:
    """Take back what was said of an alert. It stays in the alert's history, with who ended it and why."""
    with desk(config) as here, Session(here.engine) as session, session.begin():
        handlings.undo(session, handling, as_, reason, office_of(here), here.rulebook)
    print(f"handling {handling}: undone")


@alerts_app.command("resolve")
def resolve(
    handling: HandlingId,
    config: Config,
    as_: As,
    upheld: Annotated[
        bool | None, typer.Option("--upheld/--rejected", help="The alarm was wrong, or it was right.")
    ] = None,
) -> None:
    """Decide a dispute. What was upheld counts against the rule's precision."""
    if upheld is None:
        raise InputError("it is not said how the dispute is decided", fix="Give --upheld or --rejected")
    with desk(config) as here, Session(here.engine) as session, session.begin():
        handlings.resolve(session, handling, as_, upheld, office_of(here), here.rulebook)
    print(f"handling {handling}: {'upheld' if upheld else 'rejected'}")


def _say(config: Config, ids: list[int], asked: Asked, all_or_none: bool) -> None:
    """Exit code 2 where the only alert is refused, 1 where some of several are."""
    with desk(config) as here, Session(here.engine) as session, session.begin():
        office = office_of(here)
        found = handlings.handle(session, ids, asked, office, here.rulebook, all_or_none=all_or_none)
        until = lapses(asked, office)
    refused = [one for one in found if one.refused]
    if len(found) == len(refused) == 1:
        raise InputError(found[0].refused, where=f"alert {found[0].alert_id}")
    for one in found:
        if one.refused:
            print(f"alert {one.alert_id}: refused: {one.refused}")
        elif one.handling is None:
            print(f"alert {one.alert_id}: not done, because another was refused")
        else:
            print(f"alert {one.alert_id}: {_words(asked.kind, until)}, handling {one.handling}")
    if refused:
        raise typer.Exit(1)


def _words(kind: Kind, until: date | None) -> str:
    done = {"claim": "claimed", "accept": "accepted", "snooze": "snoozed", "hand_over": "handed over"}
    return done.get(kind, "disputed") + (f" until {in_words(until)}" if until else "")
