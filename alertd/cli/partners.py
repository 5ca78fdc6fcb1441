"""``alertd partners``: what other agencies are told, by whose yes, and whether they have it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.bootstrap import House, build, rulebook_of
from alertd.cases.holding import Holding
from alertd.cases.records import in_words, local_day
from alertd.cli.output import console
from alertd.db.engine import reading
from alertd.db.leading import alone
from alertd.db.partner_tables import NOTIFICATION_STATES, Notification, NotificationEvent
from alertd.db.tables import Alert
from alertd.errors import InputError
from alertd.partners import store
from alertd.partners.permit import why_not
from alertd.partners.policy import Agreed, read_policy, show
from alertd.partners.preview import preview
from alertd.people.agencies import Agencies
from alertd.receipts.mailbox import Maildir
from alertd.receipts.read import LARGEST, read
from alertd.receipts.take import Taken, take
from alertd.settings import load
from alertd.staffing import agencies_of

partners_app = typer.Typer(
    help="What other agencies are told, by whose yes, and whether they have it.", no_args_is_help=True
)


class ListFormat(StrEnum):
    """How it is printed."""

    table = "table"
    json = "json"


State = StrEnum("State", {state: state for state in NOTIFICATION_STATES})  # type: ignore[misc]
Config = Annotated[Path, typer.Option(help="The settings file.")]
FormatOption = Annotated[ListFormat, typer.Option("--format", help="table or json.")]
Reference = Annotated[str, typer.Argument(metavar="REFERENCE", help="As the agency quotes it: K7QF-2M9X.")]
As = Annotated[str, typer.Option("--as", help="Who says it: an id of the staff directory.")]
Reason = Annotated[str, typer.Option(help="Why. It is kept, and goes into no mail.")]


@partners_app.command("policy")
def policy(config: Config, format_: FormatOption = ListFormat.table) -> None:
    """Show who would be told what, by whose yes, and what the agreements strike out."""
    settings = load(config)
    rulebook = rulebook_of(settings)
    rows = list(show(read_policy(settings.partners.policy, rulebook), rulebook, _agreed(agencies_of(settings))))
    if format_ is ListFormat.json:
        print(json.dumps([row.model_dump() for row in rows], ensure_ascii=False, indent=1))
        return
    table = Table("rule", "send", "agency", "says", "asks to be asked for", "struck out", "note", box=None)
    for row in rows:
        sent = f"{row.send} by {row.approved_by}" if row.approved_by else row.send
        fields = (", ".join(each) for each in (row.said, row.asked_for, row.struck))
        table.add_row(row.rule, sent, f"{row.kind}: {row.agency}" if row.agency else row.kind, *fields, row.note)
    console().print(table)


def _agreed(agencies: Agencies) -> Agreed:
    """For each kind its agencies and the fields that every agreement of theirs allows."""
    found: dict[str, tuple[str, frozenset[str] | None]] = {}
    for agency in agencies.agencies.values():
        names, fields = found.get(agency.kind, ("", None))
        own = agency.agreement.fields if agency.agreement else frozenset[str]()
        found[agency.kind] = (f"{names}, {agency.id}" if names else agency.id, own if fields is None else fields & own)
    return found


@partners_app.command("list")
def list_notifications(
    config: Config,
    state: Annotated[State | None, typer.Option(help=f"{', '.join(NOTIFICATION_STATES)}.")] = None,
    format_: FormatOption = ListFormat.table,
) -> None:
    """List the notifications, each with why it stands where it stands. Children by their reference only."""
    with _house(config) as house, Session(reading(house.engine)) as session:
        wanted = select(Notification, Alert).join(Alert, Alert.id == Notification.alert_id).order_by(Notification.id)
        if state is not None:
            wanted = wanted.where(Notification.state == state.value)
        rows = [_row(row, alert) for row, alert in session.execute(wanted)]
    if format_ is ListFormat.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    table = Table(*_COLUMNS, box=None)
    for row in rows:
        table.add_row(*(str(row[name] or "") for name in _COLUMNS))
    console().print(table)


_COLUMNS = ("reference", "state", "rule", "child", "kind", "agency", "receipt", "sent", "acknowledged", "why")


def _row(row: Notification, alert: Alert) -> dict[str, Any]:
    return {
        "reference": row.reference,
        "state": row.state,
        "rule": alert.rule,
        "child": alert.child,
        "kind": row.kind,
        "agency": row.agency,
        "receipt": row.receipt,
        "sent": _when(row.sent_at),
        "acknowledged": _when(row.acknowledged_at),
        "why": row.why,
    }


def _when(moment: datetime | None) -> str | None:
    return in_words(moment) if moment else None


@partners_app.command("show")
def show_notification(reference: Reference, config: Config) -> None:
    """Show one: its moves with who, when and why, and what it says or would say as things are now."""
    with _house(config) as house, Session(reading(house.engine)) as session:
        row = store.by_reference(session, reference)
        alert = session.get_one(Alert, row.alert_id)
        for name, value in _row(row, alert).items():
            print(f"{name}: {value or ''}")
        print()
        events = select(NotificationEvent).where(NotificationEvent.notification_id == row.id)
        for event in session.scalars(events.order_by(NotificationEvent.id)):
            print(f"{in_words(event.at)}  {event.to_state.replace('_', ' ')}  {event.by}: {event.why}")
        print()
        print(preview(session, house.partners(), row, house.clock()))


@partners_app.command("approve")
def approve(reference: Reference, config: Config, as_: As) -> None:
    """Let one go: it is made at the daemon's next pass."""
    _do(config, reference, as_, lambda session, row, now: store.approve(session, row, as_, now))


@partners_app.command("refuse")
def refuse(reference: Reference, config: Config, as_: As, reason: Reason) -> None:
    """Decide that this agency is not told. The duty stands until that decision is on the child's record."""
    _do(config, reference, as_, lambda session, row, now: store.refuse(session, row, as_, now, reason))


@partners_app.command("hold")
def hold(reference: Reference, config: Config, as_: As, reason: Reason) -> None:
    """Stop one that has not left. `resend` lets it go, `refuse` ends it."""
    _do(config, reference, as_, lambda session, row, now: store.hold(session, row, as_, now, reason))


@partners_app.command("resend")
def resend(reference: Reference, config: Config, as_: As, reason: Reason) -> None:
    """Let one go again: what bounced, what was held, what nobody answers. alertd never does so by itself."""
    _do(config, reference, as_, lambda session, row, now: store.send_again(session, row, as_, now, reason))


@partners_app.command("told")
def told(reference: Reference, config: Config, as_: As, reason: Reason) -> None:
    """Say that they were told another way and have it: by telephone, in person, by letter."""
    _do(config, reference, as_, lambda session, row, now: store.told(session, row, as_, now, reason))


def _do(config: Path, reference: str, who: str, what: Callable[[Session, Notification, datetime], None]) -> None:
    with _house(config) as house, Session(house.engine) as session, session.begin():
        alone(session)
        now = house.clock()
        row = store.by_reference(session, reference)
        alert = session.get_one(Alert, row.alert_id)
        role = house.policy.of(alert.rule).approved_by
        held = Holding(alert.worker, alert.team)
        if why := why_not(house.staff.directory, who, role, held, alert.child, local_day(now)):
            raise InputError(why, where=row.reference, fix="Ask them, or their manager")
        what(session, row, now)
        print(f"{row.reference}: {row.state.replace('_', ' ')}: {row.why}")


@partners_app.command("reply")
def reply(
    config: Config,
    maildir: Annotated[Path | None, typer.Option(help="A Maildir whose new messages are taken, then moved.")] = None,
) -> None:
    """Take what came back: one message on standard input, as a mail server pipes it, or those of a Maildir.

    The daemon reads its own mailbox by itself. Exit code 0 also for what acknowledges nothing: the data owner is
    told of it, and the mail is not sent back.
    """
    with _house(config) as house:
        if maildir is None:
            taken = _take(house, sys.stdin.buffer.read(LARGEST))
            print(f"{taken.result.replace('_', ' ')}: {taken.reference or taken.why}")
            return
        folder = Maildir(maildir)
        for key, raw in folder.unread():
            taken = _take(house, raw)
            folder.done(key)
            print(f"{key.partition('/')[2]}: {taken.result.replace('_', ' ')}: {taken.reference or taken.why}")


def _take(house: House, raw: bytes) -> Taken:
    incoming = read(raw)  # before the database is held: it may be anything
    with Session(house.engine) as session, session.begin():
        alone(session)
        return take(session, house.composer_now(), incoming, house.clock())


@contextmanager
def _house(config: Path) -> Iterator[House]:
    house = build(load(config))
    try:
        yield house
    finally:
        house.engine.dispose()
