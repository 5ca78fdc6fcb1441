"""The MESH channel, by mesh-client: one message, one mailbox."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Sequence
from typing import Final

import requests
from mesh_client import MeshClient, MeshError
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from alertd.errors import InputError
from alertd.outbox.channel import Awaited, Letter, Message, Notifier, Outcome, Pace, Receipt
from alertd.outbox.channel_config import read_secret
from alertd_notifiers.mesh.config import MAILBOX, MeshConfig

ASKED_AT_ONCE: Final = 50
"""Messages whose tracking is asked for at one time."""

_SUBJECT: Final = "alertd notification"


class MeshNotifier(Notifier):
    """Puts messages into MESH, which keeps each for the recipient for five days; tracking says when they took it."""

    name = "mesh"

    def __init__(self, config: MeshConfig) -> None:
        """Reads the secrets now, so that a fault in one shows at the start."""
        logging.getLogger("mesh_client").setLevel(logging.CRITICAL + 1)
        self._config = config
        self._password = read_secret(config.password_file, "password")
        self._shared_key = read_secret(config.shared_key_file, "key").encode("utf-8")
        self._check_certificates()
        self.pace = Pace(at_once=4, at_once_to_one=2, per_minute=config.per_minute)

    def _check_certificates(self) -> None:
        try:
            context = ssl.create_default_context(cafile=self._config.ca_file)
            if self._config.certificate_file and self._config.key_file:
                read_secret(self._config.key_file, "key")
                context.load_cert_chain(self._config.certificate_file, self._config.key_file)
        except OSError as fault:  # ssl's own errors are these too
            what = f"the certificates cannot be used ({type(fault).__name__})"
            fix = "Give the certificate, its key and whom to trust"
            raise InputError(what, where="mesh.certificate_file", fix=fix) from None

    def destination(self, address: str) -> str:
        """The mailbox."""
        return address

    def write(self, letter: Letter) -> bytes:
        """The words, as text. Subject and file name are in the open on the way, so they say nothing."""
        if not re.fullmatch(MAILBOX, letter.address):
            fix = "Write the mailbox's id, as X26HC005"
            raise InputError("is no MESH mailbox", where=f"delivery {letter.id}", fix=fix)
        return f"{letter.subject}\n\n{letter.text}".encode()

    async def send(self, message: Message) -> Outcome:
        """Put it into MESH once; our id goes with it, so that a repeat can be recognised."""
        return await asyncio.to_thread(self._send, message)

    async def check(self) -> Outcome:
        """Shake hands with our own mailbox."""
        return await asyncio.to_thread(self._check)

    async def receipts(self, awaited: Sequence[Awaited]) -> list[Receipt]:
        """Which messages the recipients took, and which came back."""
        return await asyncio.to_thread(self._receipts, awaited[:ASKED_AT_ONCE])

    def _client(self) -> MeshClient:
        """To be closed. Without repeats of its own: a repeat may be a copy, and we count those."""
        own = self._config
        return MeshClient(
            own.url,
            own.mailbox,
            self._password,
            shared_key=self._shared_key,
            cert=(str(own.certificate_file), str(own.key_file)) if own.certificate_file else None,
            verify=str(own.ca_file) if own.ca_file else None,
            check_hostname=True,
            max_retries=0,
            timeout=own.timeout_seconds,
            application_name="alertd",
        )

    def _send(self, message: Message) -> Outcome:
        try:
            with self._client() as client:
                found = client.send_message(
                    message.recipient,
                    message.content,
                    workflow_id=self._config.workflow_id,
                    local_id=message.id,
                    subject=_SUBJECT,
                    filename=f"{message.id}.txt",
                    content_type="text/plain; charset=utf-8",
                )
        except (MeshError, requests.RequestException) as fault:
            return _failed(fault)
        return Outcome("delivered", "MESH took responsibility for it", reference=str(found))

    def _check(self) -> Outcome:
        try:
            with self._client() as client:
                client.handshake()
        except requests.RequestException as fault:
            return _failed(fault)
        return Outcome("delivered", f"MESH answers for the mailbox {self._config.mailbox}")

    def _receipts(self, awaited: Sequence[Awaited]) -> list[Receipt]:
        found = []
        with self._client() as client:
            for one in awaited:
                try:
                    said = client.track_message(one.reference)
                except (MeshError, requests.RequestException):
                    continue  # asked again the next time
                status = str(said.get("status") or "").lower()
                key = f"mesh:{one.reference}:{status}"
                if status == "acknowledged":
                    found.append(Receipt(one.delivery, "acknowledged", key, "MESH: the recipient's system took it"))
                elif status in ("undeliverable", "error") or said.get("status_success") is False:
                    code = _code(str(said.get("status_code") or ""))
                    why = f"MESH could not deliver it{code}: tell them another way"
                    found.append(Receipt(one.delivery, "failed", key, why))
        return found


def _code(said: str) -> str:
    return f" (its code {said})" if re.fullmatch(r"[A-Za-z0-9-]{1,10}", said) else ""


def _failed(fault: Exception) -> Outcome:
    """By the code where MESH answered; its words are not repeated."""
    if isinstance(fault, MeshError):  # an answer that says what is wrong with the message
        detail = fault.args[1] if len(fault.args) > 1 and isinstance(fault.args[1], dict) else {}
        said = _code(str(detail.get("errorCode") or detail.get("error_code") or ""))
        return Outcome("refused", f"MESH refused it{said}: see the mailbox and the workflow", "destination")
    code = getattr(getattr(fault, "response", None), "status_code", 0)
    if not code:
        reason = getattr(fault.args[0], "reason", None) if fault.args else None
        if isinstance(fault, requests.exceptions.SSLError):
            return Outcome("later", "not sent: a certificate was not accepted, theirs or ours", "channel")
        if isinstance(fault, requests.ConnectTimeout) or isinstance(reason, NewConnectionError | ConnectTimeoutError):
            return Outcome("later", "not sent: MESH cannot be reached", "channel")
        return Outcome("unknown", "handed to MESH, but no answer came: it may have it")
    if code in (401, 403):
        return Outcome("later", "not sent: MESH refuses the mailbox, its password or the shared key", "channel")
    if code == 429 or 500 <= code <= 599:
        return Outcome("later", f"not sent: MESH answered {code}", "channel")
    return Outcome("unknown", "handed to MESH, but its answer could not be understood: it may have it")
