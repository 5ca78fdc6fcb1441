"""When each child is next looked at. All of it can be worked out again: whoever empties both tables has every child
looked at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from alertd.db.base import Base


class AgendaEntry(Base):
    """One child: by what it was last judged, and what has it looked at again.

    ``due_at`` is when, nothing new being recorded; None where nothing ever changes by itself. What changed in the data,
    or in what was said of an alert, sets it to the moment at which that was seen. ``why`` says which it is.
    """

    __tablename__ = "agenda"
    __table_args__ = (
        Index("ix_agenda_due_at", "due_at"),
        Index("ix_agenda_judged_by", "judged_by"),
        Index("ix_agenda_slack", "slack"),
        Index("ix_agenda_failed", "failed"),
    )

    child: Mapped[str] = mapped_column(String(200), primary_key=True)
    due_at: Mapped[datetime | None]
    why: Mapped[str] = mapped_column(String(20))
    judged_at: Mapped[datetime | None]
    """When it was last looked at; None before the first time."""
    judged_by: Mapped[str] = mapped_column(String(32), default="")
    """A digest of the rules, calendar and feeds by which it was judged: see :mod:`alertd.agenda`."""
    slack: Mapped[int | None]
    """How far in days, counted with all they ever moved, the feeds' windows may move and change nothing for it."""
    is_open: Mapped[bool] = mapped_column(default=False)
    failed: Mapped[str | None] = mapped_column(String(200))
    """Why it could not be read or evaluated; None where it could."""
    turn: Mapped[int] = mapped_column(Integer, default=0)
    """Counted up whenever the row is written: whoever looked at a child sees by it that something came in between."""


class AgendaMark(Base):
    """How far something was followed: a feed by its readings, what people said, the silences that stand."""

    __tablename__ = "agenda_mark"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    value: Mapped[dict[str, Any]] = mapped_column(JSON)
