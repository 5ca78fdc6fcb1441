"""Takes what the other side of a channel said by itself of messages that it took: the same receipts as it is asked for.

What it says before alertd has stored that it took the message is not taken: it would be known when the channel is
asked, and a message that failed would count as delivered. It is to be said again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.db.tables import Delivery
from alertd.outbox.afterwards import take_receipt
from alertd.outbox.channel import Receipt

Result = Literal["taken", "known", "too_early"]

_UNDER_WAY: Final = ("due", "sending", "unknown")


def take_called_back(session: Session, channel: str, receipts: Sequence[Receipt], now: datetime) -> Result:
    """Take receipts of a channel, in the caller's transaction: all of them, or none where one comes too early. Of a
    message that is none of the channel's it says the same as of what was known."""
    ids = {one.delivery for one in receipts}
    there = select(Delivery.id, Delivery.state).where(Delivery.id.in_(ids), Delivery.channel == channel)
    states = {id_: state for id_, state in session.execute(there)}  # noqa: C416
    if any(state in _UNDER_WAY for state in states.values()):
        return "too_early"
    new = [one for one in receipts if one.delivery in states and take_receipt(session, one, now)]
    return "taken" if new else "known"
