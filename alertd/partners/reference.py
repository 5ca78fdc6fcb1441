"""The reference an agency quotes: short, unguessable, fit for the telephone, and saying nothing of anybody.

Eight characters of Crockford's base 32, which has no I, L, O or U: seven at random (35 bits) and one that shows a
slip of the ear or the finger. Written ``K7QF-2M9X``. It opens nothing: whoever quotes one is known by other means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_HEARD_AS: Final = str.maketrans("ILO", "110")
_WRITTEN: Final = re.compile(r"(?<![0-9A-Za-z])[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}(?![0-9A-Za-z])")


def new_reference(random_bits: Callable[[int], int]) -> str:
    """A new reference. ``random_bits(n)`` gives a number of n bits that nobody can foresee."""
    bits = random_bits(35)
    drawn = "".join(ALPHABET[bits >> shift & 31] for shift in range(30, -1, -5))
    whole = drawn + ALPHABET[-_sum(drawn + "0") % 32]
    return f"{whole[:4]}-{whole[4:]}"


def read_reference(said: str) -> str | None:
    """The reference somebody typed or spelt out, as it is written; None where it cannot be one."""
    plain = re.sub(r"[\s-]", "", said).upper().translate(_HEARD_AS)
    if len(plain) != 8 or any(c not in ALPHABET for c in plain) or _sum(plain) % 32:
        return None
    return f"{plain[:4]}-{plain[4:]}"


def references_in(text: str) -> frozenset[str]:
    """Every reference that stands in a text as it is written, each with its check right."""
    return frozenset(_right(text.upper()))


def _right(text: str) -> Iterator[str]:
    for found in _WRITTEN.findall(text):
        if read_reference(found):
            yield found


def _sum(characters: str) -> int:
    """Luhn's sum in base 32: any one wrong character changes it, and nearly every two that changed places."""
    total = 0
    for place, character in enumerate(reversed(characters)):
        value = ALPHABET.index(character) * (1 + place % 2)
        total += value // 32 + value % 32
    return total
