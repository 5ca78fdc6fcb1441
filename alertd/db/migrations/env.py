"""Run by Alembic, on the connection that ``alertd.db.engine.upgrade`` hands over."""

from __future__ import annotations

from alembic import context

from alertd.db import access_tables, agenda_tables, leading  # noqa: F401 - their tables belong to the metadata
from alertd.db.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
