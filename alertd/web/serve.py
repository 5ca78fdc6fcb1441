"""Serving an address with uvicorn, until the process is told to stop."""

from __future__ import annotations

import fcntl
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

import structlog
import uvicorn
from starlette.applications import Starlette

from alertd.cases.sources.csc_api_inbox import tidy
from alertd.errors import InputError
from alertd.memory import keep_what_is_there
from alertd.settings.receive import Receive
from alertd.web.patience import Impatient, open_more_files
from alertd.web.receive import Limits, app
from alertd.web.tokens import Tokens

log: Final = structlog.get_logger()

_CONNECTIONS: Final = 64
_LOCK: Final = ".receiving"


def serve(settings: Receive) -> None:
    """Receive until told to stop. Raises InputError where the inbox, the tokens or the certificate cannot be used."""
    who = Tokens(settings.tokens_file)
    with _alone(settings.inbox):
        made = app(
            settings.inbox,
            la_code=settings.la_code,
            who=who,
            clock=lambda: datetime.now(UTC),
            limits=Limits(max_bytes=settings.max_bytes, per_minute=settings.per_minute),
        )
        listen(made, settings, "receiving", inbox=str(settings.inbox))


class Served(Protocol):
    """Where to listen, and with which certificate."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def certfile(self) -> Path | None: ...
    @property
    def keyfile(self) -> Path | None: ...


def listen(made: Starlette, settings: Served, what: str, *, impatient: bool = False, **said: str) -> None:
    """Serve an application until told to stop; ``what`` and where are said in the log. No request is ever logged:
    its address may be a secret. ``impatient``: whoever connects and asks for nothing is sent away, for addresses that
    everybody reaches. Raises InputError where the certificate or the port cannot be used."""
    if impatient:
        open_more_files()
    config = uvicorn.Config(
        made,
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.certfile,
        ssl_keyfile=settings.keyfile,
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        lifespan="on",
        ws="none",
        http=Impatient if impatient else "auto",
        limit_concurrency=None if impatient else _CONNECTIONS,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=30,
    )
    try:
        config.load()
    except OSError as error:
        why = "not a certificate and its key" if isinstance(error, ssl.SSLError) else error.strerror
        raise InputError(
            f"cannot be used ({why})",
            where=f"{settings.certfile}, {settings.keyfile}",
            fix="Give PEM files that alertd's user may read",
        ) from None
    with _listening(settings) as bound:
        log.info(what, host=settings.host, port=bound.getsockname()[1], **said)
        keep_what_is_there()
        uvicorn.Server(config).run(sockets=[bound])


def _listening(settings: Served) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        return socket.create_server((settings.host, settings.port), family=family, backlog=1024)
    except OSError as error:
        where = f"{settings.host} port {settings.port}"
        raise InputError(f"cannot be listened on ({error.strerror})", where=where, fix="Choose another port") from None


@contextmanager
def _alone(inbox: Path) -> Iterator[None]:
    """Hold the inbox, so that no other process delivers to it meanwhile."""
    try:
        inbox.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(inbox / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise InputError(f"cannot be used ({error.strerror})", where=str(inbox), fix="Let alertd's user in") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        tidy(inbox)
        yield
    except BlockingIOError:
        raise InputError("another alertd receives here", where=str(inbox), fix="Stop it, or name another") from None
    finally:
        os.close(lock)
