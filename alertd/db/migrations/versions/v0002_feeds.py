"""What each feed said of each child, with its history.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Keep the case files; readings get the feed's name, what it said of itself and how much changed."""
    with op.batch_alter_table("feed_run") as table:
        table.drop_constraint(op.f("ck_feed_run_outcome"), type_="check")
        table.add_column(sa.Column("feed", sa.String(length=60), nullable=False, server_default="feed"))
        table.add_column(sa.Column("changed", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("children", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("said", sa.JSON(), nullable=False, server_default="{}"))
        table.create_check_constraint(op.f("ck_feed_run_outcome"), "outcome in ('reading', 'accepted', 'refused')")
    with op.batch_alter_table("feed_run") as table:
        for column in ("feed", "changed", "children", "said"):
            table.alter_column(column, server_default=None)
    op.create_index("ix_feed_run_feed_outcome", "feed_run", ["feed", "outcome"])
    op.create_table(
        "case_version",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("feed", sa.String(length=60), nullable=False),
        sa.Column("child", sa.String(length=200), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("born", sa.Date(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("(digest is null) = (body is null)", name=op.f("ck_case_version_whole")),
        sa.ForeignKeyConstraint(["run_id"], ["feed_run.id"], name=op.f("fk_case_version_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_version")),
    )
    op.create_index("ix_case_version_feed_child", "case_version", ["feed", "child", "id"])
    op.create_index("ix_case_version_run_id", "case_version", ["run_id"])


def downgrade() -> None:
    """Forget the case files: the next reading of the older program brings them again."""
    op.drop_table("case_version")
    op.drop_index("ix_feed_run_feed_outcome", "feed_run")
    op.execute("delete from feed_run where outcome = 'reading'")
    with op.batch_alter_table("feed_run") as table:
        table.drop_constraint(op.f("ck_feed_run_outcome"), type_="check")
        for column in ("feed", "changed", "children", "said"):
            table.drop_column(column)
        table.create_check_constraint(op.f("ck_feed_run_outcome"), "outcome in ('accepted', 'refused')")
