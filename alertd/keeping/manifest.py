"""What is said beside a backup: a backup without its manifest was never finished, and does not count."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from alertd.errors import InputError
from alertd.keeping.files import discard, draft, settle

SUFFIX: Final = ".json"

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
