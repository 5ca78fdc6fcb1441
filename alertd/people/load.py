"""The directory of ``people.csv`` and ``teams.csv``, with the feed's own staff under them where one is named."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

from alertd.cases.sources.ssd_staff import StaffRows
from alertd.errors import InputError
from alertd.people.agencies import EMAIL
from alertd.people.directory import LINE, ROLES, Directory, Language, Person, Route, Team
from alertd.people.rows import Row, by_id, check_address, read_route, read_rows
from alertd.people.staff import Staff

__all__ = ["PEOPLE_COLUMNS", "PEOPLE_MORE", "TEAM_COLUMNS", "TEAM_MORE", "Staff", "load_directory"]

PEOPLE_COLUMNS: Final = ("id", "name", "email", "role", "team", "deputy", "away_from", "away_to", "leaves")
PEOPLE_MORE: Final = ("also", "language", "not_told_of", "fallback")
"""Columns that may be there: further roles and children not to be told of, parted by spaces; en or cy; the channel
and address that stand in where e-mail fails."""
TEAM_COLUMNS: Final = ("id", "name", "parent", "inbox")
TEAM_MORE: Final = ("hours", "closed", "fallback")
"""Columns that may be there: 08:30-17:00; days off beside bank holidays, parted by spaces; what stands in where the
inbox fails."""
_LANGUAGES: Final[Mapping[str, Language]] = {"": "en", "en": "en", "cy": "cy"}


def load_directory(
    people: Path,
    teams: Path,
    *,
    allowed_domains: Collection[str],
    duty: str,
    other_roles: Collection[str] = (),
    feed: StaffRows | None = None,
    duty_fallback: str = "",
) -> Directory:
    """The directory of both files, wholly checked.

    ``allowed_domains`` are the only mail domains staff may be reached at; ``duty`` is the address
    for whatever nobody holds, and ``duty_fallback`` what stands in for it; ``other_roles`` are roles
    of the authority's own ladders beyond :data:`~alertd.people.directory.ROLES`. Where there is a
    ``feed``, its professionals and departments are there too, and a row of a file with the same id
    says what the feed does not: its name, role or team may be blank. Raises :class:`InputError` at
    the first fault.
    """
    check_address(duty, allowed_domains, "duty address")
    stands_in = _fallback(duty_fallback, duty, allowed_domains, "people.duty_fallback")
    team_rows = by_id(read_rows(teams, TEAM_COLUMNS, TEAM_MORE))
    all_teams = _teams(team_rows, allowed_domains, feed)
    people_rows = by_id(read_rows(people, PEOPLE_COLUMNS, PEOPLE_MORE))
    # Until the feed has been read, whom it knows is not known.
    anybody = feed is not None and not feed.was_read
    known_people = None if anybody else {*people_rows, *(feed.professionals if feed else ())}
    known_teams = None if anybody else all_teams
    reader = _PersonReader(known_people, known_teams, ROLES | set(other_roles), allowed_domains, feed)
    all_people = {key: reader.person(row) for key, row in people_rows.items()}
    _refuse_shared_addresses(people_rows.values())
    if feed:
        for id_, one in feed.professionals.items():
            if id_ not in all_people:
                all_people[id_] = Person(id_, one.name or id_, "", "worker", feed.team_of(id_))
    return Directory(all_people, all_teams, duty, duty_fallback=stands_in)


def _fallback(written: str, address: str, allowed_domains: Collection[str], where: str) -> Route | None:
    found = read_route(written, allowed_domains, where)
    if found and found.channel == EMAIL and found.address.lower() == address.lower():
        raise InputError("stands in for itself", where=where, fix="Name another channel or address, or none.")
    return found


def _teams(rows: Mapping[str, Row], allowed_domains: Collection[str], feed: StaffRows | None) -> dict[str, Team]:
    found = _teams_of_feed(feed) if feed else {}
    known = None if feed and not feed.was_read else {*rows, *found}
    for key, row in rows.items():
        of_feed = found.get(key)
        inbox = row.cells["inbox"]
        if inbox:
            check_address(inbox, allowed_domains, row.at("inbox"))
        found[key] = Team(
            key,
            row.cells["name"] or (of_feed.name if of_feed else "") or (row.need("name") if feed is None else key),
            row.known("parent", known, "team") or (of_feed.parent if of_feed else None),
            inbox or None,
            row.hours("hours"),
            row.days("closed"),
            _fallback(row.cells["fallback"], inbox, allowed_domains, row.at("fallback")),
        )
    for key, row in rows.items():
        _refuse_loop(key, found, row)
    return found


def _teams_of_feed(feed: StaffRows) -> dict[str, Team]:
    """The feed's departments. One that would be above itself stands alone: a circle leads to nobody."""
    found: dict[str, Team] = {}
    for id_, one in sorted(feed.departments.items()):
        above, seen = one.parent, {id_}
        while above is not None and above in feed.departments and above not in seen:
            seen.add(above)
            above = feed.departments[above].parent
        parent = one.parent if one.parent in feed.departments and above != id_ else None
        found[id_] = Team(id_, one.name or id_, parent)
    return found


def _refuse_loop(key: str, teams: Mapping[str, Team], row: Row) -> None:
    seen = [key]
    while (team := teams.get(seen[-1])) is not None and (parent := team.parent) is not None:
        if parent == key:
            raise InputError(
                f"the teams go round in a circle: {' > '.join([*seen, key])}",
                where=row.at("parent"),
                fix="Leave parent blank for the topmost.",
            )
        if parent in seen:
            return  # a circle further up, reported on a line that is part of it
        seen.append(parent)


class _PersonReader:
    """Makes people of rows, checked against what there is; None: anything may be."""

    def __init__(
        self,
        people: Collection[str] | None,
        teams: Collection[str] | None,
        roles: Collection[str],
        allowed_domains: Collection[str],
        feed: StaffRows | None,
    ) -> None:
        self._people, self._teams, self._roles, self._domains, self._feed = people, teams, roles, allowed_domains, feed

    def person(self, row: Row) -> Person:
        """The person of a row. Raises :class:`InputError` at its first fault."""
        key = row.need("id")
        of_feed = self._feed.professionals.get(key) if self._feed else None
        name = row.cells["name"] or (of_feed.name if of_feed else "") or (key if self._feed else row.need("name"))
        role = row.known("role", self._roles, "role") or ("worker" if self._feed else row.need("role"))
        also = tuple(one for one in row.several("also", self._roles, "role") if one != role)
        team = row.known("team", self._teams, "team") or (self._feed.team_of(key) if self._feed else None)
        deputy = row.known("deputy", self._people, "person")
        runs = next((one for one in (role, *also) if one in LINE and one != "director"), None)
        if team is None and runs and (self._feed is None or self._feed.was_read):
            raise InputError(f"a {runs} needs a team", where=row.at("team"), fix="Name the team or service they run.")
        if deputy == key:
            raise InputError("a person cannot be their own deputy", where=row.at("deputy"), fix="Name somebody else.")
        away_from, away_to = row.day("away_from"), row.day("away_to")
        if away_to and (away_from is None or away_to < away_from):
            raise InputError(
                "away_to needs an away_from that is not later", where=row.at("away_to"), fix="Correct the two dates."
            )
        address = row.cells["email"]
        if address:
            check_address(address, self._domains, row.at("email"))
        language = _LANGUAGES.get(row.cells["language"])
        if language is None:
            raise InputError("is no language to write in", where=row.at("language"), fix="Write en or cy.")
        not_told_of = frozenset(row.several("not_told_of", None, "child"))
        fallback = _fallback(row.cells["fallback"], address, self._domains, row.at("fallback"))
        return Person(
            key, name, address, role, team, deputy, away_from, away_to, row.day("leaves"), also, language, not_told_of,
            fallback,
        )  # fmt: skip


def _refuse_shared_addresses(rows: Iterable[Row]) -> None:
    """One address for two names is a slip that would send one person's children to the other."""
    seen: dict[str, Row] = {}
    for row in (row for row in rows if row.cells["email"]):
        first = seen.setdefault(row.cells["email"].lower(), row)
        if first.cells["name"] != row.cells["name"]:
            raise InputError(
                f"line {first.line} has the same address for somebody of another name",
                where=row.at("email"),
                fix="Give each person their own.",
            )
