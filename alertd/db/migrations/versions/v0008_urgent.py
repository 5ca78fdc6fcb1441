"""An index for what is urgent: it is counted every half minute, among all that was made that day.

Revision ID: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make it."""
    op.create_index(
        "ix_delivery_urgent",
        "delivery",
        ["stands_in_for", "created_at"],
        sqlite_where=sa.text("urgent = 1 and digest_for is null"),
        postgresql_where=sa.text("urgent and digest_for is null"),
    )


def downgrade() -> None:
    """Forget it."""
    op.drop_index("ix_delivery_urgent", "delivery")
