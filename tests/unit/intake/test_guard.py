"""A reading that lost too much is refused; ordinary change is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.intake.guard import judge


def test_the_first_reading_has_nothing_to_be_compared_with():
    assert judge({"ssd_person": 0}, None) == []


def test_a_table_that_had_rows_and_is_empty_is_refused_with_numbers_and_a_next_step():
    (reason,) = judge({"ssd_cp_plans": 0, "ssd_person": 10}, {"ssd_cp_plans": 3, "ssd_person": 10})
    assert reason.startswith("ssd_cp_plans is empty; it held 3 rows at the last reading.")
    assert "read again soon" in reason
    assert "--accept-feed" in reason


def test_of_many_short_tables_each_is_said_and_what_to_do_once():
    reasons = judge({"a": 0, "b": 1}, {"a": 3, "b": 1000, "c": 5})
    assert [reason[0] for reason in reasons] == ["a", "b", "c"]
    assert "; ".join(reasons).count("--accept-feed") == 1 and "--accept-feed" in reasons[-1]


def test_a_table_that_vanished_is_refused():
    (reason,) = judge({}, {"ssd_cp_plans": 1234})
    assert reason.startswith("ssd_cp_plans is gone; it held 1,234 rows")


@pytest.mark.parametrize(
    ("before", "now", "refused"),
    [
        (1000, 800, False),  # just the allowed fifth
        (1000, 799, True),
        (100, 1, False),  # small tables may shrink
        (101, 1, True),
        (1000, 5000, False),
        (0, 0, False),
    ],
)
def test_a_large_table_may_lose_a_fifth_and_no_more(before, now, refused):
    assert bool(judge({"t": now}, {"t": before})) is refused


def test_a_short_table_says_how_much_it_lost():
    (reason,) = judge({"ssd_cla_visits": 500}, {"ssd_cla_visits": 2000})
    assert "lost 1,500 of 2,000 rows (75%; allowed 20%)" in reason


def test_the_allowed_loss_can_be_set():
    assert judge({"t": 500}, {"t": 1000}, max_loss=0.5) == []
    assert judge({"t": 950}, {"t": 1000}, max_loss=0.01)


def test_every_table_at_fault_is_named_and_a_new_table_is_welcome():
    reasons = judge({"a": 0, "new": 5}, {"a": 1, "b": 1})
    assert [reason.split()[0] for reason in reasons] == ["a", "b"]


@given(st.dictionaries(st.text(min_size=1), st.integers(0, 10**6)), st.floats(0, 1))
def test_the_same_reading_again_is_never_refused(counts, max_loss):
    assert judge(counts, counts, max_loss=max_loss) == []
