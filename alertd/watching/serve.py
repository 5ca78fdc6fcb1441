"""The address at which Prometheus asks: threads of their own, that no work waits for."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from pathlib import Path
from socket import AF_INET6
from socketserver import TCPServer, ThreadingMixIn
from threading import Thread
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from alertd.errors import InputError

PATH: Final = "/metrics"
_PATIENCE: Final = 10
"""Seconds that somebody who has connected may take to ask."""

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Handler(WSGIRequestHandler):
    timeout = _PATIENCE

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: who asks, and how often, is Prometheus's own to say."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Without looking up the host's name, as the library does: that may hang."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _Server6(_Server):
    address_family = AF_INET6


class Served:
    """Metrics being served, until closed."""

    def __init__(self, server: WSGIServer, thread: Thread) -> None:
        self._server, self._thread = server, thread
        self.port: Final[int] = server.server_port

    def close(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve(
    registry: CollectorRegistry, host: str, port: int, *, certfile: Path | None = None, keyfile: Path | None = None
) -> Served:
    """Serve the metrics at ``/metrics``, and nothing else. Raises InputError where the port or the certificate cannot
    be used."""
    try:
        made = _Server6 if ":" in host else _Server
        server = make_server(host, port, _only_metrics(make_wsgi_app(registry)), made, _Handler)
    except OSError as error:
        where = f"{host} port {port}"
        raise InputError(f"cannot be listened on ({error.strerror})", where=where, fix="Choose another port") from None
    if certfile is not None:
        try:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certfile, keyfile)
        except OSError as error:
            server.server_close()
            where, fix = f"{certfile}, {keyfile}", "Give PEM files that alertd's user may read"
            raise InputError(f"cannot be used ({type(error).__name__})", where=where, fix=fix) from None
        # Who connects and says nothing must hold up only their own thread.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    return Served(server, thread)


def _only_metrics(metrics: Any) -> Any:
    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH:
            start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
            return [f"The metrics are at {PATH}.\n".encode()]
        found: Iterable[bytes] = metrics(environ, start_response)
        return found

    return application
