"""Named points at which tests may stop the process. In production each is one call that does nothing."""

from __future__ import annotations

from collections.abc import Callable


def _nothing(name: str) -> None:
    """What every point does unless a test launcher installs something else."""


_hook: Callable[[str], None] = _nothing


def point(name: str) -> None:
    """Mark a step whose interruption must lose nothing, as ``outbox.after_claim``."""
    _hook(name)


def install(hook: Callable[[str], None]) -> None:
    """For test launchers only: call ``hook`` with the name of every point passed."""
    global _hook
    _hook = hook
