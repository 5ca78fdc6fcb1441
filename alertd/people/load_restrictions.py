"""Reads ``restrictions.csv``: the children of whom not everybody on the way up may hear."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from alertd.errors import InputError
from alertd.people.restrictions import Restriction
from alertd.people.rows import Row, by_id, read_rows, suggested

RESTRICTION_COLUMNS: Final = ("child", "only", "never", "reason", "until")


def load_restrictions(path: Path) -> dict[str, Restriction]:
    """The restrictions by child, one row each. ``only`` and ``never`` are ids parted by spaces.

    Raises :class:`InputError` at the first fault. Whether the ids are anybody's, :func:`strangers` says: a row
    that names somebody who is gone must still bind everybody else.
    """
    return {key: _restriction(row) for key, row in by_id(read_rows(path, RESTRICTION_COLUMNS), "child").items()}


def _restriction(row: Row) -> Restriction:
    only, never = row.several("only", None, "person"), row.several("never", None, "person")
    if not only and not never:
        fix = "Name the ids of those who alone may hear of the child, or of those who must not."
        raise InputError("only and never are both blank", where=row.at("only"), fix=fix)
    if both := sorted(set(only) & set(never)):
        raise InputError(f"{both[0]!r} is in only and in never", where=row.at("never"), fix="Take it out of one.")
    return Restriction(
        row.need("child"), only, frozenset(never), row.need("reason"), row.day("until"), f"{row.file}:{row.line}"
    )


def strangers(restrictions: Mapping[str, Restriction], people: Collection[str]) -> Iterator[InputError]:
    """Ids in restrictions that are nobody's in the directory: a slip there would tell the wrong person."""
    for kept in restrictions.values():
        for column, ids in (("only", kept.only), ("never", sorted(kept.never))):
            for id_ in ids:
                if id_ not in people:
                    yield InputError(
                        f"there is no person {id_!r}",
                        where=f"{kept.where}: column {column}",
                        fix=f"Correct it, or take it out if they are gone.{suggested(id_, people)}",
                    )
