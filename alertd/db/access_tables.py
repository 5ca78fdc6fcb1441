"""What the pages keep: who is signed in, who broke the glass, and the audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from alertd.db.base import Base


class SignIn(Base):
    """A session of the pages. The browser holds a secret of which only the hash is kept.

    ``how`` is ``link`` (a single-use link by e-mail), ``oidc`` (OpenID Connect) or ``token`` (a program). ``seen_at``
    is when it was last used, to the minute.
    """

    __tablename__ = "sign_in"
    __table_args__ = (CheckConstraint("(ended_at is null) = (ended_why is null)", name="ended"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    subject: Mapped[str] = mapped_column(String(200), index=True)
    how: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[str | None] = mapped_column(String(40))


class EmergencyAccess(Base):
    """Somebody broke the glass: they opened the page of a child that is not theirs, and said why."""

    __tablename__ = "emergency_access"
    __table_args__ = (Index("ix_emergency_access_child_until", "child", "until"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(String(100))
    child: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    until: Mapped[datetime]


class AuditEntry(Base):
    """One link of the audit: who did what, to which child, by what right. ``before`` is the digest of the entry before
    it. Never changed, never deleted."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_child", "child", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(200))
    what: Mapped[str] = mapped_column(String(40))
    child: Mapped[str | None] = mapped_column(String(200))
    why: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[dict[str, Any]]
    before: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
