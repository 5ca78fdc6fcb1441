"""What MESH's answers mean. Its words are not repeated, only its codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import requests

from alertd.outbox.channel import Outcome, Receipt
from alertd_notifiers.never_left import never_left

_TAKEN_AWAY: Final = (502, 504)
"""What a gateway answers instead of what would have been the answer."""

_MEANS: Final = {
    "12": "the recipient has no such mailbox: correct the agency's address",
    "17": "the recipient does not take this workflow: agree on workflow_id with them",
    "18": "the recipient does not take this workflow: agree on workflow_id with them",
    "14": "nobody collected it in five days: tell them another way",
}
"""The codes an office can do something about (the MESH API's list of errors)."""


def refused(said: object) -> Outcome:
    """The outcome of a message that MESH refused, by the JSON of its answer, of either version of its API."""
    code = ""
    if isinstance(said, Mapping):
        detail = said.get("detail")
        first = detail[0] if isinstance(detail, list) and detail and isinstance(detail[0], Mapping) else said
        code = str(first.get("code") or first.get("errorCode") or "")
    why = _MEANS.get(code, "see the mailbox and the workflow")
    return Outcome("refused", f"MESH refused it{_shown(code)}: {why}", "destination")


def failed(fault: Exception) -> Outcome:
    """The outcome of a request without an answer about the message: by how far it came, then by the code."""
    answer = fault.response if isinstance(fault, requests.RequestException) else None
    if answer is None:
        why = never_left(fault) if isinstance(fault, requests.RequestException) else ""
        if why:
            return Outcome("later", f"not sent: MESH: {why}", "channel")
        return Outcome("unknown", "handed to MESH, but no answer came that can be understood: it may have it")
    code = answer.status_code
    match code:
        case 401 | 403:
            what = "MESH refuses the mailbox, its password or the shared key, or this machine's clock is wrong"
            return Outcome("later", f"not sent: {what}", "channel")
        case 404 | 405:
            return Outcome("later", f"not sent: MESH answered {code}: see url and mailbox", "channel")
        case 425 | 429:
            return Outcome("later", f"not sent: MESH answered {code}: too much at once", "channel")
        case _ if 300 <= code <= 399:
            return Outcome("later", "not sent: url leads elsewhere, and nothing is followed", "channel")
        case _ if code in _TAKEN_AWAY:
            return Outcome("unknown", f"handed to MESH, which answered {code}: it may have it", "channel")
        case _ if 500 <= code <= 599:
            return Outcome("later", f"not sent: MESH answered {code}", "channel")
    return Outcome("unknown", "handed to MESH, but its answer could not be understood: it may have it")


def tracked(delivery: str, reference: str, said: object) -> Receipt | None:
    """The receipt in what tracking says of a message; None while it waits for the recipient."""
    if not isinstance(said, Mapping):
        return None
    status = str(said.get("status") or "").lower()
    if status == "acknowledged":
        key = f"mesh:{reference.upper()}:acknowledged"
        return Receipt(delivery, "acknowledged", key, "MESH: the recipient's system took it")
    if status in ("undeliverable", "error"):
        return report_of(delivery, reference, str(said.get("status_code") or ""))
    return None


def report_of(delivery: str, reference: str, code: str) -> Receipt:
    """The receipt of a message that came back; from tracking and from the report in our inbox it counts once."""
    why = _MEANS.get(code, "tell them another way")
    return Receipt(
        delivery, "failed", f"mesh:{reference.upper()}:failed", f"MESH could not deliver it{_shown(code)}: {why}"
    )


def _shown(code: str) -> str:
    return f" (its code {code})" if re.fullmatch(r"[A-Za-z0-9-]{1,10}", code) else ""
