"""How far a request came that has no answer, for the channels whose libraries use ``requests``."""

from __future__ import annotations

import re
import ssl
from typing import Final

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

_AT_THE_DOOR: Final = re.compile(r"CERT|UNKNOWN_CA|HANDSHAKE|VERSION|PROTOCOL", re.IGNORECASE)
"""OpenSSL's names of faults of a handshake, and of the alerts by which the other side ends one."""


def never_left(fault: requests.RequestException) -> str:
    """Why nothing of the request can have been taken; blank where it may have been, for all that can be known."""
    reason = getattr(fault.args[0], "reason", None) if fault.args else None
    if isinstance(fault, requests.ConnectTimeout) or isinstance(reason, NewConnectionError | ConnectTimeoutError):
        return "it cannot be reached"
    if isinstance(fault, requests.exceptions.ProxyError):
        return "the proxy cannot be reached, or refuses"
    if isinstance(fault, requests.exceptions.SSLError):
        inner = next((one for one in getattr(reason, "args", ()) if isinstance(one, ssl.SSLError)), None)
        if isinstance(inner, ssl.SSLCertVerificationError):
            return "its certificate was not accepted"
        if inner is not None and _AT_THE_DOOR.search(inner.reason or ""):
            return "TLS was not agreed on: see our certificate, if it wants one, and theirs"
    return ""
