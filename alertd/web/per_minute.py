"""How often is too often, for those who ask for what is not there."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

_MINUTE: Final = timedelta(minutes=1)


class PerMinute:
    """Counts what happened in the last minute, by key, and says when it was too much. In this process alone."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen: dict[str, deque[datetime]] = {}
        self._one_at_a_time = Lock()

    def allows(self, key: str, now: datetime) -> bool:
        """Whether once more is not too much; counts it if so."""
        with self._one_at_a_time:
            for other in [k for k, seen in self._seen.items() if now - seen[-1] >= _MINUTE]:
                del self._seen[other]
            seen = self._seen.setdefault(key, deque())
            while seen and now - seen[0] >= _MINUTE:
                seen.popleft()
            if len(seen) >= self._most:
                return False
            seen.append(now)
            return True
