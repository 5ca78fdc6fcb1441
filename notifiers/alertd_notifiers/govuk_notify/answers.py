"""What Notify's answers mean. Its words are never repeated: they may hold the address."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from alertd.outbox.channel import Outcome, Receipt, ReceiptKind

_ENDED: Final[dict[str, tuple[ReceiptKind, str]]] = {
    "delivered": ("arrived", "delivered"),
    "received": ("arrived", "the letter was printed and posted"),
    "permanent-failure": ("failed", "the address or number does not exist: correct it"),
    "temporary-failure": ("failed", "the inbox was full or the phone off for too long: tell them another way"),
    "technical-failure": ("failed", "Notify and its provider failed: tell them another way"),
    "validation-failed": ("failed", "the letter could not be printed: look at its template"),
    "virus-scan-failed": ("failed", "the letter was refused"),
    "cancelled": ("failed", "it was cancelled at Notify"),
}
"""What ends a message at Notify (its API documentation, "Get message data"); other statuses are on the way there."""

_SETTING: Final = re.compile(r"personalisation|template|not allowed to send|sms_sender_id|message is empty", re.I)
_TRIAL: Final = re.compile(r"team-only|trial mode", re.I)
_LONG: Final = re.compile(r"too long|no more than", re.I)
"""Words of Notify's refusals (400), which have no codes of their own."""

_TAKEN_AWAY: Final = (502, 504)
"""What a gateway, or Notify when it was too slow, answers instead of what would have been the answer."""


def receipt_of(delivery: str, id_: str, status: str) -> Receipt | None:
    """The receipt of a message with this status at Notify; None while it is on its way."""
    if status not in _ENDED:
        return None
    kind, words = _ENDED[status]
    return Receipt(delivery, kind, f"notify:{id_}:{status}", f"Notify: {words}")


def refusal(code: int, said: object) -> Outcome:
    """The outcome of a message that Notify answered with this code, and ``said`` as the JSON of its answer."""
    kinds, words = _errors(said)
    match code:
        case 400 if _TRIAL.search(words):
            what = "Notify refused it: the service is in trial mode, or the key is for your team and its guests only"
            return Outcome("refused", f"{what}. Ask Notify to make the service live")
        case 400 if _SETTING.search(words):
            what = "Notify refuses the template or the sender: see that it has the placeholders of the documentation"
            return Outcome("later", f"not sent: {what}. alertd check says which", "channel")
        case 400 if _LONG.search(words):
            return Outcome("refused", "Notify refused it: it is too long")
        case 400:
            return Outcome("refused", "Notify refused it: the address or number is not right")
        case 401 | 403:
            what = "Notify refuses the key: see that it is whole and live, and that this machine's clock is right"
            return Outcome("later", f"not sent: {what}", "channel")
        case 429 if "TooManyRequestsError" in kinds:
            what = "Notify's limit for the day is reached; it begins anew at midnight UTC. Ask Notify for more"
            return Outcome("later", f"not sent: {what}", "channel", timedelta(hours=1))
        case 429:
            return Outcome("later", "not sent: Notify's limit for a minute is reached", "channel", timedelta(minutes=1))
        case _ if 300 <= code <= 399:
            return Outcome("later", "not sent: base_url leads elsewhere, and nothing is followed", "channel")
        case _ if code in _TAKEN_AWAY:
            return Outcome("unknown", f"handed to Notify, which answered {code}: it may have it", "channel")
        case _ if 500 <= code <= 599:
            return Outcome("later", f"not sent: Notify answered {code}", "channel")
        case 404 | 405:
            return Outcome("later", f"not sent: Notify answered {code}: see base_url and the templates", "channel")
    return Outcome("unknown", "handed to Notify, but its answer could not be understood: it may have it")


def _errors(said: object) -> tuple[set[str], str]:
    """The kinds of the errors in an answer, and their words together."""
    found = said.get("errors") if isinstance(said, Mapping) else None
    errors = [one for one in found if isinstance(one, Mapping)] if isinstance(found, Sequence) else []
    return {str(one.get("error")) for one in errors}, " ".join(str(one.get("message")) for one in errors)
