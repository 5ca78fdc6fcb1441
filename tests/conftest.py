"""What holds for every test here."""

import gc
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import Connection, Dialect, Engine, event

# Plugins of many modules, which others import too: whoever comes first, their assertions tell what failed.
pytest.register_assert_rewrite("tests.support.databases", "tests.support.webhooks")

# How long one example takes says how busy the machine is, and nothing of the code: figures are for `make bench`.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

_dialects: dict[type[Dialect], Dialect] = {}
_compiled: dict[Any, Any] = {}


@event.listens_for(Engine, "engine_connect")
def _share_what_is_compiled(connection: Connection) -> None:
    """SQLAlchemy puts each statement into words once an engine. Each test has a database of its own, and so an engine
    of its own: half of what a test of the whole road took went into the same statements again. No engine gives its
    dialect settings, so those of SQLite are all alike; PostgreSQL's know their server."""
    if connection.dialect.name == "sqlite":
        connection.dialect = _dialects.setdefault(type(connection.dialect), connection.dialect)
        connection.execution_options(compiled_cache=_compiled)


def pytest_collection_finish() -> None:
    """What has been imported and collected stays until the end: the collector need not look through it again."""
    gc.collect()
    gc.freeze()
