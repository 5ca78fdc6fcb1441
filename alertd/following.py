"""What became of what was sent: receipts, what stands in for what failed, and what nobody has."""

from __future__ import annotations

from alertd.bootstrap import House


async def follow_once(house: House) -> bool:
    """Look after what was sent. Whether there is something more to send now."""
    del house
    return False
