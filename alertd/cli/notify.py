"""``alertd notify``: messages outside the outbox: a test of one channel, and that a service has failed."""

from __future__ import annotations

import asyncio
import platform
from functools import partial
from html import escape
from typing import Annotated, Final
from uuid import uuid4

import typer

from alertd.bootstrap import channel_of, now_utc, rulebook_of
from alertd.cli.alerts import Config
from alertd.errors import InputError, did_you_mean
from alertd.outbox.channel import Letter, Message, Notifier, Outcome
from alertd.outbox.deliver import EMAIL
from alertd.people.directory import Directory
from alertd.settings import Settings, load
from alertd.staffing import directory_of

notify_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Try a channel out, or tell duty that a service has failed."
)

WORDS = "This is a test message of alertd. It tells of no child, and there is nothing to do."

MEANS: Final = {
    "alertd": "While it does not run, no child is looked at and nobody is told. systemd starts it again by itself, and "
    "it goes on from what is stored. Where it ends again and again, somebody must look.",
    "alertd-web": "While it does not run, the pages and calendars cannot be reached. Alerts go on.",
    "alertd-receive": "While it does not run, no case system can deliver. Alerts go on over what was.",
    "alertd-watchdog": "The message of the rule that always fires was not delivered for too long, or that cannot be "
    "seen: alerts may not go out. alertd watchdog --now names the step that fails.",
    "alertd-backup": "No backup was made, or what was copied is not as it should be. Older backups are still there. "
    "Alerts go on.",
}
"""What it means that a service has failed, by its name."""


@notify_app.command("test")
def test(
    channel: Annotated[str, typer.Argument(help="email, or a channel of the settings.")],
    address: Annotated[str, typer.Argument(help="An address of that channel that the staff or agency files know.")],
    config: Config,
    anybody: Annotated[bool, typer.Option("--anybody", help="Though nobody there has this address.")] = False,
) -> None:
    """Send one test message, and say each step that the channel can tell of and what became of it. Exit code 1 where it
    was not delivered."""
    settings = load(config)
    known = (EMAIL, *settings.channels)
    if channel not in known:
        fix = did_you_mean(channel, known) or f"There are {', '.join(known)}"
        raise InputError(f"there is no channel {channel!r} in the settings", fix=fix)
    directory = directory_of(settings, rulebook_of(settings))
    if not anybody and (channel, address.lower()) not in set(_addresses(directory)):
        fix = "Correct it, or say --anybody: a test tells of no child"
        raise InputError(f"nobody in the staff or agency files has this address on {channel}", fix=fix)
    _say(asyncio.run(_send(channel_of(settings, channel), test_letter(settings, address), hears=True)))


@notify_app.command("failed")
def failed(
    service: Annotated[str, typer.Argument(help="Its name, as alertd or alertd-web.")],
    config: Config,
) -> None:
    """Tell duty by e-mail that a service has failed: for systemd. It needs no database, feed or staff file, because one
    of them may be why. Exit code 1 where the mail was not delivered."""
    settings = load(config)
    means = MEANS.get(service, "What it did is not done while it does not run.")
    words = f"{service} has failed on {platform.node()}.\n\n{means}\n\nIts log says why: journalctl -u {service}"
    letter = _letter(settings, settings.people.duty, f"{service} has failed", words)
    _say(asyncio.run(_send(channel_of(settings, EMAIL), letter)))


def _say(outcome: Outcome) -> None:
    print(f"{outcome.result}: {outcome.reason}" + (f" (their id: {outcome.reference})" if outcome.reference else ""))
    raise typer.Exit(0 if outcome.result == "delivered" else 1)


async def _send(channel: Notifier, letter: Letter, *, hears: bool = False) -> Outcome:
    if hears:
        channel.hears = partial(print, flush=True)
    try:
        return await channel.send(Message(letter.id, letter.address, channel.write(letter)))
    finally:
        await channel.close()


def test_letter(settings: Settings, address: str) -> Letter:
    """A letter that is clearly a test, of nobody and to nobody by name."""
    return _letter(settings, address, "Test message of alertd", WORDS)


def _letter(settings: Settings, address: str, subject: str, words: str) -> Letter:
    paragraphs = "".join(f"<p>{escape(one)}</p>" for one in words.split("\n\n"))
    return Letter(
        id=str(uuid4()),
        sender=str(settings.email["sender"]),
        to_name="",
        address=address,
        date=now_utc(),
        subject=subject,
        preview=words.partition("\n")[0],
        text=f"{words}\n",
        html=f'<!doctype html><html lang="en"><body>{paragraphs}</body></html>\n',
    )


def _addresses(directory: Directory) -> list[tuple[str, str]]:
    """Every (channel, address) that the files know."""
    people, teams = directory.people.values(), directory.teams.values()
    routes = [*(one.fallback for one in people), *(one.fallback for one in teams), directory.duty_fallback]
    agencies = [c for agency in directory.agencies.agencies.values() for c in agency.contacts]
    return [
        (EMAIL, directory.duty.lower()),
        *((EMAIL, person.address.lower()) for person in people if person.address),
        *((EMAIL, team.inbox.lower()) for team in teams if team.inbox),
        *((route.channel, route.address.lower()) for route in routes if route),
        *((contact.channel, contact.address.lower()) for contact in agencies if contact.address),
    ]
