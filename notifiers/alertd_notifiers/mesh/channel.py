"""The MESH channel, by mesh-client: one message, one mailbox."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Any, Final

import requests
from mesh_client import MeshClient, MeshError

from alertd.errors import InputError
from alertd.outbox.channel import Awaited, Letter, Message, Notifier, Outcome, Pace, Receipt
from alertd.outbox.channel_config import read_secret
from alertd_notifiers.in_thread import in_thread
from alertd_notifiers.mesh.answers import failed, refused, report_of, tracked
from alertd_notifiers.mesh.config import MAILBOX, MeshConfig

ASKING_SECONDS: Final = 60.0
"""How long receipts are asked for in one look: other channels wait for it."""

LOOKED_AT: Final = 50
"""Messages in our own inbox whose headers are read in one look."""

_TIMES: Final = 3
"""Times the limit of a request that an attempt may take: it may be two requests, and each connects first."""

_SUBJECT: Final = "alertd notification"


class _Client(MeshClient):
    """Without repeats of its own: a repeat may be a copy, and we count those."""

    def __init__(self, config: MeshConfig, password: str, shared_key: bytes) -> None:
        """Raises OSError where the certificates cannot be read."""
        try:
            super().__init__(
                config.url,
                config.mailbox,
                password,
                shared_key=shared_key,
                cert=(str(config.certificate_file), str(config.key_file)) if config.certificate_file else None,
                verify=str(config.ca_file) if config.ca_file else None,
                check_hostname=True,
                max_retries=0,
                timeout=config.timeout_seconds,
                application_name="alertd",
            )
        except OSError:
            self._session.close()
            self._close_called = True  # or it warns of us when it is thrown away
            raise
        if config.ca_file:
            self._session.verify = str(config.ca_file)  # and nobody beside it
        self._session.max_redirects = 0  # what is followed takes the message along

    def send_chunk(self, *args: Any, **kwargs: Any) -> Any:
        """The answer to a message, where it is about the message: the library takes any JSON for that."""
        answer = super().send_chunk(*args, **kwargs)
        if answer.status_code not in (200, 202, 400, 413, 417, 422):
            raise requests.HTTPError(response=answer)
        return answer

    def track_local(self, local_id: str) -> str | None:
        """MESH's id of a message that we gave this id, blank where it has several of them; None where it has none."""
        answer = self._session.get(f"{self.mailbox_url}/outbox/tracking/{local_id}", timeout=self._timeout)
        if answer.status_code in (404, 405, 410):
            return None
        if answer.status_code == 300:
            return ""
        answer.raise_for_status()
        said = answer.json()
        found = (said.get("messageId") or said.get("message_id")) if isinstance(said, Mapping) else None
        return str(found or "")

    def report_about(self, id_: str) -> tuple[str, str]:
        """Of which message one in our inbox is the report, and its code; blank where it is no report."""
        answer = self._session.head(f"{self.mailbox_url}/inbox/{id_}", timeout=self._timeout)
        if answer.status_code in (404, 410):
            return "", ""  # somebody took it
        answer.raise_for_status()
        if answer.headers.get("Mex-MessageType", "").upper() != "REPORT":
            return "", ""
        return answer.headers.get("Mex-LinkedMsgID", "").upper(), answer.headers.get("Mex-StatusCode", "")


class MeshNotifier(Notifier):
    """Puts messages into MESH, which keeps each for the recipient for five days; tracking says when they took it.

    After a lost answer it asks first whether MESH has the message, so that none goes twice."""

    name = "mesh"

    def __init__(self, config: MeshConfig) -> None:
        """Reads the secrets now, so that a fault in one shows at the start."""
        self._config = config
        self._password = read_secret(config.password_file, "password")
        self._shared_key = read_secret(config.shared_key_file, "key").encode("utf-8")
        self._check_certificates()
        self._inbox: dict[str, tuple[str, str]] = {}
        """What is in our own inbox: of which message each is the report, blank where it is none, and its code."""
        self._told: set[str] = set()
        """Reports that were told of and are still there."""
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
        """Put it into MESH once; our id goes with it."""
        try:
            return await in_thread(partial(self._send, message), _TIMES * self._config.timeout_seconds)
        except TimeoutError:
            return Outcome("unknown", "handed to MESH, but no whole answer came in time: it may have it")

    async def check(self) -> Outcome:
        """Shake hands with our own mailbox, and look what waits in it."""
        try:
            return await in_thread(self._check, _TIMES * self._config.timeout_seconds)
        except TimeoutError:
            return Outcome("later", "MESH does not answer in time", "channel")

    async def receipts(self, awaited: Sequence[Awaited]) -> list[Receipt]:
        """Which messages the recipients took, and which came back."""
        found: list[Receipt] = []
        try:
            await in_thread(partial(self._ask, awaited, found), ASKING_SECONDS + self._config.timeout_seconds)
        except (OSError, ValueError, TimeoutError):
            return list(found)  # MESH, or what it says, is out of reach: the rest is asked for the next time
        return found

    def _client(self) -> _Client:
        """To be closed. Raises OSError where the certificates cannot be read any more."""
        return _Client(self._config, self._password, self._shared_key)

    def _send(self, message: Message) -> Outcome:
        try:
            client = self._client()
        except OSError as fault:
            what = f"our certificate, its key or ca_file cannot be used any more ({type(fault).__name__})"
            return Outcome("later", f"not sent: {what}", "channel")
        with client:
            if message.again:
                try:
                    known = client.track_local(message.id)
                except (requests.RequestException, ValueError) as fault:
                    why = failed(fault).reason
                    return Outcome("later", f"not sent: MESH could not be asked whether it has it ({why})", "channel")
                if known is not None:
                    return Outcome("delivered", "MESH had it already", reference=known)
            try:
                found = client.send_message(
                    message.recipient,
                    message.content,
                    workflow_id=self._config.workflow_id,
                    local_id=message.id,
                    subject=_SUBJECT,
                    filename=f"{message.id}.txt",
                    content_type="text/plain; charset=utf-8",
                )
            except MeshError as fault:
                return refused(fault.args[1] if len(fault.args) > 1 else None)
            except (requests.RequestException, LookupError, TypeError, ValueError) as fault:
                return failed(fault)
        return Outcome("delivered", "MESH took responsibility for it", reference=str(found))

    def _check(self) -> Outcome:
        try:
            with self._client() as client:
                client.handshake()
                others = self._look(client)
        except requests.RequestException as fault:
            judged = failed(fault)
            return Outcome("later", judged.reason, "channel")
        except (OSError, ValueError) as fault:
            return Outcome("later", f"not sent: MESH cannot be used ({type(fault).__name__})", "channel")
        waits = f"; {others} messages wait there that are not for alertd: it leaves them" if others else ""
        return Outcome("delivered", f"MESH answers for the mailbox {self._config.mailbox}{waits}")

    def _ask(self, awaited: Sequence[Awaited], found: list[Receipt]) -> None:
        """Put receipts into ``found``. Ends where the next question would have no answer either."""
        until = monotonic() + ASKING_SECONDS
        with self._client() as client:
            self._reports(client, awaited, found)
            for one in awaited:
                if monotonic() > until:
                    return
                try:
                    said = client.track_message(one.reference)
                except requests.HTTPError as fault:
                    if fault.response is None or fault.response.status_code not in (400, 404, 410):
                        return
                    continue  # it has none of that id: kept for 30 days only
                if receipt := tracked(one.delivery, one.reference, said):
                    found.append(receipt)

    def _reports(self, client: _Client, awaited: Sequence[Awaited], found: list[Receipt]) -> None:
        """Put what our own inbox says of messages that came back into ``found``. Once that is stored, the message is
        not awaited any more: then its report is taken out of the inbox."""
        self._look(client)
        deliveries = {one.reference.upper(): one.delivery for one in awaited}
        for id_, (about, code) in list(self._inbox.items()):
            if about in deliveries:
                found.append(report_of(deliveries[about], about, code))
                self._told.add(id_)
            elif id_ in self._told:
                client.acknowledge_message(id_)
                self._told.discard(id_)

    def _look(self, client: _Client) -> int:
        """Read the headers of what came into our inbox since the last look, at most as many as :data:`LOOKED_AT`, and
        nothing else of it. How many are there that are no reports."""
        there = client.list_messages()
        self._inbox = {id_: known for id_, known in self._inbox.items() if id_ in set(there)}
        for id_ in [id_ for id_ in there if id_ not in self._inbox][:LOOKED_AT]:
            self._inbox[id_] = client.report_about(id_)
        return sum(not about for about, _ in self._inbox.values())
