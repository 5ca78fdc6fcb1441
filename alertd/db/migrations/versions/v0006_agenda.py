"""The agenda: when each child is next looked at; and indices for what is muted, and for what was said and stands.

Revision ID: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make it."""
    op.create_table(
        "agenda",
        sa.Column("child", sa.String(length=200), nullable=False),
        sa.Column("due_at", _MOMENT, nullable=True),
        sa.Column("why", sa.String(length=20), nullable=False),
        sa.Column("judged_at", _MOMENT, nullable=True),
        sa.Column("judged_by", sa.String(length=32), nullable=False),
        sa.Column("slack", sa.Integer(), nullable=True),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("failed", sa.String(length=200), nullable=True),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("child", name=op.f("pk_agenda")),
    )
    for column in ("due_at", "judged_by", "slack", "failed"):
        op.create_index(f"ix_agenda_{column}", "agenda", [column])
    op.create_table(
        "agenda_mark",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_agenda_mark")),
    )
    muted = sa.text("muted <> ''")
    op.create_index("ix_alert_muted", "alert", ["muted", "rule"], sqlite_where=muted, postgresql_where=muted)
    op.create_index("ix_handling_ended_at", "handling", ["ended_at"])


def downgrade() -> None:
    """Forget it."""
    op.drop_index("ix_handling_ended_at", "handling")
    op.drop_index("ix_alert_muted", "alert")
    op.drop_table("agenda_mark")
    op.drop_table("agenda")
