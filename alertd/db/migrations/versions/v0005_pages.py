"""The pages: who is signed in, emergency access, the audit; and indices for the alerts of a person and what is due.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "sign_in",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("how", sa.String(length=10), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("ended_why", sa.String(length=40), nullable=True),
        sa.CheckConstraint("(ended_at is null) = (ended_why is null)", name=op.f("ck_sign_in_ended")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in")),
        sa.UniqueConstraint("digest", name=op.f("uq_sign_in_digest")),
    )
    op.create_index("ix_sign_in_subject", "sign_in", ["subject"])
    op.create_table(
        "emergency_access",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=100), nullable=False),
        sa.Column("child", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("until", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_access")),
    )
    op.create_index("ix_emergency_access_child_until", "emergency_access", ["child", "until"])
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("child", sa.String(length=200), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("before", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("digest", name=op.f("uq_audit_entry_digest")),
    )
    op.create_index("ix_audit_entry_child", "audit_entry", ["child", "id"])
    op.create_index("ix_alert_worker_state", "alert", ["worker", "state"])
    op.create_index("ix_alert_team_state", "alert", ["team", "state"])
    op.create_index("ix_alert_child", "alert", ["child"])
    op.create_index("ix_delivery_created", "delivery", ["created_at"])
    op.create_index("ix_delivery_digest_for", "delivery", ["digest_for"])
    order = ["state", "channel", "urgent", "attempts", "next_attempt_at", "id", "created_at", "destination"]
    op.create_index("ix_delivery_due", "delivery", order)


def downgrade() -> None:
    """Forget them."""
    for name in ("ix_delivery_due", "ix_delivery_digest_for", "ix_delivery_created"):
        op.drop_index(name, "delivery")
    for name in ("ix_alert_child", "ix_alert_team_state", "ix_alert_worker_state"):
        op.drop_index(name, "alert")
    op.drop_table("audit_entry")
    op.drop_table("emergency_access")
    op.drop_table("sign_in")
