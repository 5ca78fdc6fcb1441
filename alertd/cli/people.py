"""``alertd people``: what is missing in the directory, and who would be told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.table import Table

from alertd.bootstrap import channel_of, now_utc, rulebook_of
from alertd.cases.holding import Holding, holding
from alertd.cases.records import in_words, local_day
from alertd.cases.sources.ssd_staff import StaffRows
from alertd.cli.output import console
from alertd.cli.sources import kept
from alertd.errors import InputError, did_you_mean
from alertd.outbox.trial import why_not_written
from alertd.people.agencies import EMAIL, Agencies
from alertd.people.check import Hole, Look, Open, holes, refused
from alertd.people.directory import ROLES, Directory, Route, role_words
from alertd.people.load import PEOPLE_COLUMNS, PEOPLE_MORE, TEAM_COLUMNS, TEAM_MORE
from alertd.people.load_restrictions import load_restrictions
from alertd.people.restrictions import Restriction
from alertd.people.rows import read_rows
from alertd.rulebook.model import Rulebook
from alertd.settings import Settings, load
from alertd.staffing import agencies_of, directory_of, people_of, staff_reader_of

people_app = typer.Typer(help="Who is told: what is missing, and who it would be.", no_args_is_help=True)
T = TypeVar("T")


class PeopleFormat(StrEnum):
    """How it is printed."""

    table = "table"
    json = "json"


Config = Annotated[Path, typer.Option(help="The settings file.")]
FormatOption = Annotated[PeopleFormat, typer.Option("--format", help="table or json.")]
OnOption = Annotated[str | None, typer.Option(metavar="DATE", help="On which day; today if left out.")]


@people_app.command("check")
def check(config: Config, format_: FormatOption = PeopleFormat.table, on: OnOption = None) -> None:
    """Show the holes of the directory, each with its place and what to do. Exit code 1 when there are any."""
    settings = load(config)
    rulebook = rulebook_of(settings)
    found: list[Hole] = []
    notes: list[str] = []
    directory, feed = _directory(settings, rulebook, found)
    if directory:
        held, note = _held(config, _day(on))
        if held is None and feed.was_read:
            workers = {who: feed.children_of(who) for who, _ in feed.open_children}
            open_ = Open(workers, {})
            note += "; who has open children is taken from the feed"
        else:
            open_ = Open.of(held or [])
        if held is None:
            notes.append(note)
        found += holes(
            Look(
                directory=directory,
                roles=_roles(rulebook),
                today=_day(on),
                open=open_,
                feed_teams=feed.departments if feed.was_read else (),
                own_teams=_lines(settings.people.teams, TEAM_COLUMNS, TEAM_MORE),
                at=_places(settings),
                why_not=partial(why_not_carried, settings),
            )
        )
    found = sorted(set(found))
    if format_ is PeopleFormat.json:
        print(json.dumps({"holes": [asdict(hole) for hole in found], "notes": notes}, ensure_ascii=False, indent=2))
    else:
        _show(directory, found, notes)
    raise typer.Exit(1 if found else 0)


@people_app.command("who")
def who(
    role: Annotated[str, typer.Argument(help="The role, as ladders name it: worker, team_manager, iro.")],
    config: Config,
    worker: Annotated[str | None, typer.Option(help="Who holds the child, as the feed names them.")] = None,
    team: Annotated[str | None, typer.Option(help="The child's team, as the feed names it.")] = None,
    child: Annotated[
        str | None, typer.Option(help="The child's number: restrictions count, and who has it if not given.")
    ] = None,
    on: OnOption = None,
    format_: FormatOption = PeopleFormat.table,
) -> None:
    """Show who is told as a role, and why they: step by step."""
    settings = load(config)
    rulebook = rulebook_of(settings)
    known = ROLES | set(_roles(rulebook))
    if role not in known:
        fix = did_you_mean(role, known) or f"Roles are {', '.join(sorted(known))}"
        raise InputError(f"there is no role {role!r}", fix=fix)
    directory, day = directory_of(settings, rulebook), _day(on)
    held = Holding(worker, team)
    note = ""
    if child and not worker and not team:
        held, note = _who_has(config, child, day)
    found = directory.resolve(role, held, day, child=child)
    steps = found.how.split("; ")
    if format_ is PeopleFormat.json:
        print(json.dumps({**asdict(found), "steps": steps, "note": note}, ensure_ascii=False, indent=2))
        return
    about = ", ".join(
        f"{what} {value}" for what, value in (("worker", held.worker), ("team", held.team), ("ref", child)) if value
    )
    print(f"{role_words(role)} on {in_words(day)}, {about or 'of no child'}")
    if note:
        print(f"Note: {note}")
    for n, step in enumerate(steps, 1):
        print(f"{n:3}. {step}")
    print(f"told: {found.person_id}, {found.name}, {found.address} ({found.rung}, {found.language})")
    if found.without_details:
        print("They are told that a restricted child's alert waits, and nothing of the child.")


def _directory(settings: Settings, rulebook: Rulebook, found: list[Hole]) -> tuple[Directory | None, StaffRows]:
    """As much of the directory as can be used; what cannot is a hole."""
    people = settings.people
    reader = staff_reader_of(settings)
    unread = StaffRows(was_read=False)
    feed = (_tried(reader, found) or unread) if reader else unread
    restrictions: dict[str, Restriction] = {}
    if file := people.restrictions:
        restrictions = _tried(lambda: load_restrictions(file), found) or {}
    agencies = _tried(lambda: agencies_of(settings), found) or Agencies()
    directory = _tried(lambda: people_of(settings, rulebook, feed if reader else None), found)
    return (replace(directory, restrictions=restrictions, agencies=agencies) if directory else None), feed


def why_not_carried(settings: Settings, route: Route) -> str:
    """Why a channel cannot carry a message to an address: asked of the channel itself, with one that is not sent."""
    if route.channel == EMAIL:
        return ""  # what is an address of e-mail was looked at when it was read
    if route.channel not in settings.channels:
        return f"there is no channel {route.channel!r}. {did_you_mean(route.channel, settings.channels) or ''}".strip()
    try:
        channel = channel_of(settings, route.channel)
    except InputError as error:
        return f"{route.channel}: {error.what}"
    return why_not_written(channel, route.address, str(settings.email.get("sender", "")), now_utc())


def _tried(read: Callable[[], T], found: list[Hole]) -> T | None:
    try:
        return read()
    except InputError as error:
        found.append(refused(error))
        return None


def _held(config: Path, today: date) -> tuple[list[Holding] | None, str]:
    """Who holds each child in what the daemon keeps; None, and why, where it keeps nothing."""
    try:
        return [holding(case, today) for case in kept(config).cases], ""
    except InputError as error:
        return None, f"open children are not known: {error}"


def _who_has(config: Path, child: str, today: date) -> tuple[Holding, str]:
    """Who has one child, in what the daemon keeps; nobody, and why, where it does not keep the child."""
    try:
        case = next((case for case in kept(config).cases if case.child == child), None)
    except InputError as error:
        return Holding(), f"who has the child is not known: {error}"
    return (holding(case, today), "") if case else (Holding(), "no feed has this child")


def _roles(rulebook: Rulebook) -> dict[str, str]:
    """Every role that the ladder of an enabled rule tells, with one such rule."""
    found: dict[str, str] = {}
    for book in (rulebook, *rulebook.teams.values()):
        for rule in book.enabled:
            ladder = book.ladders.get(rule.escalate or "")
            for step in ladder.steps if ladder else ():
                for role in step.tell:
                    found.setdefault(role, rule.id)
    return found


def _lines(file: Path, columns: tuple[str, ...], more: tuple[str, ...]) -> dict[str, int]:
    return {row.cells["id"]: row.line for row in read_rows(file, columns, more)}


def _places(settings: Settings) -> Callable[[str, str], str]:
    people = settings.people
    files = {"people": people.people, "teams": people.teams}
    lines = {
        "people": _lines(people.people, PEOPLE_COLUMNS, PEOPLE_MORE),
        "teams": _lines(people.teams, TEAM_COLUMNS, TEAM_MORE),
    }

    def place(file: str, id_: str) -> str:
        line = lines[file].get(id_)
        return f"{files[file]}:{line}" if line else f"{files[file]}"

    return place


def _day(text: str | None) -> date:
    if text is None:
        return local_day(now_utc())
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"--on {text!r} is not a date", fix="Write it as 2026-11-24") from None


def _show(directory: Directory | None, found: list[Hole], notes: list[str]) -> None:
    out = console()
    if found:
        table = Table("where", "what", "what to do", box=None, header_style="bold")
        for hole in found:
            table.add_row(hole.where, hole.what, hole.fix)
        out.print(table)
    for note in notes:
        out.print(f"Note: {note}")
    if directory:
        people, teams, agencies = len(directory.people), len(directory.teams), len(directory.agencies.agencies)
        out.print(f"{people} people in {teams} teams, {agencies} agencies: {len(found) or 'no'} holes")
