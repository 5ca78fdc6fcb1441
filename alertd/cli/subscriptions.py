"""``alertd subscriptions``: what managers ask to hear of besides what they must."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from alertd.calendars.calendar import calendar_for
from alertd.cases.records import local_day
from alertd.cli.desk import Desk, desk
from alertd.cli.output import console
from alertd.cli.people import why_not_carried
from alertd.db.engine import reading
from alertd.db.links import new_link, revoke_links
from alertd.errors import InputError
from alertd.routing.words import day_words
from alertd.rulebook.model import Rulebook
from alertd.settings import Settings
from alertd.subscriptions import feeds, store
from alertd.subscriptions.model import (
    CALENDAR,
    EMAIL,
    ESCALATED,
    SEVERITIES,
    Wanted,
    checked,
    covers,
    every_rule,
    mandatory,
)
from alertd.subscriptions.preview import MONTH, Preview, preview
from alertd.subscriptions.standing import in_shadow, standing

subscriptions_app = typer.Typer(
    no_args_is_help=True, help="What managers ask to hear of besides what they must: add, list and end it."
)

Config = Annotated[Path, typer.Option(help="The settings file.")]
As = Annotated[str, typer.Option("--as", help="Whose it is: an id of the staff directory.")]


@subscriptions_app.command("add")
def add(
    config: Config,
    person: As,
    rules: Annotated[
        list[str], typer.Option(help="A rule, or a beginning with a star: 'cp.*'. Several by commas, or given again.")
    ],
    teams: Annotated[
        list[str], typer.Option(help="Only of these teams and those below; all of your own if left out.")
    ] = [],  # noqa: B006
    stages: Annotated[
        list[str], typer.Option(help="upcoming, due, overdue, unknown, escalated. Overdue and escalated if left out.")
    ] = ["overdue", ESCALATED],  # noqa: B006
    severities: Annotated[list[str], typer.Option(help="urgent, routine. Both if left out.")] = list(SEVERITIES),  # noqa: B006
    every: Annotated[str, typer.Option(help="at_once, daily or weekly.")] = "daily",
    channel: Annotated[
        str,
        typer.Option(help="email, the channel of their fallback in the staff files, or calendar for a feed to follow."),
    ] = "email",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    preview_only: Annotated[
        bool, typer.Option("--preview", help="Show what it would have sent, and keep nothing.")
    ] = False,
) -> None:
    """Subscribe. Shows first what it would have sent in the last month, and asks."""
    with desk(config) as at:
        lists = (_parted(rules), _parted(teams), _parted(stages), _parted(severities))
        asked = Wanted(0, person, *lists, every, channel, at.now)
        wanted = checked(asked, at.rulebook, at.directory, [EMAIL, *at.settings.channels], local_day(at.now))
        _reached(wanted, at)
        if channel == CALENDAR:
            address(at.settings, "")  # before anything is asked or kept
        with Session(reading(at.engine)) as session:
            _show_calendar(session, at, wanted) if channel == CALENDAR else _show(_preview(session, at, wanted), at.now)
        if quiet := _in_shadow(wanted, at.rulebook):
            print(quiet)
        if preview_only or not (yes or _agreed()):
            print("Nothing is kept.")
            return
        with Session(at.engine) as session, session.begin():
            kept = store.add(session, wanted)
            secret = (
                new_link(session, feeds.PURPOSE, feeds.of_subscription(kept.id), at.now) if channel == CALENDAR else ""
            )
        print(f"Subscription {kept.id} is kept. What a ladder tells {person} is told all the same.")
        if secret:
            print(f"Its calendar, shown this once: {address(at.settings, secret)}")


@subscriptions_app.command("list")
def show(
    config: Config,
    person: Annotated[str | None, typer.Option("--as", help="Only this person's.")] = None,
) -> None:
    """The subscriptions in force, and of each whether it tells anybody now."""
    with desk(config) as at:
        with Session(reading(at.engine)) as session:
            found = store.in_force(session, person)
        table = Table(
            "number", "person", "rules", "teams", "stages", "severities", "every", "channel", "since", "now", box=None
        )
        today = local_day(at.now)
        for one in found:
            lists = (
                ", ".join(one.rules),
                ", ".join(one.teams) or "all of their own",
                *map(", ".join, (one.stages, one.severities)),
            )
            since = day_words(local_day(one.since), today)
            now = standing(one, at.directory, at.rulebook, today)
            table.add_row(str(one.id), one.person, *lists, one.every, one.channel, since, now)
        console().print(table if found else "Nobody subscribes to anything.")


@subscriptions_app.command("end")
def end(
    what: Annotated[str, typer.Argument(help="The number of a subscription, or the rules it names.")],
    config: Config,
    person: As,
) -> None:
    """End a subscription. What a ladder tells cannot be ended here; this says which step tells it."""
    with desk(config) as at, Session(at.engine) as session, session.begin():
        mine = store.in_force(session, person)
        ended = [one for one in mine if str(one.id) == what or what in one.rules]
        owner = at.directory.people.get(person)
        rules = [rule for one in ended for rule in one.rules] or [what]
        still = [why for rule in dict.fromkeys(rules) if owner and (why := mandatory(owner, rule, at.rulebook))]
        if not ended:
            raise _no_such(what, person, still, mine, at)
        for one in ended:
            store.end(session, one.id, at.now)
            revoke_links(session, feeds.PURPOSE, feeds.of_subscription(one.id), at.now)
            print(f"Subscription {one.id} of {person} has ended.")
        for why in still:
            print(f"Still told: {why}.")


def _no_such(what: str, person: str, still: list[str], mine: list[Wanted], at: Desk) -> InputError:
    if still:
        return InputError(f"{person} cannot unsubscribe from {what}: {still[0]}")
    numbers = ", ".join(str(one.id) for one in mine) or "none"
    if not any(covers(what, rule) for rule in every_rule(at.rulebook)) and not what.isdecimal():
        return InputError(f"there is no rule {what!r}", fix=f"Subscriptions of {person} in force: {numbers}")
    return InputError(f"{person} has no subscription {what}", fix=f"Those in force: {numbers}")


def _reached(wanted: Wanted, at: Desk) -> None:
    """Raises InputError where the channel asked for cannot carry a message to them."""
    other = at.directory.people[wanted.person].fallback
    if wanted.channel in (EMAIL, CALENDAR) or other is None:
        return
    if why := why_not_carried(at.settings, other):
        fix = "Correct the fallback in the staff files, or subscribe by email"
        raise InputError(f"{wanted.person} cannot be told by {wanted.channel}: {why}", fix=fix)


def address(settings: Settings, secret: str) -> str:
    """Where a calendar is followed. Raises InputError where the settings say no address for alertd's pages."""
    if settings.web is None:
        raise InputError(
            "no address is set for alertd's pages", where=settings.place("web"), fix="Add [web] with a url"
        )
    return settings.web.link(feeds.PATH.format(secret=secret))


def _agreed() -> bool:
    try:
        return typer.confirm("Keep this subscription?")
    except typer.Abort:
        fix = "Give --yes to keep it, or --preview only to look"
        raise InputError("nobody answered, so nothing is kept", fix=fix) from None


def _in_shadow(wanted: Wanted, rulebook: Rulebook) -> str:
    shadow, asked = in_shadow(wanted, rulebook)
    told = "nobody is told of those until they are adopted: alertd rules status says why"
    return f"{shadow} of the {asked} rules asked for are in shadow; {told}." if shadow else ""


def _parted(given: list[str]) -> tuple[str, ...]:
    return tuple(part.strip() for one in given for part in one.split(",") if part.strip())


def _preview(session: Session, at: Desk, wanted: Wanted) -> Preview:
    return preview(
        wanted,
        store.histories(session, at.rulebook, wanted.rules, at.now - MONTH, now_open=False),
        at.directory,
        calendar_for(at.settings.authority.nation),
        at.now,
        digest_at=at.settings.schedule.digest,
        watched_since=store.watched_since(session),
    )


def _show_calendar(session: Session, at: Desk, wanted: Wanted) -> None:
    calendar, why = feeds.of_wanted(wanted, at.directory, local_day(at.now))
    nation = calendar_for(at.settings.authority.nation)
    found = list(feeds.items(session, calendar, at.rulebook, nation, at.now)) if calendar else []
    print(why or f"A calendar sends nothing; this one holds {len(found)} alerts now.")


def _show(shown: Preview, now: datetime) -> None:
    today = local_day(now)
    if shown.since == now:
        print("alertd has taken no reading in yet, so there is no past to show.")
        return
    since = day_words(local_day(shown.since), today)
    span = (
        f"In the last month, since {since}," if shown.whole_month else f"alertd has watched since {since}; since then"
    )
    messages, lines = sum(shown.messages.values()), sum(shown.lines.values())
    print(f"{span} this would have told of {_count(lines, 'change')} in {_count(messages, 'message')}.")
    for day, n in sorted(shown.messages.items()):
        print(f"  {day_words(day, today)}: {_count(n, 'message')}, {_count(shown.lines[day], 'line')}")
    if shown.examples:
        print("The latest:")
    for reference, title, why in shown.examples:
        print(f"  {reference}  {title} ({why})")
    if shown.warning:
        print(f"{shown.warning}.")


def _count(n: int, what: str) -> str:
    return f"{n} {what}" + ("" if n == 1 else "s")
