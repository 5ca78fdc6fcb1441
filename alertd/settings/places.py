"""Where in the settings file a key stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from alertd.settings import given

_HEADING = re.compile(r"\s*(\[\[?)([^\]]+)\]")
_KEY = re.compile(r'\s*((?:"[^"]*"|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|[\w-]+))*)\s*=')


def place(path: Path, text: str, keys: Sequence[str]) -> str:
    """Where a setting was given: its name in the environment, else its line in the file."""
    while len(keys) > 1 and keys[-1].isdigit():  # a place in a list
        keys = keys[:-1]
    return given.place(list(keys)) or f"{path}:{line_of(text, keys)}: {'.'.join(keys)}"


def line_of(text: str, keys: Sequence[str]) -> int:
    """The line of a key in a TOML text: its own, else that of the nearest section that it would be in, else the
    first."""
    wanted, best, line = f"{'.'.join(keys)}.", "", 1
    for number, name in _names(text):
        if wanted.startswith(f"{name}.") and len(name) > len(best):
            best, line = name, number
    return line


def _names(text: str) -> Iterator[tuple[int, str]]:
    """Each dotted name of a section or key, with its line. Of the sections of a list each has its number."""
    section, nth = "", -1
    for number, written in enumerate(text.splitlines(), 1):
        if heading := _HEADING.match(written):
            section = _plain(heading[2])
            if heading[1] == "[[":
                yield number, section
                nth += 1
                section = f"{section}.{nth}"
            yield number, section
        elif key := _KEY.match(written):
            yield number, ".".join(filter(None, (section, _plain(key[1]))))


def _plain(written: str) -> str:
    return re.sub(r'"|\s', "", written)
