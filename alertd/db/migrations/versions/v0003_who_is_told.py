"""Who was told of what, and what they said: handlings, silences, subscriptions, partner notifications, links.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables. What was delivered before is known by its notices."""
    op.create_table(
        "link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("revoked_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link")),
        sa.UniqueConstraint("digest", name=op.f("uq_link_digest")),
    )
    op.create_index("ix_link_purpose_subject", "link", ["purpose", "subject"])

    op.create_table(
        "silence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("teams", sa.JSON(), nullable=False),
        sa.Column("starts", _MOMENT, nullable=False),
        sa.Column("until", _MOMENT, nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("ended_by", sa.String(length=100), nullable=True),
        sa.CheckConstraint("until > starts", name=op.f("ck_silence_span")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silence")),
    )
    op.create_table(
        "subscription",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=100), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("teams", sa.JSON(), nullable=False),
        sa.Column("stages", sa.JSON(), nullable=False),
        sa.Column("severities", sa.JSON(), nullable=False),
        sa.Column("every", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
    )
    op.create_index("ix_subscription_person", "subscription", ["person"])

    op.create_table(
        "delivery_alert",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("delivery_id", sa.String(length=36), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("role", sa.String(length=60), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('told', 'clear', 'subscribed')", name=op.f("ck_delivery_alert_kind")),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_delivery_alert_alert_id")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_alert_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_alert")),
        sa.UniqueConstraint(
            "delivery_id", "alert_id", "kind", name=op.f("uq_delivery_alert_delivery_id_alert_id_kind")
        ),
    )
    op.create_index("ix_delivery_alert_alert_id", "delivery_alert", ["alert_id"])

    op.create_table(
        "handling",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", _MOMENT, nullable=True),
        sa.Column("to", sa.String(length=100), nullable=True),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("ended_by", sa.String(length=100), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind in ('claim', 'accept', 'snooze', 'hand_over', 'dispute')", name=op.f("ck_handling_kind")
        ),
        sa.CheckConstraint("(ended_at is null) = (ended_why is null)", name=op.f("ck_handling_ended")),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_handling_alert_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handling")),
    )
    op.create_index("ix_handling_alert_ended", "handling", ["alert_id", "ended_at"])

    op.create_table(
        "notification",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("agency", sa.String(length=100), nullable=False),
        sa.Column("reference", sa.String(length=40), nullable=False),
        sa.Column("receipt", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("sent_at", _MOMENT, nullable=True),
        sa.Column("acknowledged_at", _MOMENT, nullable=True),
        sa.CheckConstraint(
            "state in ('awaiting_approval', 'ready', 'held', 'sent', 'acknowledged', 'withdrawn')",
            name=op.f("ck_notification_state"),
        ),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_notification_alert_id")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_notification_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
        sa.UniqueConstraint("alert_id", "kind", "agency", name=op.f("uq_notification_alert_id_kind_agency")),
        sa.UniqueConstraint("reference", name=op.f("uq_notification_reference")),
    )
    op.create_index("ix_notification_alert_id", "notification", ["alert_id"])
    op.create_index("ix_notification_delivery_id", "notification", ["delivery_id"])
    op.create_index("ix_notification_state", "notification", ["state"])

    op.create_table(
        "notification_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notification_id", sa.Integer(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("from_state", sa.String(length=20), nullable=True),
        sa.Column("to_state", sa.String(length=20), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["notification_id"], ["notification.id"], name=op.f("fk_notification_event_notification_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_event")),
    )
    op.create_index("ix_notification_event_notification_id", "notification_event", ["notification_id"])

    op.add_column("alert", sa.Column("household", sa.String(length=200), nullable=True))

    op.execute(
        "insert into delivery_alert (delivery_id, alert_id, kind, role, how) "
        "select n.composed_into, n.alert_id, 'told', min(n.role), min(d.resolved_by) "
        "from notice n join delivery d on d.id = n.composed_into group by n.composed_into, n.alert_id"
    )


def downgrade() -> None:
    """Forget them. Open alerts, notices and deliveries stay."""
    op.drop_table("notification_event")
    op.drop_table("notification")
    op.drop_table("handling")
    op.drop_table("delivery_alert")
    op.drop_table("subscription")
    op.drop_table("silence")
    op.drop_table("link")
    with op.batch_alter_table("alert") as table:
        table.drop_column("household")
