"""What a place holds: which kind of feed it can be read as. Reads little, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from alertd.cases.kinds import KINDS
from alertd.cases.reading import Progress
from alertd.cases.records import Snapshot
from alertd.cases.sources.database import address_of, connected, shown_as, why_of
from alertd.cases.sources.readers import Place, read
from alertd.errors import InputError

_MARKS: Final = ("cin_episodes", "person")
"""Tables of the SSD, without the prefix an authority gives them."""
_BY_ENDING: Final[dict[str, tuple[str, ...]]] = {
    ".csv": ("ssda903", "annex_a", "csv"),
    ".xml": ("cin_census", "ssda903"),
    ".xlsx": ("annex_a",),
    ".xlsm": ("annex_a",),
    ".xls": ("annex_a",),
    ".json": ("csc_api",),
    ".jsonl": ("csc_api",),  # an inbox whose deliveries were folded into one
}
SQLITE: Final = b"SQLite format 3\0"


def recognise(text: str, as_of: datetime, progress: Progress | None = None) -> tuple[Place, Snapshot]:
    """The feed at an address, a file or a folder, and what is read of it.

    Raises InputError, saying what was tried, for a place that can be read as none.
    """
    path = Path(text)
    if "://" in text or _is_sqlite(path):
        place = _in_database(text)
        return place, read(place, as_of, progress)
    if not path.exists():
        raise InputError("there is no such file or folder", where=text, fix="Check the path; a database has an address")
    tried: list[str] = []
    for place in _places(path):
        try:
            return place, read(place, as_of, progress)
        except InputError as error:
            tried.append(f"as {place.kind}: {error}")
    if not tried:
        raise InputError("holds no file of a kind that is known", where=text, fix=f"Known: {', '.join(_BY_ENDING)}")
    raise InputError("cannot be read as any feed. " + "; ".join(tried), where=text)


def _is_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(SQLITE)) == SQLITE
    except OSError:
        return False


def _in_database(text: str) -> Place:
    """Where in a database the SSD is: the schema and the prefix that its tables have there."""
    address = address_of(text)
    shown = shown_as(address)
    with connected(address, shown) as connection:
        try:
            look = inspect(connection)
            default = look.default_schema_name
            for schema in sorted(look.get_schema_names(), key=lambda name: (name != default, name)):
                names = {n.lower(): n for n in (*look.get_table_names(schema), *look.get_view_names(schema))}
                for prefix in _prefixes(names):
                    own = None if schema == default or address.get_backend_name() == "sqlite" else schema
                    return Place(kind="ssd", url=text, schema=own, prefix=prefix)
        except (SQLAlchemyError, UnicodeDecodeError) as error:
            raise InputError(f"cannot be looked at: {why_of(error, address)}", where=shown) from None
    what = "holds no tables of the Standard Safeguarding Dataset, in no schema and under no prefix"
    raise InputError(what, where=shown, fix="Point `sql` at it, with a query of your own for each kind of record")


def _prefixes(names: dict[str, str]) -> Iterator[str]:
    mark, person = _MARKS
    for name in sorted(names):
        if name.endswith(mark) and f"{name.removesuffix(mark)}{person}" in names:
            yield names[name][: -len(mark)]


def _places(path: Path) -> Iterator[Place]:
    """As what a file or folder may be read, the likeliest first."""
    files = sorted(f for f in path.iterdir() if f.is_file()) if path.is_dir() else [path]
    kinds = dict.fromkeys(kind for file in files for kind in _BY_ENDING.get(file.suffix.lower(), ()))
    if any(_names_a_kind(file) for file in files):
        kinds = dict.fromkeys(("csv", *kinds))
    for kind in kinds:
        yield Place(kind=kind, url=str(path))  # type: ignore[arg-type]


def _names_a_kind(file: Path) -> bool:
    return file.suffix.lower() == ".csv" and file.stem.partition("-")[0] in KINDS
