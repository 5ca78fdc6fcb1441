"""The one error a person is meant to read.

Everything that stops work because of what someone wrote, named or pointed at is an
:class:`InputError`. Its text says what happened, where, and what to do; it never holds
personal data. The command line prints it on one line and ends with exit code 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AlertdError(Exception):
    """Root of alertd's own errors."""


class InputError(AlertdError):
    """Input that cannot be used as it stands.

    ``where`` is ``file:line`` or ``file:line: key`` when there is such a place, else the
    folder, table or address concerned. ``fix`` is the next step for the reader.
    """

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}. {self.fix}" if self.fix else text


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """``Did you mean …?`` where one of ``known`` is close to a name that is not among them."""
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"Did you mean {near[0]}?" if near else None
