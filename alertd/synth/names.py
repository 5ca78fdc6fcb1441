"""Names that nobody has. Every name of a child or parent carries :data:`CANARY`, so that a test
can look for leaks; names of staff do not, since messages may rightly hold them."""

from __future__ import annotations

from typing import Final

from alertd.synth.dice import Dice

CANARY: Final = "Zq"

_BITS: Final = (
    *("brux", "vlim", "ozt", "kweb", "jarn", "fyst", "glup", "drov", "skel", "thoz", "wib", "yurn"),
    *("plov", "qarn", "strib", "muv", "hesk", "noxt", "cruv", "zelt", "ivv", "blen", "tork", "usk"),
)


def _token(dice: Dice, bits: int) -> str:
    return "".join(dice.one_of(_BITS) for _ in range(bits))


def person_name(dice: Dice) -> str:
    """A forename or surname of a child or parent."""
    return CANARY + _token(dice, 2)


def staff_name(dice: Dice) -> tuple[str, str]:
    """Forename and surname of somebody who works for the authority."""
    return _token(dice, 2).title(), _token(dice, 2).title()
