"""Reading the settings again while the daemon runs, and the change from one house to the next.

What is under way goes on in the house in which it began, to its end; all that begins later begins in the new one. A
file that cannot be used changes nothing, and that is said at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from alertd.bootstrap import House, channels_of, checks_of, merged_numbers, rulebook_of, wired, wording_of
from alertd.errors import InputError
from alertd.outbox.deliver import tell_operator
from alertd.partners.policy import read_policy
from alertd.settings import Settings, load

Reread = Callable[[House], House]


def rebuilt(house: House) -> House:
    """The same daemon by its files as they stand now: one database, one clock, what it has counted and what it knows.

    What it had learnt of the pace of channels is forgotten, as at a start: it may be of a password that was wrong.
    Raises InputError for the first thing that is not right, and for what is only read at a start.
    """
    if house.settings.file is None:
        raise InputError("the settings were read from no file, so they cannot be read again")
    found = load(house.settings.file)
    if found.database.url != house.settings.database.url:
        fix = "Put it back, or restart alertd"
        raise InputError("cannot be changed while alertd runs", where=found.place("database.url"), fix=fix)
    return replace(house, **wired(found, house.clock, house.composer.new_id, house.log, house.metrics), paces={})


def unfit(settings: Settings) -> str:
    """Why alertd could not start again by its files as they stand now; blank where it could. The staff files, which
    are read whenever they change, have a watch of their own."""
    if settings.file is None:
        return ""
    try:
        found = load(settings.file)
        read_policy(found.partners.policy, rulebook_of(found))
        wording_of(found)
        channels_of(found)
        checks_of(found)
        merged_numbers(found)
    except InputError as error:
        return str(error)
    return ""


def tell_if_unfit(house: House) -> None:
    """Of settings, rules or templates that broke since the start: nothing of them is in force, but the next start
    would be refused, and then nobody is told anything."""
    why = unfit(house.settings)
    if not why:
        return
    lines = [
        "A file was changed, and alertd could not start again by it:",
        why,
        "It goes on by the settings, rules and templates that it started with, until it is stopped.",
        "Please correct the file; this says whether all is well: alertd check --config alertd.toml",
    ]
    _tell(house, "files", "alertd could not start again", lines)
    house.log.error("files_unfit", why=why, next="alertd goes on by what it started with")


def _tell_of_refused(house: House, why: str) -> None:
    lines = [
        "alertd was asked to read its files again, and cannot use them as they stand:",
        why,
        "It goes on by the settings, rules and templates that it had; nothing of the new ones is in force.",
        "Please correct the file and ask again; this says whether all is well: alertd check --config alertd.toml",
    ]
    _tell(house, "reload", "alertd goes on by its earlier settings", lines)


def _tell(house: House, about: str, subject: str, lines: list[str]) -> None:
    with Session(house.engine) as session, session.begin():
        tell_operator(session, house.composer_now(), house.clock(), about=about, subject=subject, lines=lines)


@dataclass(eq=False, slots=True)
class _Term:
    """One house's time: how much is at work in it, and whether it was succeeded."""

    house: House
    ends: asyncio.Event = field(default_factory=asyncio.Event)
    at_work: int = 0


class Live:
    """The house in force. Its pieces of work ask for it as each begins."""

    def __init__(self, house: House) -> None:
        self._term = _Term(house)

    @property
    def house(self) -> House:
        """The one in force now."""
        return self._term.house

    @property
    def ends(self) -> asyncio.Event:
        """Set once nothing more may begin in the house that is in force now."""
        return self._term.ends

    @asynccontextmanager
    async def work(self) -> AsyncIterator[House]:
        """The house for one piece of work. Whoever is the last to leave one that was succeeded closes it."""
        term = self._term
        term.at_work += 1
        try:
            yield term.house
        finally:
            term.at_work -= 1
            if term is not self._term and not term.at_work:
                await close(term.house)

    async def succeed(self, house: House) -> None:
        """Put a house in force. The one before is closed once its last piece of work has ended."""
        before, self._term = self._term, _Term(house)
        before.ends.set()
        if not before.at_work:
            await close(before.house)


async def close(house: House) -> None:
    """Let go of what a house holds by itself: the connections of its channels, its heartbeats and its traces."""
    for notifier in house.notifiers.values():
        await notifier.close()
    await asyncio.to_thread(house.heartbeats.close)
    await asyncio.to_thread(house.traces.close)


async def reload(live: Live, reread: Reread = rebuilt) -> bool:
    """Read all files again. Whether there is a new house in force; where there is none, it is said and the data owner
    is told."""
    before = live.house
    try:
        house = await asyncio.to_thread(reread, before)
    except Exception as fault:  # noqa: BLE001 - whatever is wrong with the new ones, the old ones are at work
        ours = isinstance(fault, InputError)
        why = str(fault) if ours else f"alertd itself failed ({type(fault).__name__}): please report it"
        before.log.error("reload_refused", why=why, next="alertd goes on by what it had; alertd check says more")
        try:
            await asyncio.to_thread(_tell_of_refused, before, why)
        except DBAPIError as fault:
            before.log.error("reload_not_told", kind=type(fault).__name__)
        return False
    if live.ends.is_set():
        return False  # told to stop meanwhile
    await live.succeed(house)
    house.log.info("reloaded", rules=len(house.rulebook.enabled))
    return True
