"""The webhook channel: one POST, signed, with no more in it than that something waits."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import httpcore
from standardwebhooks import Webhook

from alertd.errors import InputError, did_you_mean
from alertd.outbox.channel import Awaited, Letter, Message, Notifier, Outcome, Pace, Receipt
from alertd.outbox.channel_config import read_secret
from alertd_notifiers.secured import in_words
from alertd_notifiers.webhook.config import Endpoint, WebhookConfig
from alertd_notifiers.webhook.reach import CheckedBackend, NotAllowedError

_GONE = 410
_SWITCHED_OFF: Final = ": it is switched off. Take it out of the settings, or start alertd again when it is back"
_PREFIX, _SHORTEST, _LONGEST = "whsec_", 24, 64
"""As the specification has secrets; lengths in bytes."""
_FAULTS: Final = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, httpcore.ProxyError)
_NAMED: Final = (NotAllowedError, ssl.SSLError, socket.gaierror)


_ACKNOWLEDGED: Final = "acknowledged"
"""The reference of a message whose receiver said at once that it has dealt with it."""
_LONGEST_ANSWER: Final = 4096
"""Bytes read of an answer. One that acknowledges has some 30."""


_STEPS: Final = {
    "connection.connect_tcp.complete": "connected",
    "http11.send_request_body.complete": "the message is sent, the answer is waited for",
}


class _Attempt:
    """How far an attempt has come: whether any byte of the request has gone out, and what was heard by now."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.request = False
        self.heard: Outcome | None = None
        self._say = say

    async def trace(self, event: str, info: Mapping[str, object]) -> None:
        """Told by the connection at each of its steps."""
        self.request |= event.endswith("send_request_headers.started")
        made = info.get("return_value")
        if event == "connection.start_tls.complete" and isinstance(made, httpcore.AsyncNetworkStream):
            self._say(in_words(made.get_extra_info("ssl_object")))
        elif event in _STEPS:
            self._say(_STEPS[event])


class WebhookNotifier(Notifier):
    """Calls endpoints. Nothing is followed, nothing is sent twice within an attempt, and an endpoint that said it is
    gone is left alone until alertd starts again."""

    name = "webhook"

    def __init__(self, config: WebhookConfig) -> None:
        """Reads the secrets and certificates now, so that a fault in them shows at the start."""
        self._config = config
        self.pace = Pace(config.at_once, max(config.at_once // 2, 1), config.per_minute)
        self._signers = {name: _signers(name, one) for name, one in config.endpoints.items()}
        self._contexts = {name: _context(one) for name, one in config.endpoints.items()}
        self._gone: set[str] = set()
        self._threads = ThreadPoolExecutor(config.at_once, "webhook")

    def destination(self, address: str) -> str:
        """The endpoint."""
        return address

    def write(self, letter: Letter) -> bytes:
        """What is posted: that something waits, by the numbers of alerts and no child's reference, name or word."""
        self._endpoint(letter.address)
        said = {
            "type": "alertd.notification" if letter.reference else "alertd.message",
            "timestamp": letter.date.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "data": {
                "id": letter.id,
                "urgent": letter.urgent,
                "alerts": list(letter.about),
                "reference": letter.reference or None,
            },
        }
        return json.dumps(said, sort_keys=True, separators=(",", ":")).encode("ascii")

    def _endpoint(self, name: str) -> Endpoint:
        found = self._config.endpoints.get(name)
        if found is None:
            known = self._config.endpoints
            fix = did_you_mean(name, known) or f"There are {', '.join(known)}"
            raise InputError("there is no webhook endpoint of that name", where=f"endpoint {name}", fix=fix)
        return found

    async def send(self, message: Message) -> Outcome:
        """Post it once. 2xx is success and nothing else is, and what comes after it changes that no more."""
        endpoint = self._config.endpoints.get(message.recipient)
        if endpoint is None:
            return Outcome("refused", "not sent: its endpoint is not in the settings any more", "destination")
        if message.recipient in self._gone:
            return Outcome("refused", f"not sent: the endpoint answered {_GONE} earlier{_SWITCHED_OFF}", "destination")
        attempt = _Attempt(self.say)
        try:
            async with asyncio.timeout(self._config.timeout_seconds):
                await self._post(endpoint, message, attempt)
        except (*_FAULTS, TimeoutError, OSError) as fault:
            return attempt.heard or _failed(fault, begun=attempt.request)
        assert attempt.heard is not None
        return attempt.heard

    async def _post(self, endpoint: Endpoint, message: Message, attempt: _Attempt) -> None:
        backend = CheckedBackend(allow_private=endpoint.allow_private, threads=self._threads)
        context = self._contexts[message.recipient]
        async with (
            httpcore.AsyncConnectionPool(ssl_context=context, max_connections=1, network_backend=backend) as pool,
            pool.stream(
                "POST",
                endpoint.url,
                headers=self._signed(message),
                content=message.content,
                extensions={"trace": attempt.trace},
            ) as answer,
        ):
            headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in answer.headers}
            attempt.heard = _judged(answer.status, headers)
            if answer.status == _GONE:
                self._gone.add(message.recipient)
            if attempt.heard.result == "delivered" and await _acknowledges(answer):
                attempt.heard = replace(attempt.heard, reference=_ACKNOWLEDGED)

    def _signed(self, message: Message) -> list[tuple[str | bytes, str | bytes]]:
        """The same id at every attempt, its own time, and a signature by each secret."""
        now = datetime.now(UTC)
        body = message.content.decode("ascii")
        signatures = [one.sign(message.id, now, body) for one in self._signers[message.recipient]]
        found = {
            "host": urlsplit(self._config.endpoints[message.recipient].url).netloc,
            "content-type": "application/json",
            "content-length": str(len(message.content)),
            "user-agent": "alertd",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
        return list(found.items())

    async def check(self) -> Outcome:
        """Connect to every endpoint, and post nothing. What is wrong with any of them is said."""
        endpoints = self._config.endpoints
        found = await asyncio.gather(*(self._check(name, one) for name, one in endpoints.items()))
        if wrong := [f"endpoint {name}: {why}" for name, why in zip(endpoints, found, strict=True) if why]:
            return Outcome("later", "; ".join(wrong), "destination")
        return Outcome("delivered", f"{', '.join(endpoints)} answer")

    async def _check(self, name: str, endpoint: Endpoint) -> str:
        backend = CheckedBackend(allow_private=endpoint.allow_private, threads=self._threads)
        url = urlsplit(endpoint.url)
        host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        try:
            async with asyncio.timeout(self._config.timeout_seconds):
                stream = await backend.connect_tcp(host, port)
                if url.scheme == "https":
                    stream = await stream.start_tls(self._contexts[name], host)
                await stream.aclose()
        except (*_FAULTS, TimeoutError, OSError) as fault:
            return _failed(fault, begun=False).reason
        return ""

    async def receipts(self, awaited: Sequence[Awaited]) -> list[Receipt]:
        """Those that were acknowledged in the answer itself: the reference says so, and nobody is asked."""
        return [
            Receipt(one.delivery, "acknowledged", f"webhook:{one.delivery}", "the endpoint acknowledged it")
            for one in awaited
            if one.reference == _ACKNOWLEDGED
        ]


def _signers(name: str, endpoint: Endpoint) -> list[Webhook]:
    return [_signer(name, endpoint, line) for line in read_secret(endpoint.secret_file).split()]


def _signer(name: str, endpoint: Endpoint, line: str) -> Webhook:
    """Checked here, because the library reads whatever it is given as a key."""
    try:
        key = base64.b64decode(line.removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not (line.startswith(_PREFIX) and _SHORTEST <= len(key) <= _LONGEST):
        where, fix = str(endpoint.secret_file), "Each line is one secret: whsec_ and base64 of 24 to 64 bytes"
        raise InputError(f"a secret of endpoint {name} cannot be used", where=where, fix=fix)
    return Webhook(key)


def _context(endpoint: Endpoint) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=endpoint.ca_file)
    except OSError as fault:
        where = str(endpoint.ca_file)
        raise InputError(f"the certificate file cannot be used ({type(fault).__name__})", where=where) from fault
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _judged(code: int, headers: Mapping[str, str]) -> Outcome:
    if 200 <= code <= 299:
        return Outcome("delivered", "the endpoint has it")
    said = f"the endpoint answered {code}"
    if code == _GONE:
        return Outcome("refused", f"{said}{_SWITCHED_OFF}", "destination")
    if 300 <= code <= 399:
        return Outcome("refused", f"{said}: it has moved, and nothing is followed. Correct its url", "destination")
    return Outcome("later", f"not taken: {said}", "destination", _asked(headers))


async def _acknowledges(answer: httpcore.Response) -> bool:
    """Whether the answer says ``{"acknowledged": true}``; one that is long or something else says nothing."""
    said = b""
    async for piece in answer.aiter_stream():
        said += piece
        if len(said) > _LONGEST_ANSWER:
            return False
    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("acknowledged") is True


def _asked(headers: Mapping[str, str]) -> timedelta | None:
    """How long it asked to be left alone (RFC 9110, 10.2.3): in seconds, or until a date."""
    said = headers.get("retry-after", "").strip()
    if said.isdecimal() and len(said) <= 6:
        return timedelta(seconds=int(said))
    try:
        until = parsedate_to_datetime(said)
        return max(until - datetime.now(UTC), timedelta())
    except (ValueError, TypeError):
        return None


def _failed(fault: BaseException, *, begun: bool) -> Outcome:
    """Before the request was begun nothing was sent. After, nobody can know."""
    causes = [fault]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
        causes.append(cause)
    found = next((one for one in causes if isinstance(one, _NAMED)), None)
    if isinstance(found, NotAllowedError):
        return Outcome("refused", f"not sent: {found}", "destination")
    if begun:
        return Outcome("unknown", "posted, but no answer came: it may have arrived", "destination")
    what = {
        ssl.SSLCertVerificationError: "the endpoint's certificate was not accepted",
        ssl.SSLError: "TLS with the endpoint failed",
        socket.gaierror: "the endpoint's name could not be looked up",
    }
    why = next((words for kind, words in what.items() if isinstance(found, kind)), "the endpoint cannot be reached")
    return Outcome("later", f"not sent: {why}", "destination")
