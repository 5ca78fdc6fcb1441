"""The tables: what must outlive a run. What can be derived from the feed is not stored.

Constraints carry what must always hold, so that two processes cannot get it wrong. Moments are
stored as UTC and read back timezone-aware.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from alertd.db.base import Base, one_of

ALERT_STATES = ("open", "closed")
STAGES = ("upcoming", "due", "overdue", "unknown")
CLOSED_AS = ("met", "met_late", "met_recorded_late", "withdrawn", "source_removed")
DELIVERY_STATES = ("due", "sending", "delivered", "refused", "unknown", "parked", "cancelled", "standing_by")
RECEIPTS = ("arrived", "failed", "away", "acknowledged")


_CLOSED_AS_KNOWN = one_of("closed_as", CLOSED_AS)


_MUTED = text("muted <> ''")


class FeedRun(Base):
    """One reading of one feed: what was counted, what the feed said of itself, and how it ended.

    While it is ``reading``, and for ever if it died so, what it wrote counts for nothing. ``changed``
    are the children first seen, changed or vanished; ``said`` is what is true of the whole feed: the
    kinds it holds, its window, its notes, and its rows that lead to no child.
    """

    __tablename__ = "feed_run"
    __table_args__ = (
        CheckConstraint(one_of("outcome", ("reading", "accepted", "refused")), name="outcome"),
        Index("ix_feed_run_feed_outcome", "feed", "outcome"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(500))
    at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(20))
    counts: Mapped[dict[str, Any]]
    detail: Mapped[str] = mapped_column(Text, default="")
    feed: Mapped[str] = mapped_column(String(60))
    changed: Mapped[int] = mapped_column(default=0)
    children: Mapped[int] = mapped_column(default=0)
    said: Mapped[dict[str, Any]] = mapped_column(default=dict)


class CaseVersion(Base):
    """What one feed said of one child from one reading on, until a later version says otherwise.

    ``body`` is the packed case file and ``digest`` that of the rows it was made of; both are null from
    the reading on in which the child was gone. Versions are never changed: what was known on a day is
    what the readings accepted by then had said.
    """

    __tablename__ = "case_version"
    __table_args__ = (
        CheckConstraint("(digest is null) = (body is null)", name="whole"),
        Index("ix_case_version_feed_child", "feed", "child", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    feed: Mapped[str] = mapped_column(String(60))
    child: Mapped[str] = mapped_column(String(200))
    run_id: Mapped[int] = mapped_column(ForeignKey("feed_run.id"), index=True)
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    born: Mapped[date | None]
    """To see, without unpacking every body, that a reference was given to another child."""
    body: Mapped[bytes | None] = mapped_column(LargeBinary)


class Alert(Base):
    """A finding that lives. One row for ever per (rule, child, record, occurrence)."""

    __tablename__ = "alert"
    __table_args__ = (
        UniqueConstraint("rule", "child", "record", "occurrence"),
        CheckConstraint(one_of("state", ALERT_STATES), name="state"),
        CheckConstraint(one_of("stage", STAGES), name="stage"),
        CheckConstraint(
            f"(state = 'closed') = (closed_as is not null) and (closed_as is null or {_CLOSED_AS_KNOWN})",
            name="closed_as",
        ),
        Index("ix_alert_state_child", "state", "child"),
        Index("ix_alert_worker_state", "worker", "state"),
        Index("ix_alert_team_state", "team", "state"),
        Index("ix_alert_child", "child"),
        # Only those that are: of nearly all, nothing mutes them, and an index of these would find everything.
        Index("ix_alert_muted", "muted", "rule", sqlite_where=_MUTED, postgresql_where=_MUTED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(String(100))
    child: Mapped[str] = mapped_column(String(200))
    record: Mapped[str] = mapped_column(String(250))
    occurrence: Mapped[str] = mapped_column(String(250))
    state: Mapped[str] = mapped_column(String(20))
    stage: Mapped[str] = mapped_column(String(20))
    level: Mapped[int] = mapped_column(Integer, default=0)
    """Escalation steps already told; while the alert is open it falls only when the rule counts
    differently, so no step is told twice."""
    closed_as: Mapped[str | None] = mapped_column(String(30))
    finding: Mapped[dict[str, Any]]
    """The latest finding, as the explanation of this alert: dates, limit, where, cannot_tell."""
    worker: Mapped[str | None] = mapped_column(String(100))
    team: Mapped[str | None] = mapped_column(String(100))
    """Who held the child at the latest reading of the feed; settled to a person when composing."""
    muted: Mapped[str] = mapped_column(String(120), default="")
    """Why nobody is told: the rule is in shadow or held, or another alert speaks for it; blank when people are."""
    timing: Mapped[str] = mapped_column(String(12), default="")
    wording: Mapped[str] = mapped_column(String(12), default="")
    template: Mapped[str] = mapped_column(String(12), default="")
    """The versions that what was last told was told by: of the rule's dates, of its words, and of the templates."""
    opened_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    household: Mapped[str | None] = mapped_column(String(200))
    """The household the child lived in at the latest reading, so that siblings stand together."""


IS_MUTED = Alert.muted != literal_column("''")
"""That somebody looks only among muted alerts: said just so, the index of these is used."""


class AlertEvent(Base):
    """One change of one alert, with its named reason."""

    __tablename__ = "alert_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), index=True)
    at: Mapped[datetime]
    from_stage: Mapped[str | None] = mapped_column(String(20))
    to_stage: Mapped[str] = mapped_column(String(30))
    level: Mapped[int]
    reason: Mapped[str] = mapped_column(String(40))
    late: Mapped[bool] = mapped_column(default=False)
    """The change is told later than it became true, because alertd was not running."""


class Notice(Base):
    """A promise that a role is told of one change: written in the transaction of the change itself.

    ``composed_into`` names the delivery that keeps the promise; blank while it waits for the next
    digest (``urgent`` ones do not wait). ``dropped`` says why nobody needs telling any more, as when
    the alert closed first. Who the role is, is settled when composing.
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("event_id", "role"),
        CheckConstraint("composed_into is null or dropped is null", name="settled_once"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("alert_event.id"))
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), index=True)
    role: Mapped[str] = mapped_column(String(60))
    reason: Mapped[str] = mapped_column(String(80), default="")
    """Why this role: ``stage: overdue``, ``step 2 of L1``."""
    urgent: Mapped[bool] = mapped_column(default=False)
    composed_into: Mapped[str | None] = mapped_column(ForeignKey("delivery.id"), index=True)
    dropped: Mapped[str | None] = mapped_column(String(60))


class Delivery(Base):
    """One message to one recipient by one channel: rendered once, sent until an end state.

    ``id`` is a UUID and the local part of the Message-ID. ``token`` belongs to whoever claimed the
    row; only its holder may finish it. ``attempts`` is counted before each attempt and
    ``unknown_attempts`` when the answer was lost. ``digest_for`` is the working day of a digest, or
    the day and subject of a message to the operator: unique per person and channel, so that nobody
    gets two.

    ``destination`` is what fails together with the address, as a mail domain. One that ``stands_in_for`` another
    is ``standing_by`` until that one fails. ``reference`` is the other side's own id of what it took.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint(one_of("state", DELIVERY_STATES), name="state"),
        CheckConstraint("(state = 'sending') = (token is not null)", name="claim"),
        UniqueConstraint("person", "channel", "digest_for"),
        Index("ix_delivery_state_next", "state", "next_attempt_at"),
        Index("ix_delivery_created", "created_at"),
        Index("ix_delivery_digest_for", "digest_for"),
        # What is due, in the order in which it goes, and all that is asked of it: the messages are not read for that.
        Index(
            "ix_delivery_due",
            *("state", "channel", "urgent", "attempts", "next_attempt_at", "id", "created_at", "destination"),
        ),
        Index("ix_delivery_stands_in_for", "stands_in_for", unique=True),
        # Few are, among all that a day makes.
        Index(
            "ix_delivery_urgent",
            *("stands_in_for", "created_at"),
            sqlite_where=text("urgent = 1 and digest_for is null"),
            postgresql_where=text("urgent and digest_for is null"),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    person: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(String(320))
    resolved_by: Mapped[str] = mapped_column(Text)
    """Why this person: ``worker``, ``deputy of P12 (away)``, ``team inbox: no worker allocated``."""
    channel: Mapped[str] = mapped_column(String(40))
    urgent: Mapped[bool] = mapped_column(default=False)
    digest_for: Mapped[str | None] = mapped_column(String(60))
    message: Mapped[bytes]
    """The whole message as it will be sent, the same bytes at every attempt."""
    state: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text, default="")
    attempts: Mapped[int] = mapped_column(default=0)
    unknown_attempts: Mapped[int] = mapped_column(default=0)
    token: Mapped[str | None] = mapped_column(String(36))
    lease_until: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime]
    created_at: Mapped[datetime]
    destination: Mapped[str] = mapped_column(String(255), default="")
    stands_in_for: Mapped[str | None] = mapped_column(ForeignKey("delivery.id"))
    reference: Mapped[str] = mapped_column(String(200), default="")


class DeliveryEvent(Base):
    """One move of one delivery, with its reason."""

    __tablename__ = "delivery_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[str] = mapped_column(ForeignKey("delivery.id"), index=True)
    at: Mapped[datetime]
    from_state: Mapped[str | None] = mapped_column(String(20))
    to_state: Mapped[str] = mapped_column(String(20))
    attempt: Mapped[int]
    reason: Mapped[str] = mapped_column(Text, default="")


class DeliveryReceipt(Base):
    """What the other side said later of one delivery: see :class:`alertd.outbox.channel.Receipt`."""

    __tablename__ = "delivery_receipt"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint(one_of("kind", RECEIPTS), name="kind"),
        Index("ix_delivery_receipt_kind_at", "kind", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[str] = mapped_column(ForeignKey("delivery.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text, default="")


class OutboxEpoch(Base):
    """How far this outbox has come: one row, counted up before anything is sent, and written outside the database
    too. Where the outside is further, the database was restored and may not know what it sent."""

    __tablename__ = "outbox_epoch"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(36))
    """A UUID that tells this outbox from any other."""
    at: Mapped[datetime]


HANDLINGS = ("claim", "accept", "snooze", "hand_over", "dispute")


class Handling(Base):
    """What somebody said of one alert: who, when, why, and until when it holds. Never changed but to end it.

    ``claim``: done, not yet recorded. ``accept``: explained until a date. ``snooze``: quiet for its
    author until a date. ``hand_over``: ``to`` answers for it. ``dispute``: this alarm is wrong.
    ``ended_why`` is ``undone``, ``lapsed``, ``closed``, ``upheld``, ``rejected`` or what its author wrote.
    """

    __tablename__ = "handling"
    __table_args__ = (
        CheckConstraint(one_of("kind", HANDLINGS), name="kind"),
        CheckConstraint("(ended_at is null) = (ended_why is null)", name="ended"),
        Index("ix_handling_alert_ended", "alert_id", "ended_at"),
        Index("ix_handling_ended_at", "ended_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"))
    kind: Mapped[str] = mapped_column(String(20))
    by: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    until: Mapped[datetime | None]
    to: Mapped[str | None] = mapped_column(String(100))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(100))
    ended_why: Mapped[str | None] = mapped_column(Text)


class Silence(Base):
    """A planned quiet: rules and teams of which nobody is told from a moment to a moment. Ended early, it says by whom.

    ``rules`` and ``teams`` are lists of ids; an empty list of rules means all rules.
    """

    __tablename__ = "silence"
    __table_args__ = (CheckConstraint("until > starts", name="span"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    rules: Mapped[list[str]] = mapped_column(JSON)
    teams: Mapped[list[str]] = mapped_column(JSON)
    starts: Mapped[datetime]
    until: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(100))


class Subscription(Base):
    """What one person asked to hear of besides what they must, as chosen: see ``alertd.subscriptions``."""

    __tablename__ = "subscription"
    __table_args__ = (Index("ix_subscription_person", "person"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(String(100))
    rules: Mapped[list[str]] = mapped_column(JSON)
    teams: Mapped[list[str]] = mapped_column(JSON)
    stages: Mapped[list[str]] = mapped_column(JSON)
    severities: Mapped[list[str]] = mapped_column(JSON)
    every: Mapped[str] = mapped_column(String(20))
    channel: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class DeliveryAlert(Base):
    """That one delivery told of one alert: as which role, and why it was this person.

    ``kind`` is ``told``, ``clear`` (that it closed) or ``subscribed``.
    """

    __tablename__ = "delivery_alert"
    __table_args__ = (
        UniqueConstraint("delivery_id", "alert_id", "kind"),
        CheckConstraint(one_of("kind", ("told", "clear", "subscribed")), name="kind"),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    delivery_id: Mapped[str] = mapped_column(ForeignKey("delivery.id"))
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    role: Mapped[str] = mapped_column(String(60))
    how: Mapped[str] = mapped_column(Text)


class Link(Base):
    """An address nobody can guess, for one purpose and one subject. Only a hash of its secret is kept."""

    __tablename__ = "link"
    __table_args__ = (UniqueConstraint("digest"), Index("ix_link_purpose_subject", "purpose", "subject"))

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[str] = mapped_column(String(30))
    subject: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
