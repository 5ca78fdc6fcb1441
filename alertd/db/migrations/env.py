"""Run by Alembic, on the connection that ``alertd.db.engine.upgrade`` hands over."""

from __future__ import annotations

from alembic import context

# What they declare belongs to the metadata.
from alertd.db import access_tables, agenda_tables, leading, partner_tables, tables  # noqa: F401
from alertd.db.base import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
