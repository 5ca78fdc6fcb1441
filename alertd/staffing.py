"""The people of the settings: who there is, in which team, at which agency, and of whom somebody must not hear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from alertd.cases.sources.ssd_staff import StaffRows, read_staff
from alertd.errors import InputError, did_you_mean
from alertd.people.agencies import Agencies
from alertd.people.directory import Directory
from alertd.people.load import load_directory
from alertd.people.load_agencies import load_agencies
from alertd.people.load_restrictions import load_restrictions
from alertd.people.staff import FeedStaff, Staff, Watched
from alertd.rulebook.model import Rulebook
from alertd.settings import Settings

T = TypeVar("T")


def directory_of(settings: Settings, rulebook: Rulebook) -> Directory:
    """The whole directory the settings name, as it is now. Raises InputError for any part that cannot be used."""
    reader = staff_reader_of(settings)
    directory = people_of(settings, rulebook, reader() if reader else None)
    people = settings.people
    return replace(
        directory,
        restrictions=load_restrictions(people.restrictions) if people.restrictions else {},
        agencies=agencies_of(settings),
    )


def staff_of(settings: Settings, rulebook: Rulebook, clock: Callable[[], datetime]) -> Staff:
    """The directory the settings name, read again as it changes. Raises InputError where a file cannot be used;
    a feed that cannot is told of."""
    people, reader = settings.people, staff_reader_of(settings)
    feed = FeedStaff(reader, clock) if reader else None
    return Staff(
        (people.people, people.teams),
        lambda: people_of(settings, rulebook, feed.value if feed else None),
        restrictions=_watched(people.restrictions, load_restrictions),
        agencies=_watched(people.agencies, lambda _: agencies_of(settings)),
        feed=feed,
    )


def _watched(file: Path | None, read: Callable[[Path], T]) -> Watched[T] | None:
    return Watched((file,), lambda: read(file)) if file else None


def agencies_of(settings: Settings) -> Agencies:
    """The agencies the settings name; none where they name no file of them."""
    people, code = settings.people, settings.authority.code
    if people.agencies is None:
        return Agencies(authority=code)
    return load_agencies(people.agencies, allowed_domains=people.agency_domains, authority=code)


def staff_reader_of(settings: Settings) -> Callable[[], StaffRows] | None:
    """What reads the staff of the feed that ``[people] from_feed`` names; None where it names none."""
    wanted = settings.people.from_feed
    if wanted is None:
        return None
    feed = next((feed for feed in settings.feed if feed.name == wanted), None)
    where = settings.place("people.from_feed")
    if feed is None:
        names = [feed.name for feed in settings.feed]
        fix = did_you_mean(wanted, names) or f"Feeds are {', '.join(names)}"
        raise InputError(f"there is no feed {wanted!r}", where=where, fix=fix)
    if feed.kind != "ssd":
        raise InputError(f"the feed {wanted!r} holds no staff", where=where, fix="Name a feed of kind ssd")
    return partial(read_staff, feed.url, schema=feed.schema_, prefix=feed.prefix)


def people_of(settings: Settings, rulebook: Rulebook, feed: StaffRows | None) -> Directory:
    """The people and teams. A role of any ladder may be held."""
    people = settings.people
    books = (rulebook, *rulebook.teams.values())
    roles = {role for book in books for ladder in book.ladders.values() for step in ladder.steps for role in step.tell}
    with settings.placed("people.people"):
        directory = load_directory(
            people.people,
            people.teams,
            allowed_domains=people.allowed_domains,
            duty=people.duty,
            duty_fallback=people.duty_fallback,
            other_roles=roles,
            feed=feed,
        )
    if feed is not None and not feed.was_read:
        return directory
    for team in rulebook.teams:
        if team not in directory.teams:
            fix = did_you_mean(team, directory.teams) or f"Teams are in {people.teams}"
            where = settings.place("rules.overlays")
            raise InputError(f"an overlay names the team {team!r}, and there is none", where=where, fix=fix)
    return directory
