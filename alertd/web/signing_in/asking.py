"""Asking a provider for JSON: briefly, no more than it takes, and nowhere else than where it says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from ssl import create_default_context
from time import monotonic
from typing import Any, Final

import httpcore

PATIENCE: Final = 5.0
"""Seconds for connecting and for each piece of an answer: somebody waits at the screen."""
IN_ALL: Final = 12.0
"""Seconds for the whole answer: one that comes drop by drop holds up a thread."""
LONGEST: Final = 1_000_000

_FAULTS: Final = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)


class ProviderError(Exception):
    """The provider cannot be used now. ``why`` is for whoever runs alertd, without a word of any person; ``answered``
    is the error by which it refused, if it gave one."""

    def __init__(self, why: str, answered: str = "") -> None:
        super().__init__(why)
        self.why, self.answered = why, answered


def ask(method: str, url: str, headers: Mapping[str, str] | None = None, body: str = "") -> dict[str, Any]:
    """The JSON object at an address. No redirect is followed. Raises ProviderError."""
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), PATIENCE)
    sent = {"accept": "application/json", **(headers or {})}
    until = monotonic() + IN_ALL
    try:
        with (
            httpcore.ConnectionPool(ssl_context=create_default_context(), max_connections=1) as pool,
            pool.stream(
                method, url, headers=list(sent.items()), content=body.encode() or None, extensions={"timeout": timeouts}
            ) as answer,
        ):
            found = bytearray()
            for piece in answer.iter_stream():
                found += piece
                if len(found) > LONGEST or monotonic() > until:
                    raise ProviderError(f"{url} answers too much or too slowly")
    except _FAULTS as fault:
        raise ProviderError(f"{url} cannot be reached: {type(fault).__name__} {fault}".strip()) from None
    if answer.status != 200:
        error = _error_in(bytes(found))
        raise ProviderError(" ".join(filter(None, (f"{url} answered {answer.status}", error))), error)
    return _object(bytes(found), url)


def _object(text: bytes, url: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        raise ProviderError(f"{url} answers no JSON") from None
    if not isinstance(found, dict):
        raise ProviderError(f"{url} answers JSON that is no object")
    return found


def _error_in(text: bytes) -> str:
    """The error of RFC 6749, which names no person; what describes it might."""
    try:
        found = json.loads(text)
    except ValueError:
        return ""
    error = found.get("error") if isinstance(found, dict) else None
    return error[:60] if isinstance(error, str) and error.isprintable() else ""
