"""What a failed attempt means: decided by how far it had come, then by the server's code.

Before the message is handed over, nothing was taken. After it, only an answer can say so.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from enum import IntEnum

from aiosmtplib import SMTPNotSupported, SMTPResponseException

from alertd.outbox.channel import Outcome


class Stage(IntEnum):
    """How far an attempt has come, in order; ``ANSWER`` begins when the message is handed over."""

    CONNECT = 0
    TLS = 1
    LOGIN = 2
    SENDER = 3
    RECIPIENT = 4
    MESSAGE = 5
    ANSWER = 6


_DOING = {
    Stage.CONNECT: "connecting to the mail server",
    Stage.TLS: "setting up TLS with the mail server",
    Stage.LOGIN: "logging in to the mail server",
    Stage.SENDER: "naming the sender",
    Stage.RECIPIENT: "naming the recipient",
    Stage.MESSAGE: "announcing the message",
    Stage.ANSWER: "waiting for the answer to the message",
}
_NOT_ABOUT_THE_MESSAGE = (530, 535, 538)
"""RFC 4954, 6: authentication required, credentials invalid, encryption required first."""

_TEXT_LIMIT = 200


def judge(stage: Stage, fault: Exception) -> Outcome:
    """The outcome of an attempt that ended with ``fault`` at ``stage``."""
    code = fault.code if isinstance(fault, SMTPResponseException) else 0
    if stage is Stage.ANSWER and not 400 <= code <= 599:
        return Outcome("unknown", f"handed over, but {_described(fault)}: it may have arrived")
    reason = f"not sent: while {_DOING[stage]}, {_described(fault)}"
    if stage < Stage.SENDER or code in _NOT_ABOUT_THE_MESSAGE:
        busy = code == 421 or (stage is Stage.CONNECT and 400 <= code <= 499)
        return Outcome("later", reason, "message" if busy else "channel")
    final = 500 <= code <= 599 or isinstance(fault, SMTPNotSupported)
    return Outcome("refused" if final else "later", reason)


def _described(fault: Exception) -> str:
    cause = fault.__cause__ if isinstance(fault.__cause__, OSError) else fault
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the server's certificate was not accepted ({plain(cause.verify_message)})"
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed ({plain(cause.reason or 'no reason given')})"
    if isinstance(fault, SMTPResponseException):
        if 100 <= fault.code <= 999:
            return f"the server answered {fault.code} {plain(fault.message)}".rstrip()
        return "the server's answer could not be understood"
    if isinstance(fault, TimeoutError):
        return "the server did not answer in time"
    if isinstance(cause, socket.gaierror):
        return "the server's name could not be looked up"
    if isinstance(cause, OSError):  # the library's own connection errors are OSErrors too
        return os.strerror(cause.errno).lower() if cause.errno else "the connection failed"
    return plain(str(fault))


def plain(text: str) -> str:
    """Foreign text made fit for a log: one line, printable, short, without mail addresses."""
    printable = "".join(c for c in " ".join(text.split()) if c.isprintable())
    return re.sub(r"\S+@\S+", "(address)", printable)[:_TEXT_LIMIT]
