"""The GOV.UK Notify channel, by its official client."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import requests
from notifications_python_client.errors import APIError
from notifications_python_client.notifications import NotificationsAPIClient
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from alertd.outbox.channel import Awaited, Letter, Message, Notifier, Outcome, Pace, Receipt, ReceiptKind
from alertd.outbox.channel_config import read_secret
from alertd_notifiers.govuk_notify.config import GovukNotifyConfig
from alertd_notifiers.govuk_notify.written import address_lines, sort_of, written

ASKED_AT_ONCE: Final = 100
"""Messages whose status is asked for at one time; Notify's limit of requests holds for these too."""

_ENDED: Final[dict[str, tuple[ReceiptKind, str]]] = {
    "delivered": ("arrived", "delivered"),
    "received": ("arrived", "the letter was printed and posted"),
    "permanent-failure": ("failed", "the address or number does not exist: correct it"),
    "temporary-failure": ("failed", "the inbox was full or the phone off for three days: tell them another way"),
    "technical-failure": ("failed", "Notify and its provider failed: tell them another way"),
    "validation-failed": ("failed", "the letter could not be printed: look at its template"),
    "virus-scan-failed": ("failed", "the letter was refused"),
    "cancelled": ("failed", "it was cancelled at Notify"),
}
"""What ends a message at Notify (its API documentation, "Get message data"); other statuses are on the way there."""


class GovukNotifyNotifier(Notifier):
    """Sends e-mails, text messages and letters. After a lost answer it asks first whether Notify has the message, so
    that none goes twice."""

    name = "govuk_notify"

    def __init__(self, config: GovukNotifyConfig) -> None:
        """Reads the key now, so that a fault in it shows at the start."""
        logging.getLogger("notifications_python_client").setLevel(logging.CRITICAL + 1)  # it repeats what was sent
        self._config = config
        self._api_key = read_secret(config.api_key_file, "key")
        self._templates = {
            "email": config.email_template,
            "text": config.text_template,
            "letter": config.letter_template,
        }
        self._own = threading.local()
        self.pace = Pace(at_once=4, at_once_to_one=4, per_minute=config.per_minute)

    def destination(self, address: str) -> str:
        """None: what fails, fails for all."""
        del address
        return ""

    def write(self, letter: Letter) -> bytes:
        """What Notify puts into the template."""
        return written(letter)

    async def send(self, message: Message) -> Outcome:
        """Hand it to Notify once."""
        return await asyncio.to_thread(self._send, message)

    async def check(self) -> Outcome:
        """Ask for the templates that messages are made of."""
        return await asyncio.to_thread(self._check)

    async def receipts(self, awaited: Sequence[Awaited]) -> list[Receipt]:
        """How far messages came, the oldest first."""
        return await asyncio.to_thread(self._receipts, awaited[:ASKED_AT_ONCE])

    def _client(self) -> Any:
        """One for each thread: the library's is for one alone, and says nothing of its types."""
        found = getattr(self._own, "client", None)
        if found is None:
            timeout, url = self._config.timeout_seconds, self._config.base_url
            make: Any = NotificationsAPIClient
            found = self._own.client = make(self._api_key, base_url=url, timeout=timeout)
        return found

    def _send(self, message: Message) -> Outcome:
        said = json.loads(message.content)
        template = self._templates[said["sort"]]
        if template is None:
            return Outcome("refused", f"not sent: the settings have no {said['sort']}_template")
        try:
            if message.again and (known := self._known(message.id)):
                return Outcome("delivered", "Notify had it already", reference=known)
            answer = self._post(message, template, said["says"])
        except APIError as fault:
            return _failed(fault)
        return Outcome("delivered", "Notify took responsibility for it", reference=str(answer["id"]))

    def _known(self, delivery: str) -> str:
        """Notify's own id of a message that it has; blank where it has none."""
        found = self._client().get_all_notifications(reference=delivery)["notifications"]
        return str(found[0]["id"]) if found else ""

    def _post(self, message: Message, template: str, says: dict[str, str]) -> Any:
        client, to = self._client(), message.recipient
        match sort_of(to):
            case "email":
                return client.send_email_notification(to, template, says, reference=message.id)
            case "text":
                return client.send_sms_notification(to, template, says, reference=message.id)
        return client.send_letter_notification(template, says | address_lines(to), reference=message.id)

    def _check(self) -> Outcome:
        try:
            for template in filter(None, self._templates.values()):
                self._client().get_template(template)
        except APIError as fault:
            return _failed(fault)
        return Outcome("delivered", "Notify answers, and has the templates")

    def _receipts(self, awaited: Sequence[Awaited]) -> list[Receipt]:
        found = []
        for one in awaited:
            try:
                status = str(self._client().get_notification_by_id(one.reference)["status"])
            except APIError:
                continue  # asked again the next time
            if status in _ENDED:
                kind, words = _ENDED[status]
                found.append(Receipt(one.delivery, kind, f"notify:{one.reference}:{status}", f"Notify: {words}"))
        return found


def _failed(fault: APIError) -> Outcome:
    """By the code where Notify answered; its words are not repeated, because they may hold the address."""
    cause = fault.__cause__
    if isinstance(cause, requests.RequestException) and cause.response is None:
        reason = getattr(cause.args[0], "reason", None) if cause.args else None
        if isinstance(cause, requests.ConnectTimeout) or isinstance(reason, NewConnectionError | ConnectTimeoutError):
            return Outcome("later", "not sent: Notify cannot be reached", "channel")
        if isinstance(cause, requests.exceptions.SSLError):
            return Outcome("later", "not sent: Notify's certificate was not accepted", "channel")
        return Outcome("unknown", "handed to Notify, but no answer came: it may have it")
    code = fault.status_code
    match code:
        case 400:
            return Outcome("refused", "Notify refused it: the address, or what the template needs, is not right")
        case 401 | 403:
            what = "Notify refuses the key: see that it is whole and live, and that this machine's clock is right"
            return Outcome("later", f"not sent: {what}", "channel")
        case 429:
            what = "Notify's limit for a minute or for the day is reached"
            return Outcome("later", f"not sent: {what}", "channel", timedelta(minutes=1))
        case _ if 500 <= code <= 599:
            return Outcome("later", f"not sent: Notify answered {code}", "channel")
    return Outcome("unknown", "handed to Notify, but its answer could not be understood: it may have it")
