"""Deliveries by several channels: destinations, stand-ins, receipts, and how far the outbox has come.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_MOMENT = sa.DateTime(timezone=True)
_BEFORE = "state in ('due', 'sending', 'delivered', 'refused', 'unknown', 'parked', 'cancelled')"
_NOW = "state in ('due', 'sending', 'delivered', 'refused', 'unknown', 'parked', 'cancelled', 'standing_by')"


def upgrade() -> None:
    """Make them. What is in the outbox goes by e-mail, to the domain of its address."""
    with op.batch_alter_table("delivery") as table:
        table.add_column(sa.Column("destination", sa.String(length=255), nullable=False, server_default=""))
        table.add_column(sa.Column("stands_in_for", sa.String(length=36), nullable=True))
        table.add_column(sa.Column("reference", sa.String(length=200), nullable=False, server_default=""))
        table.drop_constraint(op.f("ck_delivery_state"), type_="check")
        table.create_check_constraint(op.f("ck_delivery_state"), _NOW)
        table.create_foreign_key(op.f("fk_delivery_stands_in_for"), "delivery", ["stands_in_for"], ["id"])
    op.create_index("ix_delivery_stands_in_for", "delivery", ["stands_in_for"], unique=True)
    domain = {
        "sqlite": "lower(substr(address, instr(address, '@') + 1))",
        "postgresql": "lower(split_part(address, '@', 2))",
    }[op.get_bind().dialect.name]
    op.execute(f"update delivery set destination = {domain}")  # noqa: S608 - no value from outside

    op.create_table(
        "delivery_receipt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind in ('arrived', 'failed', 'away', 'acknowledged')", name=op.f("ck_delivery_receipt_kind")
        ),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_receipt_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_receipt")),
        sa.UniqueConstraint("key", name=op.f("uq_delivery_receipt_key")),
    )
    op.create_index("ix_delivery_receipt_delivery_id", "delivery_receipt", ["delivery_id"])
    op.create_index("ix_delivery_receipt_kind_at", "delivery_receipt", ["kind", "at"])
    op.create_table(
        "outbox_epoch",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=36), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_epoch")),
    )


def downgrade() -> None:
    """Forget them. What still stands by is cancelled; other deliveries stay."""
    op.drop_table("outbox_epoch")
    op.drop_table("delivery_receipt")
    op.execute("update delivery set state = 'cancelled' where state = 'standing_by'")
    op.drop_index("ix_delivery_stands_in_for", "delivery")
    with op.batch_alter_table("delivery") as table:
        table.drop_constraint(op.f("fk_delivery_stands_in_for"), type_="foreignkey")
        table.drop_constraint(op.f("ck_delivery_state"), type_="check")
        table.create_check_constraint(op.f("ck_delivery_state"), _BEFORE)
        table.drop_column("reference")
        table.drop_column("stands_in_for")
        table.drop_column("destination")
