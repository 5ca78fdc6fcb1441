"""The tables of what other agencies are told, and what they answered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from alertd.db.base import Base, one_of

NOTIFICATION_STATES = ("awaiting_approval", "ready", "held", "sent", "acknowledged", "withdrawn")


class Notification(Base):
    """What one agency is to be told because of one alert of a notification rule: once for ever.

    ``reference`` is what the agency quotes. ``why`` says why it stands where it stands, and who must do
    what. ``receipt`` is how soon it is to acknowledge. ``agency`` is an agency's id, or blank where none
    is known for the child: then it is held.
    """

    __tablename__ = "notification"
    __table_args__ = (
        UniqueConstraint("alert_id", "kind", "agency"),
        UniqueConstraint("reference"),
        CheckConstraint(one_of("state", NOTIFICATION_STATES), name="state"),
        Index("ix_notification_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), index=True)
    kind: Mapped[str] = mapped_column(String(60))
    """The agency as the rule names it: ``gp``, ``host_authority``."""
    agency: Mapped[str] = mapped_column(String(100))
    reference: Mapped[str] = mapped_column(String(40))
    receipt: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    why: Mapped[str] = mapped_column(Text, default="")
    delivery_id: Mapped[str | None] = mapped_column(ForeignKey("delivery.id"), index=True)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]


class NotificationEvent(Base):
    """One move of one notification: who, when and why."""

    __tablename__ = "notification_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    notification_id: Mapped[int] = mapped_column(ForeignKey("notification.id"), index=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(120))
    from_state: Mapped[str | None] = mapped_column(String(20))
    to_state: Mapped[str] = mapped_column(String(20))
    why: Mapped[str] = mapped_column(Text, default="")
