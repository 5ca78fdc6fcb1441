"""Files that are there whole or not at all, and that nobody but alertd's user may read."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from typing import Final

PART: Final = ".alertd-part-"
"""How the name of a file begins that is not whole yet."""


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file of any size."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def draft(folder: Path) -> Path:
    """A new file that nobody but alertd's user may read, to become another when it is whole."""
    handle, name = mkstemp(prefix=PART, dir=folder)
    os.close(handle)
    return Path(name)


def settle(part: Path, name: Path) -> None:
    """Give a file that is whole its name, with both on the disk when this returns."""
    _to_disk(part)
    part.replace(name)
    _to_disk(part.parent)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def discard(part: Path) -> None:
    """Remove a file that did not become whole, and what SQLite wrote beside it."""
    for path in (part, *(part.with_name(part.name + end) for end in ("-journal", "-wal", "-shm"))):
        with suppress(FileNotFoundError):
            path.unlink()
