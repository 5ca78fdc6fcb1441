"""The GOV.UK Notify channel, by its official client."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Any, Final

import requests
from notifications_python_client.errors import APIError, InvalidResponse
from notifications_python_client.notifications import NotificationsAPIClient

from alertd.errors import InputError
from alertd.outbox.channel import Awaited, Letter, Message, Notifier, Outcome, Pace, Receipt
from alertd.outbox.channel_config import read_secret
from alertd_notifiers.govuk_notify.answers import receipt_of, refusal
from alertd_notifiers.govuk_notify.callback import receipt_called_back
from alertd_notifiers.govuk_notify.config import UUID, GovukNotifyConfig
from alertd_notifiers.govuk_notify.written import address_lines, sort_of, written
from alertd_notifiers.in_thread import in_thread
from alertd_notifiers.never_left import never_left

ASKING_SECONDS: Final = 60.0
"""How long receipts are asked for in one look: other channels wait for it."""

_TIMES: Final = 3
"""Times the limit of a request that an attempt may take: it may be two requests, and each connects first."""

_NEEDS: Final = {"email": {"subject", "body"}, "text": {"message"}, "letter": {"subject", "body"}}
_SORTS: Final = {"email": "email", "text": "sms", "letter": "letter"}
"""What Notify calls each sort of template."""

_UNCLEAR: Final = Outcome("unknown", "handed to Notify, but its answer could not be understood: it may have it")


class GovukNotifyNotifier(Notifier):
    """Sends e-mails, text messages and letters. After a lost answer it asks first whether Notify has the message, so
    that none goes twice."""

    name = "govuk_notify"

    def __init__(self, config: GovukNotifyConfig) -> None:
        """Reads the key now, so that a fault in it shows at the start."""
        logging.getLogger("notifications_python_client").setLevel(logging.CRITICAL + 1)  # it repeats what was sent
        self._config = config
        self._api_key = read_secret(config.api_key_file, "key")
        if not re.fullmatch(rf"\S*{UUID}-{UUID}", self._api_key):
            fix = "Put the key there as Notify shows it when it is made: its name, the service's id, the secret"
            raise InputError("is no whole key of GOV.UK Notify", where=str(config.api_key_file), fix=fix)
        token = config.callback_token_file
        self._callback_token = read_secret(token, "token") if token else ""
        self._templates = {
            "email": config.email_template,
            "text": config.text_template,
            "letter": config.letter_template,
        }
        self._idle: list[Any] = []
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
        try:
            return await in_thread(partial(self._send, message), _TIMES * self._config.timeout_seconds)
        except TimeoutError:
            return Outcome("unknown", "handed to Notify, but no whole answer came in time: it may have it")

    async def check(self) -> Outcome:
        """Ask for the templates that messages are made of, and look whether they hold what is put into them."""
        try:
            return await in_thread(self._check, _TIMES * self._config.timeout_seconds)
        except TimeoutError:
            return Outcome("later", "Notify does not answer in time", "channel")

    async def receipts(self, awaited: Sequence[Awaited]) -> list[Receipt]:
        """How far messages came."""
        found: list[Receipt] = []
        try:
            await in_thread(partial(self._ask, awaited, found), ASKING_SECONDS + self._config.timeout_seconds)
        except TimeoutError:
            return list(found)  # the rest is asked for the next time
        return found

    def called_back(self, headers: Mapping[str, str], body: bytes) -> list[Receipt]:
        """What Notify posted; nothing for a status that ends nothing."""
        receipt = receipt_called_back(self._callback_token, headers, body)
        return [receipt] if receipt else []

    async def close(self) -> None:
        """Let go of connections."""
        while self._idle:
            self._idle.pop().request_session.close()

    def _client(self) -> Any:
        """One that nobody uses: each is for one thread at a time. It says nothing of its types."""
        try:
            return self._idle.pop()
        except IndexError:
            make: Any = NotificationsAPIClient
            made = make(self._api_key, base_url=self._config.base_url, timeout=self._config.timeout_seconds)
            made.request_session.max_redirects = 0  # what is followed takes the message along
            made.request_session.auth = _as_it_is
            return made

    def _ask_for(self, request: str, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Notify's answer to a request, by the name of the client's method. Raises APIError."""
        client = self._client()
        answer = getattr(client, request)(*args, **kwargs)
        self._idle.append(client)
        if not isinstance(answer, Mapping):
            raise InvalidResponse(message="No JSON object")
        return answer

    def _send(self, message: Message) -> Outcome:
        said = json.loads(message.content)
        template = self._templates[said["sort"]]
        if template is None:
            return Outcome("refused", f"not sent: the settings have no {said['sort']}_template")
        if message.again:
            try:
                found = self._ask_for("get_all_notifications", reference=message.id)["notifications"]
                known = str(found[0]["id"]) if found else ""
            except APIError as fault:
                why = _judged(fault).reason
                return Outcome("later", f"not sent: Notify could not be asked whether it has it ({why})", "channel")
            except (LookupError, TypeError):
                return Outcome("later", "not sent: Notify's answer whether it has it makes no sense", "channel")
            if known:
                return Outcome("delivered", "Notify had it already", reference=known)
        try:
            answer = self._post(message, template, said["says"])
        except APIError as fault:
            return _judged(fault)
        if not answer.get("id"):
            return _UNCLEAR
        return Outcome("delivered", "Notify took responsibility for it", reference=str(answer["id"]))

    def _post(self, message: Message, template: str, says: dict[str, str]) -> Mapping[str, Any]:
        to, reference = message.recipient, message.id
        match sort_of(to):
            case "email":
                return self._ask_for("send_email_notification", to, template, says, reference=reference)
            case "text":
                sender = self._config.sms_sender
                return self._ask_for(
                    "send_sms_notification", to, template, says, reference=reference, sms_sender_id=sender
                )
        return self._ask_for("send_letter_notification", template, says | address_lines(to), reference=reference)

    def _check(self) -> Outcome:
        for sort, template in self._templates.items():
            if template is None:
                continue
            try:
                said = self._ask_for("get_template", template)
            except APIError as fault:
                if fault.status_code in (400, 404):
                    return Outcome("refused", f"Notify has no template of the id of {sort}_template", "channel")
                judged = _judged(fault)
                return Outcome("later", judged.reason, "channel")
            if fault_of_it := _unfit(sort, said):
                return Outcome("refused", f"{sort}_template: {fault_of_it}", "channel")
        return Outcome("delivered", "Notify answers, and has the templates")

    def _ask(self, awaited: Sequence[Awaited], found: list[Receipt]) -> None:
        """Put receipts into ``found``. Ends where the next question would have no answer either."""
        until = monotonic() + ASKING_SECONDS
        for one in awaited:
            if monotonic() > until:
                return
            try:
                status = str(self._ask_for("get_notification_by_id", one.reference).get("status"))
            except APIError as fault:
                if fault.status_code in (400, 404):
                    continue  # it has none of that id: kept for 7 days only
                return  # asked again the next time
            if receipt := receipt_of(one.delivery, one.reference, status):
                found.append(receipt)


def _as_it_is(request: Any) -> Any:
    """Keeps the authorisation header: one from a ``.netrc`` would take its place."""
    return request


def _unfit(sort: str, template: Mapping[str, Any]) -> str:
    """Why a template cannot carry messages of this sort; blank where it can."""
    if template.get("type") != _SORTS[sort]:
        return f"is a template for {template.get('type')} at Notify"
    has, needs = {str(name).lower().replace(" ", "") for name in template.get("personalisation") or ()}, _NEEDS[sort]
    if missing := sorted(needs - has):
        return f"does not hold (({')) and (('.join(missing)})), so that would not be said"
    extra = {name for name in has - needs if not re.fullmatch(r"address_?line_?\d|postcode", name)}
    return f"holds {len(extra)} placeholders that alertd does not fill" if extra else ""


def _judged(fault: APIError) -> Outcome:
    """What a request that failed means: by how far it came, then by the code where Notify answered."""
    cause = fault.__cause__
    if isinstance(cause, requests.RequestException) and cause.response is None:
        if why := never_left(cause):
            return Outcome("later", f"not sent: Notify: {why}", "channel")
        return Outcome("unknown", "handed to Notify, but no answer came: it may have it")
    if isinstance(fault, InvalidResponse) or fault.response is None:
        return _UNCLEAR
    try:
        said = fault.response.json()
    except ValueError:
        said = None
    return refusal(fault.status_code, said)
