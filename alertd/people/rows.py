"""The rows of a CSV file of the directory. Strict, because a mistyped line here sends a child's timescale to the
wrong person: every error names file, line and column, and nothing is half-read."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Final

from alertd.addresses import is_address
from alertd.errors import InputError, did_you_mean
from alertd.people.agencies import EMAIL
from alertd.people.directory import Route

_LONGEST_ADDRESS: Final = 320
_HOURS: Final = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")


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
            fix=f"Use one of {', '.join(allowed)}, or add the domain to the allowed ones.{suggested(domain, allowed)}"
            if allowed
            else "No domain is allowed: name those that are in the settings.",
        )
    return address


def read_route(written: str, allowed_domains: Collection[str], where: str) -> Route | None:
    """A channel and an address there, written ``channel:address``; None for blank. Raises :class:`InputError` for
    anything else, and for e-mail to a domain that is not allowed. What is an address of another channel, that
    channel knows: :func:`check_channel_address`."""
    if not written:
        return None
    channel, _, address = (part.strip() for part in written.partition(":"))
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", channel) or not address:
        fix = "Write the channel's name, a colon and the address there, as govuk_notify:07700 900123."
        raise InputError("is no channel with an address", where=where, fix=fix)
    check_channel_address(channel, address, allowed_domains, where)
    return Route(channel, address)


def check_channel_address(channel: str, address: str, allowed_domains: Collection[str], where: str) -> None:
    """Refuse what cannot be an address: of e-mail, one of no allowed domain; of other channels, what could not be
    kept. Whether the channel itself takes it, it says when it writes: ``alertd people check`` asks it."""
    if channel == EMAIL:
        check_address(address, allowed_domains, where)
    elif len(address) > _LONGEST_ADDRESS or not address.isprintable():
        what = f"is no address of a channel: it is longer than {_LONGEST_ADDRESS} characters or holds others than text"
        raise InputError(what, where=where, fix="Correct it.")


def suggested(value: str, known: Iterable[str]) -> str:
    """`` Did you mean …?``, to stand after a sentence; blank where nothing is close."""
    return f" {did_you_mean(value, known) or ''}".rstrip()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file, with its place for errors. A column that the file does not have is blank."""

    file: str
    line: int
    cells: dict[str, str]

    def at(self, column: str) -> str:
        """Its place: ``file:line: column``."""
        return f"{self.file}:{self.line}: column {column}"

    def need(self, column: str) -> str:
        """The cell, which must not be blank."""
        if not self.cells[column]:
            raise InputError(f"{column} is blank", where=self.at(column), fix="Fill it in.")
        return self.cells[column]

    def known(self, column: str, known: Collection[str] | None, what: str) -> str | None:
        """The cell, if it names something in ``known`` (None: anything); None when blank."""
        value = self.cells[column]
        if value and known is not None:
            self._check_known(column, value, known, what)
        return value or None

    def several(self, column: str, known: Collection[str] | None, what: str) -> tuple[str, ...]:
        """The words of the cell, each once, each naming something in ``known`` (None: anything)."""
        words = tuple(dict.fromkeys(self.cells[column].split()))
        for word in words if known is not None else ():
            self._check_known(column, word, known or (), what)
        return words

    def _check_known(self, column: str, value: str, known: Collection[str], what: str) -> None:
        if value not in known:
            fix = f"Correct it.{suggested(value, known)}"
            raise InputError(f"there is no {what} {value!r}", where=self.at(column), fix=fix)

    def day(self, column: str) -> date | None:
        """The cell as a day; None when blank."""
        value = self.cells[column]
        return self._day(value, column) if value else None

    def days(self, column: str) -> frozenset[date]:
        """The days of the cell, parted by spaces."""
        return frozenset(self._day(word, column) for word in self.cells[column].split())

    def hours(self, column: str) -> tuple[time, time] | None:
        """The cell as working hours, from and to; None when blank."""
        value = self.cells[column]
        if not value:
            return None
        try:
            found = _HOURS.fullmatch(value)
            first, last = (time.fromisoformat(part) for part in found.groups()) if found else (time(), time())
        except ValueError:
            first = last = time()
        if first >= last:
            raise InputError("are no working hours", where=self.at(column), fix="Write them as 08:30-17:00.")
        return first, last

    def _day(self, value: str, column: str) -> date:
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise InputError("is not a date", where=self.at(column), fix="Write it as 2026-11-26.") from None


def read_rows(path: Path, columns: tuple[str, ...], more: tuple[str, ...] = ()) -> Iterator[Row]:
    """Every line that is not blank. ``columns`` must be there, those in ``more`` may be."""
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
        _check_header(header, columns, more, path)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _row(path, reader.line_num, header, cells, more)
    except csv.Error as error:
        raise InputError(
            f"is not readable as CSV ({error})", where=f"{path}:{reader.line_num}", fix="Check its quotes."
        ) from None


def by_id(rows: Iterable[Row], column: str = "id") -> dict[str, Row]:
    """The rows by their id, which no two may share."""
    found: dict[str, Row] = {}
    for row in rows:
        key = row.need(column)
        if key in found:
            raise InputError(
                f"{column} {key!r} is already on line {found[key].line}",
                where=row.at(column),
                fix=f"Give every line its own {column}.",
            )
        found[key] = row
    return found


def _check_header(header: list[str], columns: tuple[str, ...], more: tuple[str, ...], path: Path) -> None:
    known = (*columns, *more)
    for name in header:
        if name not in known or header.count(name) > 1:
            what = f"there is no column {name!r}" if name not in known else f"column {name!r} is there twice"
            raise InputError(what, where=f"{path}:1", fix=f"The columns are {','.join(known)}.{suggested(name, known)}")
    missing = [name for name in columns if name not in header]
    if missing:
        raise InputError(
            f"column {missing[0]!r} is missing", where=f"{path}:1", fix=f"The columns are {','.join(known)}."
        )


def _row(path: Path, line: int, header: list[str], cells: list[str], more: tuple[str, ...]) -> Row:
    if len(cells) != len(header):
        raise InputError(
            f"has {len(cells)} cells where the header has {len(header)}",
            where=f"{path}:{line}",
            fix="Check its commas and quotes.",
        )
    there = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    row = Row(str(path), line, dict.fromkeys(more, "") | there)
    for name, cell in row.cells.items():
        if not cell.isprintable():
            raise InputError("holds a control character", where=row.at(name), fix="Remove line breaks and tabs.")
    return row
