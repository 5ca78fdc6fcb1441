"""Whether a channel could carry a message to an address: asked of the channel itself, with one that is not sent."""

from __future__ import annotations

from datetime import datetime

from alertd.errors import InputError
from alertd.outbox.channel import Letter, Notifier


def why_not_written(channel: Notifier, address: str, sender: str, now: datetime) -> str:
    """Why the channel can write nothing to the address; blank where it can."""
    try:
        channel.write(Letter("trial", sender, "", address, now, "trial", "", "trial", ""))
    except InputError as error:
        return f"{channel.name}: {error.what}"
    return ""
