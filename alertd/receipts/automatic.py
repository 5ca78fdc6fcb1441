"""Which mails a machine wrote, and which of these say that somebody is away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from typing import Final

_MANY: Final = frozenset({"bulk", "junk", "list"})
_ANSWERED: Final = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply", "X-Autoresponder")
_AWAY: Final = re.compile(
    r"\s*(auto(matic)?[ -]?(reply|response)|out of (the )?office|ateb awtomatig|allan o['\u2019]?r swyddfa)",
    re.IGNORECASE,
)
"""How mail systems begin the subject of an answer for somebody who is away: Exchange in English and Welsh, and what
people write themselves."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Why a mail was not written by a person, and whether it answers for somebody who is away."""

    why: str
    away: bool = False


def machine(message: Message, subject: str) -> Machine | None:
    """What tells that a machine wrote a message; None where a person may have.

    By RFC 3834 (``Auto-Submitted``), and by what machines write beside or before it. Exchange calls its answers for
    people who are away ``auto-generated``, so that only their subject tells them from other mail of machines.
    """
    submitted = [re.split(r"[;(]", str(said))[0].strip().lower() for said in message.get_all("Auto-Submitted", [])]
    precedence = str(message["Precedence"] or "").strip().lower()
    if message.get_content_type() in ("multipart/report", "message/delivery-status"):
        return Machine("it is a report of a mail server")
    if precedence in _MANY or "List-Id" in message:
        return Machine("it says that it went to many, or by itself")
    away = _AWAY.match(subject) is not None
    if any(said != "no" for said in submitted):
        return Machine("it says that it was sent automatically", away or "auto-replied" in submitted)
    if precedence == "auto_reply" or any(message[name] for name in _ANSWERED):
        return Machine("it says that it was sent automatically", away=True)
    if away:
        return Machine("it is an out-of-office answer", away=True)
    if message["X-Auto-Response-Suppress"]:
        return Machine("it says that it was sent automatically")
    if str(message["Return-Path"] or "?").strip() == "<>":
        return Machine("it has no return path, as reports of mail servers")
    return None
