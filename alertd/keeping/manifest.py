"""What is said beside a backup: a backup without its manifest was never finished, and does not count."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from tempfile import mkstemp
from typing import Any, Final, Literal

from alertd.errors import InputError

SUFFIX: Final = ".json"
PART: Final = ".alertd-part-"
"""How the name of a file begins that is not whole yet."""

Kind = Literal["sqlite", "postgresql"]
ENDINGS: Final[Mapping[Kind, str]] = {"sqlite": ".db", "postgresql": ".dump"}


@dataclass(frozen=True, slots=True)
class Manifest:
    """When a backup was made, by which version, of what, and how it was found to be whole.

    ``files`` are the settings and the files of rules as they were, by their SHA-256: they are kept elsewhere, and the
    settings may hold passwords, so no copy is made of them.
    """

    made: datetime
    alertd: str
    kind: Kind
    schema: str
    rows: dict[str, int]
    audit: dict[str, Any]
    bytes: int
    sha256: str
    verified: str
    files: dict[str, str]


def write(manifest: Manifest, backup: Path) -> None:
    """Write the manifest of a backup beside it, whole or not at all."""
    text = json.dumps({**asdict(manifest), "made": manifest.made.isoformat()}, indent=1, ensure_ascii=False)
    part = draft(backup.parent)
    try:
        part.write_text(text + "\n", "utf-8")
        settle(part, beside(backup))
    except OSError:
        discard(part)
        raise


def read(backup: Path) -> Manifest:
    """The manifest of a backup. Raises InputError where there is none that can be read."""
    file = beside(backup)
    try:
        found = json.loads(file.read_text("utf-8"))
        return Manifest(**{**found, "made": datetime.fromisoformat(found["made"])})
    except FileNotFoundError:
        fix = "Name a backup of alertd backup, with the manifest that was written beside it"
        raise InputError("there is no manifest beside this backup", where=str(backup), fix=fix) from None
    except OSError as error:
        raise InputError(f"the manifest cannot be read: {error.strerror}", where=str(file)) from None
    except (ValueError, KeyError, TypeError):
        raise InputError("the manifest is damaged", where=str(file), fix="Name another backup") from None


def beside(backup: Path) -> Path:
    """Where the manifest of a backup is."""
    return backup.with_name(backup.name + SUFFIX)


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
