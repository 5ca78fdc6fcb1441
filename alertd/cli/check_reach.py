"""What ``alertd check`` asks of this machine and of monitors: ports, certificates, folders, and whether somebody is
there, without telling them anything."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpcore

from alertd.errors import InputError
from alertd.settings.listening import Listening
from alertd.watching.heartbeat import Check

_PATIENCE: Final = 5.0
"""Seconds within which what listens on this machine answers."""
_ASKED: Final = {"metrics": ("/metrics", b"alertd_"), "web": ("/health", b"serving"), "receive": ("/health", b"")}
"""What alertd itself answers at each of its ports."""


def folder(path: Path, where: str) -> str:
    """Whether a folder can be written to, or made."""
    there = next(one for one in (path, *path.parents) if one.exists())
    if not there.is_dir():
        raise InputError(f"{there} is no folder", where=where, fix="Name another")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{there} cannot be written to", where=where, fix="Let alertd's user in")
    return f"{path} can be written to" if there == path else f"{path} is not there yet, and can be made"


def port(settings: Listening, where: str, section: str) -> str:
    """Whether alertd can listen there: the certificate fits its key, and the port is free or alertd's already."""
    context = _certificate(settings)
    address = f"{settings.host} port {settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host.strip("[]"), settings.port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                what = f"{address} cannot be listened on ({error.strerror})"
                raise InputError(what, where=where, fix="Choose another host or port") from None
        else:
            return f"{address} is free"
    if not _ours(settings, context, section):
        what = f"{address} is in use, and not by alertd"
        raise InputError(what, where=where, fix="Choose another port, or end what listens there")
    return f"{address} is in use by alertd, which runs"


def _certificate(settings: Listening) -> ssl.SSLContext | None:
    """How to ask whoever listens with the certificate; None where it has none."""
    if settings.certfile is None:
        return None
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(settings.certfile, settings.keyfile)
        asking = ssl.create_default_context(cafile=settings.certfile)
    except OSError as error:
        where, fix = f"{settings.certfile}, {settings.keyfile}", "Give PEM files that alertd's user may read"
        raise InputError(f"cannot be used ({type(error).__name__})", where=where, fix=fix) from None
    asking.check_hostname = False  # it is asked by its address on this machine
    asking.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return asking


def _ours(settings: Listening, context: ssl.SSLContext | None, section: str) -> bool:
    path, answer = _ASKED[section]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - asked, not served
    url = f"{'https' if context else 'http'}://{host}:{settings.port}{path}"
    timeout = dict.fromkeys(("connect", "read", "write", "pool"), _PATIENCE)
    try:
        with httpcore.ConnectionPool(ssl_context=context) as pool:
            said = pool.request("GET", url, extensions={"timeout": timeout})
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError):
        return False
    return said.status == 200 and answer in said.content


def monitors(checks: Mapping[str, Check], timeout: float) -> str:
    """Whether the monitors are there: connected to, and asked for nothing, which would say that all is well."""
    for name, check in checks.items():
        if why := asyncio.run(_reached(check.url, timeout)):
            fix = "See that this machine reaches it, and that its certificate is good"
            raise InputError(f"the monitor of {name} {why}", where="heartbeat", fix=fix)
    return f"{' and '.join(checks)}: can be reached, and asked for nothing: that would say all is well"


def scheduler(address: str, where: str) -> str:
    """Whether somebody listens at the scheduler of a cluster; that it is one shows at the first evaluation."""
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), _PATIENCE).close()
    except OSError as error:
        what = f"the cluster's scheduler cannot be reached ({error.strerror or type(error).__name__})"
        raise InputError(what, where=where, fix="Start it, or see that this machine reaches it") from None
    return f"{address} can be reached"


def collector(url: str, timeout: float) -> str:
    """Whether the collector of traces is there: connected to, and told nothing."""
    if why := asyncio.run(_reached(url, timeout)):
        fix = "See that this machine reaches it, and that its certificate is good"
        raise InputError(f"the collector {why}", where="traces", fix=fix)
    return "the collector can be reached, and is told nothing"


async def _reached(url: str, timeout: float) -> str:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    try:
        async with asyncio.timeout(timeout):
            context = ssl.create_default_context() if secure else None
            port = parts.port or (443 if secure else 80)
            _, writer = await asyncio.open_connection(parts.hostname, port, ssl=context)
            writer.close()
    except TimeoutError:
        return f"did not answer within {timeout:g} s"
    except ssl.SSLCertVerificationError:
        return "has a certificate that is not accepted"
    except socket.gaierror:
        return "has a name that is not known"
    except OSError as error:
        return f"cannot be reached ({error.strerror or type(error).__name__})"
    return ""
