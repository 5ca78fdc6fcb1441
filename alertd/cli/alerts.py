"""``alertd alerts list`` and ``show``: what is open, and everything that is known of one alert."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.alerts import handlings
from alertd.alerts.handling import Handled, Office, answers_for, carried_by, in_force, rank_over
from alertd.alerts.planned import next_planned
from alertd.calendars.calendar import calendar_for
from alertd.cases.holding import Holding
from alertd.cases.records import in_words, local_day
from alertd.cli.desk import Desk, desk
from alertd.cli.output import console
from alertd.db.engine import reading
from alertd.db.tables import Alert, AlertEvent, Delivery, DeliveryAlert, Handling, Notice
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.errors import InputError, did_you_mean
from alertd.rulebook.model import Rulebook

alerts_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List alerts, show one whole, and say what is done about it: claim, accept, snooze, hand over, dispute.",
)

Config = Annotated[Path, typer.Option(help="The settings file.")]


class ListFormat(StrEnum):
    """How alerts are printed."""

    table = "table"
    json = "json"


class ShowFormat(StrEnum):
    """How one alert is printed."""

    text = "text"
    json = "json"


class StageOption(StrEnum):
    """Where an open alert stands."""

    upcoming = "upcoming"
    due = "due"
    overdue = "overdue"
    unknown = "unknown"


def office_of(here: Desk) -> Office:
    """Who works here, which days are working days, and what the time is."""
    return Office(here.directory, calendar_for(here.settings.authority.nation, here.rulebook.terms), here.now)


@alerts_app.command("list")
def list_alerts(
    config: Config,
    person: Annotated[str | None, typer.Option(help="Only those this person answers for.")] = None,
    team: Annotated[str | None, typer.Option(help="Only those of this team and the teams under it.")] = None,
    stage: Annotated[StageOption | None, typer.Option(help="upcoming, due, overdue or unknown.")] = None,
    format_: Annotated[ListFormat, typer.Option("--format", help="table or json.")] = ListFormat.table,
) -> None:
    """List the open alerts, most pressing first, with who manages each. Children by their reference only."""
    with desk(config) as here, Session(reading(here.engine)) as session:
        for what, given, known in (("person", person, here.directory.people), ("team", team, here.directory.teams)):
            if given is not None and given not in known:
                raise InputError(
                    f"there is no {what} {given!r}", fix=did_you_mean(given, known) or "See the staff files"
                )
        found = [row for row in _rows(session, here) if _wanted(row, here, person, team, stage)]
    found.sort(key=lambda r: (_PRESSING.index(r["stage"]), r["due"] or "9999", r["id"]))
    if format_ is ListFormat.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    table = Table("id", "rule", "child", "stage", "due", "answers", "team", "steps told", "managed by", box=None)
    for row in found:
        cells = ("id", "rule", "child", "stage", "due", "answers", "team", "level", "managed")
        table.add_row(*(str(row[name] if row[name] is not None else "") for name in cells))
    console().print(table)


_PRESSING = ("overdue", "due", "upcoming", "unknown")


def _rows(session: Session, here: Desk) -> Iterator[dict[str, Any]]:
    standing = handlings.handled(session)
    for alert in session.scalars(select(Alert).where(Alert.state == "open")):
        said = in_force(standing.get(alert.id, ()), here.now)
        yield {
            "id": alert.id,
            "rule": alert.rule,
            "child": alert.child,
            "stage": alert.stage,
            "due": alert.finding.get("due"),
            "answers": answers_for(said) or alert.worker,
            "team": alert.team,
            "level": alert.level,
            "muted": alert.muted,
            "managed": "; ".join(_managed(one) for one in said if one.kind in ("claim", "accept")),
        }


def _managed(one: Handled) -> str:
    return f"{one.kind} by {one.by}" + (f" until {in_words(one.until)}" if one.until else "")


def _wanted(row: dict[str, Any], here: Desk, person: str | None, team: str | None, stage: str | None) -> bool:
    of_team = here.directory.team_of(Holding(row["answers"], row["team"]))
    return (
        (person is None or row["answers"] == person)
        and (team is None or of_team in here.directory.teams_under(team))
        and (stage is None or row["stage"] == stage)
    )


@alerts_app.command("show")
def show(
    alert_id: Annotated[int, typer.Argument(metavar="ID", help="The alert's number, as `alertd alerts list` has it.")],
    config: Config,
    format_: Annotated[ShowFormat, typer.Option("--format", help="text or json.")] = ShowFormat.text,
) -> None:
    """Show one alert: its dates, what happened, who was told, who manages it and until when, and what comes next.

    What people gave as a reason is shown, and may hold personal data.
    """
    with desk(config) as here, Session(reading(here.engine)) as session:
        alert = session.get(Alert, alert_id)
        if alert is None:
            raise InputError(f"there is no alert {alert_id}", fix="See: alertd alerts list")
        found = _whole(session, here, alert)
    if format_ is ShowFormat.json:
        print(json.dumps(found, ensure_ascii=False, indent=1, default=_text))
        return
    for line in _lines(found):
        print(line)


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _whole(session: Session, here: Desk, alert: Alert) -> dict[str, Any]:
    finding, office = Finding.from_json(alert.finding), office_of(here)
    said = handlings.said_of(session, alert.id)
    ended = session.execute(select(Handling.id, Handling.ended_by).where(Handling.alert_id == alert.id))
    by = {id_: who for id_, who in ended}  # noqa: C416 - rows are no pairs to the type checker
    standing = in_force(said, here.now)
    events = session.scalars(select(AlertEvent).where(AlertEvent.alert_id == alert.id).order_by(AlertEvent.id))
    dates = ("start", "due", "binding", "statutory", "local", "plan", "limit", "where", "met")
    return {
        "id": alert.id,
        "rule": alert.rule,
        "child": alert.child,
        "state": alert.state if alert.closed_as is None else f"closed: {alert.closed_as}",
        "stage": alert.stage,
        "muted": alert.muted,
        "worker": alert.worker,
        "team": alert.team,
        "answers": answers_for(standing) or alert.worker,
        "dates": {name: getattr(finding, name) for name in dates},
        "cannot_tell": asdict(finding.cannot_tell) if finding.cannot_tell else None,
        "history": [
            {"at": e.at, "reason": e.reason, "stage": e.to_stage, "level": e.level, "late": e.late} for e in events
        ],
        "told": list(_told(session, alert.id)),
        "handlings": [
            {**asdict(one), "ended_by": by[one.id], "carried_by": None if one.ended_why else carried_by(one, office)}
            for one in said
        ],
        "next_step": _next(here, office, alert, finding, standing),
    }


def _told(session: Session, alert_id: int) -> Iterator[dict[str, Any]]:
    """Every message that told of it; those of before messages named their alerts, by their notices."""
    seen: set[str] = set()
    named = (
        select(Delivery, DeliveryAlert.role, DeliveryAlert.how, DeliveryAlert.kind)
        .join(DeliveryAlert, DeliveryAlert.delivery_id == Delivery.id)
        .where(DeliveryAlert.alert_id == alert_id)
        .order_by(Delivery.created_at, DeliveryAlert.id)
    )
    for sent, role, how, kind in session.execute(named):
        seen.add(sent.id)
        yield _message(sent, role, how, kind)
    older = (
        select(Delivery, Notice.role)
        .join(Notice, Notice.composed_into == Delivery.id)
        .where(Notice.alert_id == alert_id)
        .order_by(Delivery.created_at, Notice.id)
    )
    for sent, role in session.execute(older):
        if sent.id not in seen:
            yield _message(sent, role, sent.resolved_by, "told")


def _message(sent: Delivery, role: str, how: str, kind: str) -> dict[str, Any]:
    return {"at": sent.created_at, "person": sent.person, "role": role, "how": how, "kind": kind, "state": sent.state}


def _next(
    here: Desk, office: Office, alert: Alert, finding: Finding, standing: tuple[Handled, ...]
) -> dict[str, Any] | None:
    rule = _book(here, alert).rule(alert.rule)
    if rule is None or alert.state != "open":
        return None
    held = Holding(alert.worker, alert.team)
    ladder = _book(here, alert).ladders[rule.escalate]
    directory = here.directory
    planned = next_planned(
        finding, alert.level, ladder, office.calendar, standing, lambda one: rank_over(one.by, held, directory)
    )
    if planned is None:
        return None
    answering = Holding(answers_for(standing) or alert.worker, alert.team)
    tells = []
    for role in planned.tells:
        who = directory.resolve(role, answering if role == "worker" else held, office.today, child=alert.child)
        tells.append({"role": role, "person": who.person_id, "name": who.name, "how": who.how})
    of = f"step {planned.number} of {rule.escalate}"
    return {"step": of, "at": planned.at, "held": planned.held, "muted": alert.muted, "tells": tells}


def _book(here: Desk, alert: Alert) -> Rulebook:
    whole = (alert.child, alert.record) == WHOLE_FEED
    return here.rulebook.having(alert.rule) if whole else here.rulebook.of_team(alert.team)


def _lines(found: dict[str, Any]) -> Iterator[str]:
    dates = found["dates"]
    yield f"alert {found['id']}  {found['rule']}  ref {found['child']}"
    yield f"  stands       {found['state']}, {found['stage']}" + (
        f", told to nobody: {found['muted']}" * bool(found["muted"])
    )
    yield f"  answers      {found['answers'] or 'nobody'}, team {found['team'] or 'none'}"
    if dates["due"]:
        yield f"  due          {in_words(dates['due'])} ({dates['binding']}; {dates['limit'] or 'that day'})"
    if found["cannot_tell"]:
        yield f"  cannot tell  {found['cannot_tell']['text']} ({found['cannot_tell']['where']})"
    yield "  history"
    for event in found["history"]:
        late = ", told late" if event["late"] else ""
        yield f"    {in_words(event['at'])}  {event['reason']}: {event['stage']}, steps told {event['level']}{late}"
    yield "  told" if found["told"] else "  told         nobody yet"
    for one in found["told"]:
        as_ = f"{one['person']} as {one['role']} ({one['how']})"
        yield f"    {in_words(one['at'])}  {as_}: {one['kind']}, {one['state']}"
    if found["handlings"]:
        yield "  said"
    for one in found["handlings"]:
        yield f"    {_said(one)}"
    yield f"  next         {_coming(found['next_step'])}"


def _said(one: dict[str, Any]) -> str:
    to = f" to {one['to']}" if one["to"] else ""
    until = f", until {in_words(one['until'])}" if one["until"] else ""
    ended = ""
    if one["ended_why"]:
        by = f" by {one['ended_by']}" if one["ended_by"] else ""
        ended = f"; ended {in_words(one['ended_at'])}{by}: {one['ended_why']}"
    elif one["carried_by"] != one["by"]:
        ended = f"; carried by {one['carried_by']} now"
    kind = one["kind"].replace("_", " ")
    return f"{one['id']}  {in_words(one['at'])}  {kind}{to} by {one['by']}{until}: {one['reason']}{ended}"


def _coming(step: dict[str, Any] | None) -> str:
    if step is None:
        return "no step is planned"
    tells = ", ".join(f"{one['name']} ({one['person']}) as {one['role']}" for one in step["tells"])
    at: datetime = step["at"]
    day = in_words(local_day(at))
    waits = (
        f", held back: {step['held']}" if step["held"] else ", told to nobody while it is muted" * bool(step["muted"])
    )
    return f"{step['step']}, {day}: {tells}{waits}"
