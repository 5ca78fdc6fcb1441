"""The command line. Each command group has its own module; :mod:`alertd.cli.together` puts them together.

Exit codes: 0 done; 1 done, and something needs attention; 2 unusable input, said on one line.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    """``app`` and ``run_command`` of all commands, once somebody asks for them: a daemon does not."""
    if name in ("app", "run_command"):
        return getattr(import_module("alertd.cli.together"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
