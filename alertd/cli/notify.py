"""``alertd notify test``: one test message by one channel, outside the outbox."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated
from uuid import uuid4

import typer

from alertd.bootstrap import channel_of, directory_of, now_utc, rulebook_of
from alertd.cli.alerts import Config
from alertd.errors import InputError, did_you_mean
from alertd.outbox.channel import Letter, Message, Notifier, Outcome
from alertd.outbox.deliver import EMAIL
from alertd.people.directory import Directory
from alertd.settings import Settings, load

notify_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Try a channel out with a test message.")

WORDS = "This is a test message of alertd. It tells of no child, and there is nothing to do."


@notify_app.callback()
def _group() -> None:
    """Keeps ``test`` a command of its own."""


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
    outcome = asyncio.run(_send(settings, channel_of(settings, channel), address))
    print(f"{outcome.result}: {outcome.reason}" + (f" (their id: {outcome.reference})" if outcome.reference else ""))
    raise typer.Exit(0 if outcome.result == "delivered" else 1)


async def _send(settings: Settings, channel: Notifier, address: str) -> Outcome:
    letter = test_letter(settings, address)
    channel.hears = partial(print, flush=True)
    try:
        return await channel.send(Message(letter.id, address, channel.write(letter)))
    finally:
        await channel.close()


def test_letter(settings: Settings, address: str) -> Letter:
    """A letter that is clearly a test, of nobody and to nobody by name."""
    return Letter(
        id=str(uuid4()),
        sender=str(settings.email["sender"]),
        to_name="",
        address=address,
        date=now_utc(),
        subject="Test message of alertd",
        preview=WORDS,
        text=f"{WORDS}\n",
        html=f'<!doctype html><html lang="en"><body><p>{WORDS}</p></body></html>\n',
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
