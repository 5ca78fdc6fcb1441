"""What evaluating says: one finding per clock, with the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import Any, Final, Literal, Self

Stage = Literal["running", "upcoming", "due", "overdue", "met", "met_late", "ended", "unknown"]
"""``ended``: what the clock was for ended before it was met; the other words are those of the screens."""

Cause = Literal["missing", "unreadable", "conflict", "window", "feed", "setting", "engine"]
Binding = Literal["statutory", "local", "plan"]

WHOLE_FEED: Final = ("*", "feed")
"""The child and the record of a finding about the whole feed: a rule it cannot measure for anybody."""


@dataclass(frozen=True, slots=True)
class CannotTell:
    """Why a clock's stage is unknown: the cause, the field, the source row, and a sentence.

    ``missing``, ``unreadable`` and ``conflict`` are mended in the child's record, by the worker;
    ``window``, ``feed``, ``setting`` and ``engine`` by whoever runs the feed.
    """

    cause: Cause
    field: str
    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What is true of one clock at an instant.

    ``record`` is ``kind:key`` of the record the clock is for; ``occurrence`` is ``start`` for the
    clock counted from the record itself, or the key of the event it counts from. Together with
    rule and child they identify the clock for ever. ``due`` is the earliest of the three dates and
    ``binding`` says which that is. ``warned`` counts the advance warnings and ``level`` the escalation
    steps whose moment has come; ``since`` is when the latest of these, or the stage itself, began,
    and ``changes`` when the next will.
    """

    rule: str
    child: str
    record: str
    occurrence: str
    stage: Stage
    start: date | datetime | None = None
    due: date | datetime | None = None
    met: date | datetime | None = None
    binding: Binding | None = None
    statutory: date | datetime | None = None
    local: date | datetime | None = None
    plan: date | datetime | None = None
    warned: int = 0
    level: int = 0
    since: datetime | None = None
    changes: datetime | None = None
    limit: str = ""
    where: str = ""
    counted_from: str = ""
    met_by: str = ""
    closed: bool = False
    """The state the clock was for has ended: nobody can act on it any more."""
    cannot_tell: CannotTell | None = None
    explained: str = ""
    """What explains a late date without moving it: ``missing episode since Tue 3 Nov 2026``."""
    spoken_for_by: str = ""
    """The rule whose alert for the same child speaks for this one now."""
    evidence: tuple[str, ...] = ()
    """Where the records stand that together make a pattern, in order."""
    basis: str = ""
    """What has to be known of the feed to trust this: that it holds only the latest review, say."""

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        """What goes from worker to daemon, by the thousand: by its place and not by its name it takes half as long."""
        return type(self), _in_order(self)

    @property
    def asks_for_action(self) -> bool:
        """Whether somebody has something to do. A stopped clock of unknown lateness asks nothing."""
        return self.stage in ("upcoming", "due", "overdue") or (
            self.stage == "unknown" and self.met is None and not self.closed
        )

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """(rule, child, record, occurrence): stable across runs, restarts and readings."""
        return (self.rule, self.child, self.record, self.occurrence)

    def as_json(self) -> dict[str, Any]:
        """As plain JSON values: days ``2026-11-24``, moments ISO 8601 in UTC."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        found["cannot_tell"] = asdict(self.cannot_tell) if self.cannot_tell else None
        found["evidence"] = list(self.evidence)
        return {name: _text(v) if isinstance(v, date) else v for name, v in found.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The finding that :meth:`as_json` wrote; keys of other versions are left out."""
        known = {f.name: data[f.name] for f in fields(cls) if f.name in data}
        for name in _WHEN & known.keys():
            known[name] = _when(known[name])
        if known.get("cannot_tell"):
            known["cannot_tell"] = CannotTell(**known["cannot_tell"])
        known["evidence"] = tuple(known.get("evidence", ()))
        return cls(**known)


_in_order = attrgetter(*(f.name for f in fields(Finding)))
_WHEN = frozenset({"start", "due", "met", "statutory", "local", "plan", "since", "changes"})


def _text(value: date | datetime) -> str:
    return (value.astimezone(UTC) if isinstance(value, datetime) else value).isoformat()


def _when(text: str | None) -> date | datetime | None:
    if text is None:
        return None
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
