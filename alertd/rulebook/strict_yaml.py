"""YAML 1.2 as rule writers may use it: plain values, each with its line, and nothing that surprises.

Refused, each with ``file:line``: anchors and aliases, tags, duplicate keys, more than one document,
and unquoted words that readers of YAML disagree on (``no``, ``010``, ``1.10``, ``12:30``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from alertd.errors import InputError, did_you_mean

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser, some ten times as fast, where PyYAML was built with it. Only its events are used: what a
plain value means is decided here."""

MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 20
_SHOWN: Final = 20
"""Names listed in one message."""
Loc = tuple[str | int, ...]

_AMBIGUOUS: Final = (
    (re.compile(r"(?i)y|n|yes|no|on|off"), "write true or false, or put it in quotes if the word itself is meant"),
    (re.compile(r"[-+]?0\d+"), "write the number without the leading zero, or put it in quotes if it is a code"),
    (re.compile(r"[-+]?\d+\.\d*0"), "put it in quotes: as a number its last 0 is lost"),
    (re.compile(r"\d+(:\d\d)+"), "put it in quotes: some readers take it for a number of minutes"),
)
_WORDS: Final[Mapping[str, object]] = {"": None, "~": None, "null": None, "true": True, "false": False}
_INT: Final = re.compile(r"[-+]?(0|[1-9]\d{0,17})")
_FLOAT: Final = re.compile(r"[-+]?(0|[1-9]\d*)?\.\d+")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, and the line on which each key and each item of a list stands."""

    path: Path
    value: object
    lines: Mapping[Loc, int]

    def at(self, loc: Loc) -> str:
        """``file:line: key.path`` of the nearest place to ``loc`` that the file has."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        place = f"{self.path}:{self.lines[loc]}"
        return f"{place}: {dotted(loc)}" if loc else place


def dotted(loc: Loc) -> str:
    """``("rules", 0, "clock")`` as ``rules[1].clock``; items are counted from 1, as people do."""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in loc)
    return text.removeprefix(".")


def suggest(name: str, known: Iterable[str], otherwise: str) -> str:
    """``Did you mean …?`` where one of ``known`` is close to ``name``, else ``otherwise`` and all of them."""
    names = sorted(known)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return did_you_mean(name, names) or f"{otherwise}: {', '.join(names[:_SHOWN]) or 'none'}{more}."


def read_yaml(path: Path) -> Document:
    """Read one file. Raises :class:`InputError` naming file and line for anything but plain YAML."""
    try:
        with path.open("rb") as file:  # a file without end must not be read to it
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path), fix="Check its path") from None
    if len(raw) > MAX_BYTES:
        raise InputError(f"is more than {MAX_BYTES} bytes", where=str(path), fix="Split it into several files.")
    return _parsed(path, raw)


@lru_cache(maxsize=256)
def _parsed(path: Path, raw: bytes) -> Document:
    """What the bytes say. Kept, for a pack and its cases are read more than once; nobody changes a document."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError("is not UTF-8 text", where=f"{path}:{line}", fix="Save the file as UTF-8.") from None
    reader = _Reader(path)
    try:
        return reader.document(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        what = " ".join(str(error.problem or error.context).split())
        raise InputError(
            f"this is not YAML: {what}", where=f"{path}:{line}", fix="Indent with spaces, and quote text with : or #."
        ) from None
    except yaml.YAMLError as error:
        line = raw.count(b"\n", 0, getattr(error, "position", 0)) + 1
        what = getattr(error, "reason", "it cannot be read")
        raise InputError(f"this is not YAML: {what}", where=f"{path}:{line}") from None


class _Reader:
    """Builds plain values from the parser's events, one event at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[Loc, int] = {(): 1}

    def document(self, events: Iterator[Event]) -> Document:
        documents, value, empty = 0, None, True
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._refuse(event, "a second document begins here", "Keep one document in a file.")
            elif isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent | AliasEvent):
                empty = False
                value = self._value(event, events, ())
        if empty or value is None:
            raise InputError(
                "is empty", where=f"{self.path}:1", fix="Write at least the keys every file of its kind has."
            )
        return Document(self.path, value, self.lines)

    def _value(self, event: Event, events: Iterator[Event], loc: Loc) -> object:
        self._plain_only(event)
        if len(loc) > MAX_DEPTH:
            raise self._refuse(event, f"this is nested more than {MAX_DEPTH} deep", "Nothing here needs that.")
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(events, loc)
        return self._mapping(events, loc)

    def _sequence(self, events: Iterator[Event], loc: Loc) -> list[object]:
        found: list[object] = []
        while not isinstance(event := next(events), SequenceEndEvent):
            here = (*loc, len(found))
            self.lines[here] = _line(event)
            found.append(self._value(event, events, here))
        return found

    def _mapping(self, events: Iterator[Event], loc: Loc) -> dict[str, object]:
        found: dict[str, object] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            self._plain_only(event)
            if not isinstance(event, ScalarEvent):
                raise self._refuse(event, "a key must be one word or line of text", "Write `key: value`.")
            key, here = event.value, (*loc, event.value)
            if key in found:
                raise self._refuse(
                    event, f"duplicate key {key!r}, first on line {self.lines[here]}", "Keep one of the two."
                )
            self.lines[here] = _line(event)
            found[key] = self._value(next(events), events, here)
        return found

    def _plain_only(self, event: Event) -> None:
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise self._refuse(
                event, "anchors (&) and aliases (*) are not allowed", "Write the value out, or quote it."
            )
        if getattr(event, "tag", None):
            raise self._refuse(event, "tags (!) are not allowed", "Write the plain value, or quote it.")

    def _scalar(self, event: ScalarEvent) -> object:
        text: str = event.value
        if event.style in ("'", '"', "|", ">"):
            return text
        try:
            return _plain(text)
        except _UnclearError as error:
            raise self._refuse(event, error.what, error.fix) from None

    def _refuse(self, event: Event, what: str, fix: str) -> InputError:
        return InputError(what, where=f"{self.path}:{_line(event)}", fix=fix)


class _UnclearError(Exception):
    def __init__(self, what: str, fix: str) -> None:
        self.what, self.fix = what, fix


@lru_cache(maxsize=4096)
def _plain(text: str) -> object:
    """What a word without quotes means."""
    for pattern, fix in _AMBIGUOUS:
        if pattern.fullmatch(text):
            raise _UnclearError(f"{text} without quotes does not mean the same to everyone", fix.capitalize())
    if text in _WORDS:
        return _WORDS[text]
    if _DAY.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise _UnclearError(f"{text} is not a day of the calendar", "Correct the day or the month.") from None
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def means_itself(text: str) -> bool:
    """Whether words without quotes are read as just these words."""
    try:
        return text.isprintable() and _plain(text) == text
    except _UnclearError:
        return False


def _line(event: Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
