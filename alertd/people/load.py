"""Reads ``people.csv`` and ``teams.csv``. Strict, because a mistyped line here sends a child's
timescale to the wrong person: every error names file, line and column, and nothing is half-read."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from alertd.errors import InputError, did_you_mean
from alertd.people.directory import LINE, ROLES, Directory, Person, Team

PEOPLE_COLUMNS: Final = ("id", "name", "email", "role", "team", "deputy", "away_from", "away_to", "leaves")
TEAM_COLUMNS: Final = ("id", "name", "parent", "inbox")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9_+'-]+(\.[A-Za-z0-9_+'-]+)*@([A-Za-z0-9-]+\.)+[A-Za-z]{2,}")


def load_directory(
    people: Path,
    teams: Path,
    *,
    allowed_domains: Collection[str],
    duty: str,
    other_roles: Collection[str] = (),
) -> Directory:
    """The directory of both files, wholly checked.

    ``allowed_domains`` are the only mail domains staff may be reached at; ``duty`` is the address
    for whatever nobody holds; ``other_roles`` are roles of the authority's own ladders beyond
    :data:`~alertd.people.directory.ROLES`. Raises :class:`InputError` at the first fault.
    """
    check_address(duty, allowed_domains, "duty address")
    team_rows: dict[str, _Row] = {}
    for row in _rows(teams, TEAM_COLUMNS):
        _put(team_rows, row)
    all_teams = {key: _team(row, team_rows, allowed_domains) for key, row in team_rows.items()}
    for key, row in team_rows.items():
        _refuse_loop(key, all_teams, row)
    people_rows: dict[str, _Row] = {}
    for row in _rows(people, PEOPLE_COLUMNS):
        _put(people_rows, row)
    roles = ROLES | set(other_roles)
    all_people = {key: _person(row, people_rows, all_teams, roles, allowed_domains) for key, row in people_rows.items()}
    _refuse_shared_addresses(people_rows.values())
    return Directory(all_people, all_teams, duty)


def is_address(text: str) -> bool:
    """Whether the text is one plain e-mail address: no display name, no quoting, ASCII only."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


class Staff:
    """The staff files, read again whenever they change: whoever leaves is gone at the next message.

    While they cannot be used the last good reading stands, and ``fault`` says what is wrong.
    """

    def __init__(self, files: Sequence[Path], read: Callable[[], Directory]) -> None:
        """Reads at once. Raises :class:`InputError` when there is no good reading to stand on."""
        self._files, self._read = files, read
        self._seen = self._stamps()
        self.directory = read()
        self.fault = ""

    def refresh(self) -> Directory:
        """The directory as the files now are, or the last good one."""
        stamps = self._stamps()
        if stamps != self._seen:
            self._seen = stamps
            try:
                self.directory, self.fault = self._read(), ""
            except InputError as error:
                self.fault = str(error)
        return self.directory

    def _stamps(self) -> list[tuple[int, int] | None]:
        stats = [path.stat() if path.exists() else None for path in self._files]
        return [(s.st_mtime_ns, s.st_size) if s else None for s in stats]


def check_address(address: str, allowed_domains: Collection[str], where: str) -> str:
    """The address, if it is one and at an allowed domain; otherwise an :class:`InputError`."""
    if not is_address(address):
        raise InputError("is not an e-mail address", where=where, fix="Write one address, as name@domain.")
    domain = address.rpartition("@")[2].lower()
    allowed = sorted(d.lower() for d in allowed_domains)
    if domain not in allowed:
        raise InputError(
            f"{domain!r} is not an allowed mail domain",
            where=where,
            fix=f"Use one of {', '.join(allowed)}, or add the domain to the allowed ones.{_suggest(domain, allowed)}",
        )
    return address


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of a file, with its place for errors."""

    file: str
    line: int
    cells: dict[str, str]

    def at(self, column: str) -> str:
        return f"{self.file}:{self.line}: column {column}"

    def need(self, column: str) -> str:
        if not self.cells[column]:
            raise InputError(f"{column} is blank", where=self.at(column), fix="Fill it in.")
        return self.cells[column]

    def known(self, column: str, known: Collection[str], what: str) -> str | None:
        """The cell, if it names something in ``known``; None when blank."""
        value = self.cells[column]
        if value and value not in known:
            raise InputError(
                f"there is no {what} {value!r}", where=self.at(column), fix=f"Correct it.{_suggest(value, known)}"
            )
        return value or None

    def day(self, column: str) -> date | None:
        value = self.cells[column]
        try:
            return date.fromisoformat(value) if value else None
        except ValueError:
            raise InputError("is not a date", where=self.at(column), fix="Write it as 2026-11-26.") from None


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[_Row]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            "there is no such file", where=str(path), fix=f"Create it with the columns {','.join(columns)}."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({type(error).__name__})", where=str(path), fix="Save it as UTF-8.") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header, columns, path)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _row(path, reader.line_num, header, cells)
    except csv.Error as error:
        raise InputError(
            f"is not readable as CSV ({error})", where=f"{path}:{reader.line_num}", fix="Check its quotes."
        ) from None


def _check_header(header: list[str], columns: tuple[str, ...], path: Path) -> None:
    for name in header:
        if name not in columns or header.count(name) > 1:
            what = f"there is no column {name!r}" if name not in columns else f"column {name!r} is there twice"
            raise InputError(
                what, where=f"{path}:1", fix=f"The columns are {','.join(columns)}.{_suggest(name, columns)}"
            )
    missing = [name for name in columns if name not in header]
    if missing:
        raise InputError(
            f"column {missing[0]!r} is missing", where=f"{path}:1", fix=f"The columns are {','.join(columns)}."
        )


def _row(path: Path, line: int, header: list[str], cells: list[str]) -> _Row:
    if len(cells) != len(header):
        raise InputError(
            f"has {len(cells)} cells where the header has {len(header)}",
            where=f"{path}:{line}",
            fix="Check its commas and quotes.",
        )
    row = _Row(str(path), line, {name: cell.strip() for name, cell in zip(header, cells, strict=True)})
    for name, cell in row.cells.items():
        if not cell.isprintable():
            raise InputError("holds a control character", where=row.at(name), fix="Remove line breaks and tabs.")
    return row


def _put(rows: dict[str, _Row], row: _Row) -> None:
    key = row.need("id")
    if key in rows:
        raise InputError(
            f"id {key!r} is already on line {rows[key].line}", where=row.at("id"), fix="Give every line its own id."
        )
    rows[key] = row


def _team(row: _Row, known: Collection[str], allowed_domains: Collection[str]) -> Team:
    inbox = row.cells["inbox"]
    if inbox:
        check_address(inbox, allowed_domains, row.at("inbox"))
    return Team(row.need("id"), row.need("name"), row.known("parent", known, "team"), inbox or None)


def _refuse_loop(key: str, teams: dict[str, Team], row: _Row) -> None:
    seen = [key]
    while (parent := teams[seen[-1]].parent) is not None:
        if parent == key:
            raise InputError(
                f"the teams go round in a circle: {' > '.join([*seen, key])}",
                where=row.at("parent"),
                fix="Leave parent blank for the topmost.",
            )
        if parent in seen:
            return  # a circle further up, reported on a line that is part of it
        seen.append(parent)


def _person(
    row: _Row,
    people: Collection[str],
    teams: Collection[str],
    roles: Collection[str],
    allowed_domains: Collection[str],
) -> Person:
    key, role = row.need("id"), row.need("role")
    row.known("role", roles, "role")
    team, deputy = row.known("team", teams, "team"), row.known("deputy", people, "person")
    if team is None and role in LINE and role != "director":
        raise InputError(f"a {role} needs a team", where=row.at("team"), fix="Name the team or service they run.")
    if deputy == key:
        raise InputError("a person cannot be their own deputy", where=row.at("deputy"), fix="Name somebody else.")
    away_from, away_to = row.day("away_from"), row.day("away_to")
    if away_to and (away_from is None or away_to < away_from):
        raise InputError(
            "away_to needs an away_from that is not later", where=row.at("away_to"), fix="Correct the two dates."
        )
    address = check_address(row.need("email"), allowed_domains, row.at("email"))
    return Person(key, row.need("name"), address, role, team, deputy, away_from, away_to, row.day("leaves"))


def _refuse_shared_addresses(rows: Iterable[_Row]) -> None:
    """One address for two names is a slip that would send one person's children to the other."""
    seen: dict[str, _Row] = {}
    for row in rows:
        first = seen.setdefault(row.cells["email"].lower(), row)
        if first.cells["name"] != row.cells["name"]:
            raise InputError(
                f"line {first.line} has the same address for somebody of another name",
                where=row.at("email"),
                fix="Give each person their own.",
            )


def _suggest(value: str, known: Iterable[str]) -> str:
    return f" {did_you_mean(value, known) or ''}".rstrip()
