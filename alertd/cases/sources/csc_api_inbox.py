"""The folder in which payloads of the CSC API are kept until they are read, and how old ones are folded.

Payload files are laid over one another in the order of their names; one that was delivered to alertd is named
after the moment of its arrival. ``state.jsonl`` holds what older files said together: a head, then a child a line.
Its head names the files last folded into it, with their digests, and one of these is passed over until it is gone:
a crash at any point of folding loses nothing and counts nothing twice.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson

from alertd.cases.reading import Progress, digest_of
from alertd.cases.sources.csc_api_state import Cleaning, Element, Fault, clean, merged
from alertd.errors import InputError

STATE: Final = "state.jsonl"
LARGEST: Final = 64 * 1024 * 1024
"""Bytes of one file; 30,000 children in one file are about half of it. Our own choice."""
HEAVIEST: Final = 280_000_000
"""Bytes of memory, by a rough estimate, that the content of one file may take up. Our own choice."""
MOST_CHILDREN: Final = 200_000
"""Children of one file: several times those of England's largest authority in six years. Our own choice."""
MANY: Final = 10_000
"""Elements of one file that cannot be used after which it is refused. Our own choice."""
_SUFFIX: Final = ".json"
_ARRIVED: Final = re.compile(r"(\d{8}T\d{12})Z-[0-9a-f-]{36}\.json")
_PART: Final = re.compile(r"\.[\w.-]+\.part")
_BOM: Final = b"\xef\xbb\xbf"
_AGAIN: Final = "Export it again, as the JSON text the API is sent, in UTF-8"


class NotAPayloadError(Exception):
    """Bytes that are no payload at all. Says why and at which line, and never what they hold."""

    def __init__(self, why: str, line: int | None = None) -> None:
        super().__init__(why)
        self.why, self.line = why, line


def parse(raw: bytes) -> list[object]:
    """The child elements of a payload, each of them not looked at yet. Raises NotAPayloadError.

    Refused is what two programs may read in two ways: NaN, a field given twice, text that is not UTF-8, more
    nesting than 1,024 levels, and numbers beyond what a computer holds.
    """
    raw = raw.removeprefix(_BOM)
    # What each list, object and value costs in Python. A file made to fill the memory is refused before it does.
    if 230 * (raw.count(b"{") + raw.count(b"[")) + 70 * raw.count(b",") > HEAVIEST:
        raise NotAPayloadError("holds too many values to be read at once")
    with contextlib.suppress(ValueError, RecursionError):  # what is no JSON, orjson says better
        json.loads(raw, object_pairs_hook=_no_double)
    try:
        payload = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise NotAPayloadError(f"is not JSON ({error.msg})", error.lineno) from None
    if not isinstance(payload, list):
        raise NotAPayloadError("is not a list of children")
    if len(payload) > MOST_CHILDREN:
        raise NotAPayloadError(f"holds more than {MOST_CHILDREN:,} children, as no authority has")
    return payload


def _no_double(pairs: list[tuple[str, object]]) -> None:
    """Builds nothing: it only looks for a field given twice, of which orjson takes the last without a word."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise NotAPayloadError("gives a field twice in one object")


@dataclass(slots=True)
class Inbox:
    """What the payloads say together.

    ``children`` holds each child's element as JSON bytes, which take a tenth of the memory. ``faults`` are
    (file, fault) of elements that cannot be used; ``received`` is when the latest delivery came in, None where no
    file name tells.
    """

    children: dict[str, bytes] = field(default_factory=dict)
    faults: list[tuple[str, Fault]] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    received: datetime | None = None
    files: int = 0
    statements: int = 0
    purged: int = 0
    strangers: tuple[str, ...] = ()

    def lay_over(self, name: str, elements: list[object]) -> None:
        """Take in the payload of one file; each of ``elements`` is let go of as soon as it is taken in."""
        cleaning = Cleaning()
        for number, element in enumerate(elements):
            elements[number] = None
            statement = clean(element, f"[{number}]", cleaning)
            if statement is not None:
                self._take(statement)
            if len(cleaning.faults) > MANY:  # of no use: its end need not be waited for
                fault = cleaning.faults[0]
                what = f"more than {MANY:,} of its elements cannot be used; the first {fault.why}"
                raise InputError(what, where=f"{name}:{fault.at}", fix=_AGAIN)
        self.faults += ((name, fault) for fault in cleaning.faults)
        self.unknown |= cleaning.unknown
        self.files += 1
        when = arrived(name)
        if when and (self.received is None or when > self.received):
            self.received = when

    def _take(self, statement: Element) -> None:
        child = statement["la_child_id"]
        self.statements += 1
        before = self.children.get(child)
        after = merged(orjson.loads(before) if before else None, statement)
        if after is not None:
            self.children[child] = orjson.dumps(after, option=orjson.OPT_SORT_KEYS)
        elif before:
            del self.children[child]
            self.purged += 1


def arrived(name: str) -> datetime | None:
    """When a payload came in, by the name of its file."""
    found = _ARRIVED.fullmatch(name)
    try:
        return datetime.strptime(found[1], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def read_inbox(path: Path, progress: Progress | None = None) -> Inbox:
    """One payload file, or the payloads of a folder in the order of their names, laid over one another.

    ``progress`` hears each file's name and the children so far. Raises InputError for a place or a file that
    cannot be used.
    """
    if not path.exists():
        raise InputError("there is no such file or folder", where=str(path), fix="Check the path to the payloads")
    if path.is_file():
        inbox = Inbox()
        inbox.lay_over(path.name, _parsed(path.name, _raw(path)))
        if progress:
            progress(path.name, len(inbox.children))
        return inbox
    for _ in range(3):  # files go while they are listed and read: they have been folded meanwhile
        with contextlib.suppress(FileNotFoundError):
            return _folder(path, progress)
    raise InputError("changes while it is read", where=str(path), fix="Read again when deliveries have ended")


def _folder(folder: Path, progress: Progress | None) -> Inbox:
    names, strangers = _listed(folder)
    inbox, folded = _state(folder / STATE)
    inbox.strangers = strangers
    for name in names:
        raw = _raw(folder / name)
        if folded.get(name) == _digest(raw):
            continue
        inbox.lay_over(name, _parsed(name, raw))
        if progress:
            progress(name, len(inbox.children))
    if not inbox.files:
        raise InputError(
            "holds no payload yet", where=str(folder), fix="Let the case system deliver, or put payload files there"
        )
    return inbox


def _listed(folder: Path) -> tuple[list[str], tuple[str, ...]]:
    """The payload files in order, and the names of files that are none."""
    try:
        found = sorted(p.name for p in folder.iterdir() if not p.name.startswith(".") and p.is_file())
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(folder)) from None
    payloads = [name for name in found if name.lower().endswith(_SUFFIX)]
    return payloads, tuple(name for name in found if name not in payloads and name != STATE)


def _raw(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            raw = opened.read(LARGEST + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=file.name) from None
    if len(raw) > LARGEST:
        raise InputError(f"is larger than {LARGEST >> 20} MB", where=file.name, fix="Split it: a payload is a list")
    return raw


def _digest(raw: bytes) -> str:
    return digest_of(raw).hex()


def _parsed(name: str, raw: bytes) -> list[object]:
    try:
        return parse(raw)
    except NotAPayloadError as error:
        where = f"{name}:{error.line}" if error.line else name
        raise InputError(error.why, where=where, fix=_AGAIN) from None


def _state(file: Path) -> tuple[Inbox, dict[str, str]]:
    """What older files said together; and the names of those last folded into it, with the digest of each."""
    inbox = Inbox()
    try:
        opened = file.open("rb")
    except FileNotFoundError:
        return inbox, {}
    with opened:
        try:
            head: dict[str, Any] = orjson.loads(opened.readline())
            for line in opened:
                child = line.rstrip(b"\n")
                inbox.children[orjson.loads(child)["la_child_id"]] = child
            inbox.files, inbox.received = head["files"], _moment(head["received"])
            folded, whole = dict(head["folded"]), len(inbox.children) == head["children"]
        except (ValueError, KeyError, TypeError):
            whole = False
    if not whole:
        raise InputError("is damaged", where=str(file), fix="Remove it, and have every child delivered again")
    return inbox, folded


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def deliver(inbox: Path, statements: list[Element], now: datetime, token: UUID) -> str:
    """Write clean statements to a file of the inbox and give its name. When this returns, they are on disk.

    The file's moment is later than that of any other there, also where the clock was set back meanwhile. Of
    several at once the last would win by chance: the caller sees to it that there is one at a time.
    """
    names, _ = _listed(inbox)
    before = [when for when in (_folded_until(inbox / STATE), *map(arrived, names)) if when]
    now = max([now.astimezone(UTC), *(when + timedelta(microseconds=1) for when in before)])
    name = f"{now:%Y%m%dT%H%M%S%f}Z-{token}{_SUFFIX}"
    _write(inbox, name, lambda: iter([orjson.dumps(statements)]))
    return name


def _folded_until(state: Path) -> datetime | None:
    """When the latest of what is folded came in. A damaged state file is for readers to speak of: it must not
    keep a delivery out."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError), state.open("rb") as opened:
        return _moment(orjson.loads(opened.readline())["received"])
    return None


def _write(folder: Path, name: str, content: Callable[[], Iterator[bytes]]) -> None:
    """Put a file in its place whole or not at all, readable by nobody else."""
    part = folder / f".{name}.part"
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as opened:
        opened.writelines(content())
        opened.flush()
        os.fsync(opened.fileno())
    part.replace(folder / name)
    _sync(folder)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def fold(folder: Path) -> int:
    """Fold the payload files of a folder into its state file; how many. Only those of which all can be used.

    A file that holds an element which cannot be used stays, with those after it, until somebody has looked: once
    folded it could no longer be told about. Raises InputError as reading does. Nothing may be delivered
    meanwhile; readers need not wait.
    """
    names, _ = _listed(folder)
    inbox, folded = _state(folder / STATE)
    gone: dict[str, str] = {}
    new = 0
    for name in names:
        raw = _raw(folder / name)
        digest = _digest(raw)
        if folded.get(name) != digest:
            elements = _parsed(name, raw)
            if not _all_usable(elements):
                break
            inbox.lay_over(name, elements)
            new += 1
        gone[name] = digest
    if new:
        _write(folder, STATE, lambda: _lines(inbox, gone))
    for name in gone:
        (folder / name).unlink()
    return new


def _all_usable(elements: list[object]) -> bool:
    cleaning = Cleaning()
    for element in elements:
        clean(element, "", cleaning)
    return not cleaning.faults


def _lines(inbox: Inbox, gone: dict[str, str]) -> Iterator[bytes]:
    received = inbox.received.isoformat() if inbox.received else None
    head = {"children": len(inbox.children), "files": inbox.files, "folded": gone, "received": received}
    yield orjson.dumps(head, option=orjson.OPT_APPEND_NEWLINE)
    for child in inbox.children.values():
        yield child
        yield b"\n"


def waiting(folder: Path) -> int:
    """How many payload files are in a folder."""
    return len(_listed(folder)[0])


def tidy(folder: Path) -> None:
    """Remove what a crash left half written. Nothing may be delivered meanwhile."""
    for path in folder.iterdir():
        if _PART.fullmatch(path.name):
            path.unlink()
