"""``alertd outbox``: what is to be sent, what became of it, and what a person does about it."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.table import Table
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from alertd.bootstrap import now_utc
from alertd.cases.records import LONDON
from alertd.cli.alerts import Config, ListFormat
from alertd.cli.output import console
from alertd.db.engine import open_to_look, reading
from alertd.db.tables import DELIVERY_STATES, Delivery
from alertd.errors import InputError, did_you_mean
from alertd.outbox import epoch, operate
from alertd.outbox.operate import Act, Whole
from alertd.settings import load

outbox_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="See what is to be sent and what became of it; try again, take back, lay aside.",
)

Id = Annotated[str, typer.Argument(metavar="ID", help="A message's id, or how it begins.")]
As = Annotated[str | None, typer.Option("--as", help="Who does it; your login name if left out.")]
Reason = Annotated[str, typer.Option(help="Why. It is kept with the message.")]
Form = Annotated[ListFormat, typer.Option("--format", help="table or json.")]


@contextmanager
def _session(config: Config, *, write: bool = False) -> Iterator[Session]:
    engine = open_to_look(load(config).database.url)
    try:
        with Session(engine if write else reading(engine)) as session, session.begin():
            yield session
    finally:
        engine.dispose()


@outbox_app.command("list")
def list_messages(
    config: Config,
    state: Annotated[list[str] | None, typer.Option(help="Only those that are so. Repeatable.")] = None,
    channel: Annotated[str, typer.Option(help="Only of this channel.")] = "",
    person: Annotated[str, typer.Option(help="Only to this person: an id, or agency:ID.")] = "",
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Only what was made since this time in London."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")] = 50,
    format_: Form = ListFormat.table,
) -> None:
    """List messages with their state and why, the newest first. What they say is not shown."""
    for one in state or ():
        if one not in DELIVERY_STATES:
            fix = did_you_mean(one, DELIVERY_STATES) or f"There are {', '.join(DELIVERY_STATES)}"
            raise InputError(f"there is no state {one!r}", fix=fix)
    with _session(config) as session:
        from_then = since.replace(tzinfo=LONDON) if since else None
        rows, total = operate.listed(
            session, states=tuple(state or ()), channel=channel, person=person, since=from_then, limit=limit
        )
        if format_ is ListFormat.json:
            print(json.dumps([_as_json(row) for row in rows], ensure_ascii=False, indent=1))
            return
        table = Table("id", "made", "to", "channel", "state", "tried", "why", box=None)
        for row in rows:
            state_ = f"{row.state.replace('_', ' ')}{', urgent' if row.urgent else ''}"
            table.add_row(row.id, _at(row.created_at), row.person, row.channel, state_, str(row.attempts), row.reason)
        console().print(table)
    if total > len(rows):
        print(f"{total - len(rows)} more; --limit shows them")


@outbox_app.command("show")
def show(
    id_: Id,
    config: Config,
    content: Annotated[bool, typer.Option("--content", help="What it says too: children's records.")] = False,
    format_: Form = ListFormat.table,
) -> None:
    """Show the whole life of one message: every move with its reason, receipts, what stands in for it."""
    with _session(config) as session:
        found = operate.whole(session, id_)
        if format_ is ListFormat.json:
            print(json.dumps(_whole_as_json(found), ensure_ascii=False, indent=1))
        else:
            _print(found)
        if content:
            print(operate.text_of(found.row.message))


@outbox_app.command("retry")
def retry(
    config: Config,
    reason: Reason,
    id_: Annotated[str, typer.Argument(metavar="[ID]", help="A message's id, or how it begins.")] = "",
    as_: As = None,
    may_be_a_copy: Annotated[bool, typer.Option("--may-be-a-copy", help="Though it may have arrived.")] = False,
    all_parked: Annotated[bool, typer.Option("--all-parked", help="All that is parked, instead of one.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Try a message that was refused or parked again, at once; or all that is parked."""
    if bool(id_) == all_parked:
        raise InputError("either one message or --all-parked is needed", fix="Give the id of one, or --all-parked")
    act = _act(as_, reason)
    if all_parked:
        _retry_all(config, act, may_be_a_copy=may_be_a_copy, yes=yes)
        return
    with _session(config, write=True) as session:
        row = operate.retry(session, id_, act, may_be_a_copy=may_be_a_copy)
        print(f"message {row.id} is due; the daemon tries it within a minute")


def _retry_all(config: Config, act: Act, *, may_be_a_copy: bool, yes: bool) -> None:
    """Ask first, then try what was parked when it was asked and still is."""
    with _session(config) as session:
        found = operate.parked(session)
    going = (*found.again, *found.may_have_arrived) if may_be_a_copy else found.again
    if not may_be_a_copy and found.may_have_arrived:
        print(
            f"{len(found.may_have_arrived)} parked messages may have arrived, and stay; --may-be-a-copy sends them too"
        )
    if not going:
        print("No other message is parked." if found.may_have_arrived else "No message is parked.")
        return
    if not (yes or _agreed(f"Try {len(going)} parked messages again?")):
        print("Nothing is tried again.")
        return
    with _session(config, write=True) as session:
        now = operate.parked(session)
        still = [id_ for id_ in going if id_ in {*now.again, *now.may_have_arrived}]
        for one in still:
            operate.retry(session, one, act, may_be_a_copy=may_be_a_copy)
    print(f"{len(still)} messages are due; the daemon tries them within a minute")


def _agreed(question: str) -> bool:
    try:
        return typer.confirm(question)
    except typer.Abort:
        raise InputError("nobody answered, so nothing is tried again", fix="Give --yes to try them") from None


@outbox_app.command("cancel")
def cancel(
    id_: Id,
    config: Config,
    reason: Reason,
    as_: As = None,
    for_good: Annotated[
        bool, typer.Option("--for-good", help="What it tells is not told again: somebody was told another way.")
    ] = False,
) -> None:
    """Take a message back that was not sent. What it told is made anew, for whoever it is for by then."""
    with _session(config, write=True) as session:
        found = operate.whole(session, id_)
        owed = operate.cancel(session, id_, _act(as_, reason), for_good=for_good)
        told = f"{owed} notices are owed again" if not for_good else "what it tells is not told again"
        print(f"message {found.row.id} is cancelled; it tells of {found.open_alerts} open alerts; {told}")


@outbox_app.command("park")
def park(id_: Id, config: Config, reason: Reason, as_: As = None) -> None:
    """Lay a message that waits aside, until somebody tries it again or takes it back."""
    with _session(config, write=True) as session:
        row = operate.park(session, id_, _act(as_, reason))
        print(f"message {row.id} is parked; alertd status shows it until somebody acts")


@outbox_app.command("accept-restore")
def accept_restore(
    config: Config,
    send_all: Annotated[
        bool, typer.Option("--send-all", help="Send all that waits: some of it was sent before, and comes twice.")
    ] = False,
    drop_before: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M"], help="Take back what was made before this time in London."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why. It is kept with what is taken back.")] = "",
    as_: As = None,
) -> None:
    """After a database was restored: say what waits, and let it be sent again. Exit code 1 while nothing is sent."""
    settings = load(config)
    file = settings.outbox.epoch
    if file is None:
        fix = "Name a file outside the database, on another disk"
        raise InputError("a restored database cannot be noticed", where=settings.place("outbox.epoch"), fix=fix)
    if send_all and drop_before is not None:
        raise InputError("--send-all and --drop-before were both given", fix="Give one of them")
    engine = open_to_look(settings.database.url)
    try:
        if not send_all and drop_before is None:
            raise typer.Exit(_preview(engine, file))
        act = _act(as_, reason)
        if not reason.strip():
            raise InputError("a reason is needed", fix="Give --reason: it is kept with what is taken back")
        until = drop_before.replace(tzinfo=LONDON) if drop_before else None
        with Session(engine) as session, session.begin():
            done = epoch.accept(session, file, act.at, lambda: str(uuid4()), by=act.by, why=reason, drop_before=until)
        epoch.settle(engine, file)
        print(f"{done.dropped} messages are taken back, {done.kept} go; the daemon sends them within a minute")
    finally:
        engine.dispose()


def _preview(engine: Engine, file: Path) -> int:
    """Say what waits; the exit code."""
    found = epoch.look(engine, file)
    if found.unread:
        raise InputError(found.unread)
    if not found.held or found.outside is None:
        print("Nothing is held: the database is as far as the epoch file")
        return 0
    print(f"Nothing is sent, because {found.held}.")
    if found.inside:
        print(f"By this database the last message left at {_at(found.inside.at)}")
    print(f"By the epoch file the last message left at {_at(found.outside.at)}")
    with Session(reading(engine)) as session:
        before, since = epoch.waiting_before(session, found.outside.at)
    print(f"Messages that wait: {before} made before that, which may have been sent; {since} made since.")
    print("Then say --send-all, so that some come twice, or --drop-before 2026-11-26T08:30, with --reason.")
    print("Whatever was told after the backup is told again at the next evaluation, because the database has lost it.")
    return 1


def _act(by: str | None, why: str) -> Act:
    return Act(by or getpass.getuser(), why, now_utc())


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(LONDON):%Y-%m-%d %H:%M:%S}"


def _as_json(row: Delivery) -> dict[str, Any]:
    names = ("id", "person", "channel", "destination", "state", "reason", "urgent", "attempts", "unknown_attempts")
    return {
        **{name: getattr(row, name) for name in names},
        "created_at": row.created_at.isoformat(),
        "next_attempt_at": row.next_attempt_at.isoformat() if row.state == "due" else None,
        "stands_in_for": row.stands_in_for,
    }


def _whole_as_json(found: Whole) -> dict[str, Any]:
    return {
        **_as_json(found.row),
        "why_them": found.row.resolved_by,
        "alerts": list(found.alerts),
        "stand_in": found.stand_in.id if found.stand_in else None,
        "events": [
            {"at": e.at.isoformat(), "from": e.from_state, "to": e.to_state, "attempt": e.attempt, "why": e.reason}
            for e in found.events
        ],
        "receipts": [{"at": r.at.isoformat(), "kind": r.kind, "why": r.reason} for r in found.receipts],
    }


def _print(found: Whole) -> None:
    row, out = found.row, console()
    out.print(f"Message {row.id} to {row.person} by {row.channel}{', urgent' if row.urgent else ''}")
    out.print(f"Why they: {row.resolved_by}")
    alerts = ", ".join(map(str, found.alerts)) or "none"
    out.print(f"Tells of alerts: {alerts}; {found.open_alerts} of them open")
    if row.stands_in_for:
        out.print(f"Stands in for {row.stands_in_for}")
    if found.stand_in:
        state = found.stand_in.state.replace("_", " ")
        out.print(f"Where it fails, {found.stand_in.id} goes by {found.stand_in.channel}: {state}")
    table = Table("when", "became", "attempt", "why", box=None)
    for event in found.events:
        table.add_row(_at(event.at), event.to_state.replace("_", " "), str(event.attempt), event.reason)
    for receipt in found.receipts:
        table.add_row(_at(receipt.at), f"({receipt.kind})", "", receipt.reason)
    out.print(table)
    if row.state == "due":
        out.print(f"Tried next at {_at(row.next_attempt_at)}")
