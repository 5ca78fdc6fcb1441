"""References: short, checked, unguessable, and easy to say."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from alertd.partners.reference import ALPHABET, new_reference, read_reference, references_in

BITS = st.integers(0, 2**35 - 1)


@given(BITS)
def test_a_reference_reads_back_however_it_is_spelt(bits: int) -> None:
    made = new_reference(lambda _: bits)
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", made)
    spelt = (made, made.lower(), made.replace("-", ""), made.replace("-", " "), made.replace("1", "l"), f" {made} ")
    for said in spelt:
        assert read_reference(said) == made
    assert read_reference(made.replace("0", "o").replace("1", "i")) == made


@given(BITS, st.integers(0, 7), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(bits: int, place: int, other: str) -> None:
    made = new_reference(lambda _: bits).replace("-", "")
    wrong = made[:place] + other + made[place + 1 :]
    assert (read_reference(wrong) is None) == (wrong != made)


@given(BITS, BITS)
def test_different_bits_are_different_references(one: int, other: int) -> None:
    assert (new_reference(lambda _: one) == new_reference(lambda _: other)) == (one == other)


@given(BITS, st.text(max_size=40), st.text(max_size=40))
def test_it_is_found_in_a_text(bits: int, before: str, after: str) -> None:
    made = new_reference(lambda _: bits)
    assert made in references_in(f"{before} {made}. {after}")


def test_words_and_numbers_are_no_references() -> None:
    assert references_in("ABCD-EFGH 2026-1127 1234-5678 call 0123-4567") <= {"2026-1127", "1234-5678", "0123-4567"}
    assert references_in("no reference here, K7QF2M9X neither") == frozenset()
    assert read_reference("") is None and read_reference("K7QF") is None and read_reference("ÄÄÄÄ-ÄÄÄÄ") is None
