"""Hidden counts: no subtraction among what is shown tells them. Tried by going through every table that could be."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertd.insight.small_numbers import FEW, OPEN, Parted, Shown, Span, keeps_beside, narrowed, shown

Halves = tuple[tuple[int, ...], tuple[int, ...]]


def spans(counts: tuple[int, ...]) -> list[Span]:
    return [shown(n).span for n in counts]


def test_a_count_is_hidden_or_rounded_or_ones_own() -> None:
    assert [shown(n).text for n in (0, 1, 5, 6, 12, 13, 17, 18, 1234)] == [
        *["5 or fewer"] * 3,
        *["about 10"] * 2,
        *["about 15"] * 2,
        "about 20",
        "about 1235",
    ]
    assert shown(3, exact=True).text == "3"


@given(st.integers(0, 10_000), st.booleans())
def test_what_is_shown_is_true_and_never_exact_of_others(count: int, exact: bool) -> None:
    span = shown(count, exact=exact).span
    assert span.high is not None and span.low <= count <= span.high
    assert (span.low == span.high) is exact
    assert span.high - span.low + 1 >= (1 if exact else OPEN)


def test_two_hidden_of_a_total_are_narrowed_by_it() -> None:
    assert narrowed(Span(10, 10), [Span(0, 5), Span(0, 5)]) == [Span(5, 5), Span(5, 5)]
    assert narrowed(Span(8, 12), [Span(6, 12), Span(0, None)]) == [Span(6, 12), Span(0, 6)]


@pytest.mark.parametrize(
    ("months", "kept"),
    [
        ((13, 13, 13, 13, 0), False),  # four at the low end of 15, and a total at the high end of 50: the fifth is none
        ((17, 17, 17, 17, 5), False),  # the other ends: the fifth is no less than 5
        ((15, 15, 15, 15, 3), True),
    ],
)
def test_a_hidden_month_that_the_others_would_tell(months: tuple[int, ...], kept: bool) -> None:
    whole, none = shown(sum(months)).span, shown(0).span
    in_time, late = spans(months), spans((0,) * len(months))
    assert Parted(whole, (whole, none), {"month": (in_time, late)}).keeps() is kept


small = st.one_of(st.integers(0, 9), st.sampled_from([12, 13, 17, 18]))


@given(st.tuples(st.tuples(small, small), st.tuples(small, small)), st.data())
@settings(max_examples=60)
def test_no_hidden_count_can_be_worked_out_of_a_table(months: Halves, data: st.DataObject) -> None:
    in_time, late = sum(months[0]), sum(months[1])
    splits = [data.draw(st.integers(0, half)) for half in (in_time, late)]
    days: Halves = ((splits[0], in_time - splits[0]), (splits[1], late - splits[1]))
    ways = {"month": months, "day": days}
    whole, halves = shown(in_time + late).span, (shown(in_time).span, shown(late).span)
    parted = Parted(whole, halves, {way: (spans(a), spans(b)) for way, (a, b) in ways.items()})
    if parted.keeps():
        _assert_open(in_time + late, ways)


def _assert_open(n: int, ways: dict[str, Halves]) -> None:
    """Go through every table that shows the same: each hidden count is of at least three values in them."""
    shape = [[list(_possible(half)) for half in halves] for halves in ways.values()]
    pairs = set.intersection(
        *({(sum(a), sum(b)) for a, b in product(*halves)} for halves in shape),
    )
    actual = [sum(half) for half in next(iter(ways.values()))]
    pairs = {(a, b) for a, b in pairs if [shown(x) for x in (a, b, a + b)] == [*map(shown, actual), shown(n)]}
    for way, halves in zip(ways.values(), shape, strict=True):
        for at, half in enumerate(halves):
            sums = {pair[at] for pair in pairs}
            tables = [table for table in half if sum(table) in sums]
            for place, count in enumerate(way[at]):
                assert count > FEW or len({table[place] for table in tables}) >= OPEN
    for at, count in enumerate(actual):
        assert count > FEW or len({pair[at] for pair in pairs}) >= OPEN


def _possible(half: tuple[int, ...]) -> product[tuple[int, ...]]:
    return product(*(range(s.low, (s.high or 0) + 1) for s in spans(half)))


@given(st.integers(0, 14), st.lists(small, min_size=1, max_size=2), st.integers(0, 9), st.booleans())
def test_no_hidden_count_can_be_worked_out_of_the_whole_it_is_in(
    mine: int, parts: list[int], rest: int, others: bool
) -> None:
    rest = rest if others else 0
    whole = shown(mine + sum(parts) + rest)
    if not keeps_beside({"n": whole}, {"n": mine}, [{"n": shown(n)} for n in parts], others=others):
        return
    could_be = [range(s.low, (s.high or 0) + 1) for s in spans(tuple(parts))]
    left = range(60) if others else range(1)
    tables = [(t, r) for *t, r in product(*could_be, left) if shown(mine + sum(t) + r) == whole]
    for place, count in enumerate(parts):
        assert count > FEW or len({table[place] for table, _ in tables}) >= OPEN


def test_what_a_whole_would_tell_is_seen() -> None:
    """7 of my own, and a whole of 6 to 12: of the others 3, shown as 5 or fewer, any number stays possible; had I 11,
    they could be none or one."""
    of_others = [{"late": shown(1)}]
    assert keeps_beside({"late": shown(8)}, {"late": 7}, of_others, others=False)
    assert not keeps_beside({"late": shown(12)}, {"late": 11}, of_others, others=False)
    assert not keeps_beside({"late": shown(12)}, {"late": 11}, of_others, others=True)


def test_what_is_shown_compares() -> None:
    assert Shown(None) == shown(2)
    assert Shown(10) == shown(9)
