"""What Notify says by itself of a message: its delivery receipts (callbacks), where it was given alertd's address for
them. alertd asks for the same as it goes, so a callback only makes it sooner; both have the same key."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping

from alertd.errors import InputError
from alertd.outbox.channel import NotBelievedError, Receipt
from alertd_notifiers.govuk_notify.answers import receipt_of


def receipt_called_back(token: str, headers: Mapping[str, str], body: bytes) -> Receipt | None:
    """The receipt that Notify posted; None for a status that ends nothing.

    ``token`` is the bearer token of Notify's page for callbacks; names of ``headers`` in any case.
    Raises ``NotBelievedError`` for another token, and ``InputError`` for what is no receipt.
    """
    where = "govuk_notify callback"
    given = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    if not token or not hmac.compare_digest(given.encode("utf-8"), f"Bearer {token}".encode()):
        raise NotBelievedError("the bearer token is not ours: not believed", where=where)
    try:
        said = json.loads(body)
        delivery, id_, status = (said[key] for key in ("reference", "id", "status"))
    except (ValueError, KeyError, TypeError):
        raise InputError("is no delivery receipt of Notify", where=where) from None
    if not all(isinstance(one, str) and one for one in (delivery, id_, status)):
        raise InputError("is no delivery receipt of a message of ours", where=where)
    return receipt_of(delivery, id_, status)
