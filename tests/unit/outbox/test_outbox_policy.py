"""What becomes of a delivery after an attempt: one pure function."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.outbox.channel import Outcome
from alertd.outbox.store import GIVE_UP_AGE, next_state

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
FRESH = NOW - timedelta(minutes=1)
LATER = Outcome("later", "the server answered 451 greylisted")


def after(outcome: Outcome, attempts: int = 1, unknown: int = 0, created: datetime = FRESH) -> tuple[str, float, str]:
    """The state, the minutes until it is due, and the reason."""
    state, due, reason = next_state(outcome, attempts, unknown, created, NOW, random.Random(attempts))
    return state, (due - NOW).total_seconds() / 60, reason


@pytest.mark.parametrize("result", ["delivered", "refused"])
def test_an_answer_is_an_end_with_the_servers_reason(result: str) -> None:
    state, _, reason = after(Outcome(result, "as the server said"))  # type: ignore[arg-type]
    assert (state, reason) == (result, "as the server said")


@pytest.mark.parametrize(("attempt", "mean"), [(1, 1), (2, 5), (3, 15), (4, 30), (5, 60), (6, 60), (90, 60)])
def test_waits_grow_to_an_hour_and_are_spread_over_twice_their_mean(attempt: int, mean: float) -> None:
    rng = random.Random(7)
    waits = [(next_state(LATER, attempt, 0, FRESH, NOW, rng)[1] - NOW).total_seconds() / 60 for _ in range(2000)]
    assert min(waits) >= 0 and max(waits) <= 2 * mean
    assert max(waits) > 1.8 * mean and min(waits) < 0.2 * mean
    assert sum(waits) / len(waits) == pytest.approx(mean, rel=0.1)


def test_i6_while_a_whole_channel_is_down_every_retry_is_within_five_minutes() -> None:
    down = Outcome("later", "no route", scope="channel")
    assert all(after(down, attempts)[1] <= 5 for attempts in range(1, 200))


@pytest.mark.parametrize("outcome", [LATER, Outcome("unknown", "lost"), Outcome("later", "down", scope="channel")])
def test_it_gives_up_by_age_and_says_what_to_do(outcome: Outcome) -> None:
    assert after(outcome, created=NOW - GIVE_UP_AGE + timedelta(seconds=1))[0] == "due"
    state, _, reason = after(outcome, created=NOW - GIVE_UP_AGE)
    assert state == "parked"
    assert outcome.reason in reason and "5 days" in reason


def test_a_lost_answer_is_repeated_twice_and_then_parked() -> None:
    lost = Outcome("unknown", "no answer")
    assert [after(lost, n, n)[0] for n in (1, 2, 3)] == ["due", "due", "parked"]
    assert "3 times" in after(lost, 3, 3)[2]
    assert after(LATER, 9, 3)[0] == "due", "an attempt known to have failed adds no copy"


@given(
    result=st.sampled_from(["delivered", "later", "refused", "unknown"]),
    whole=st.booleans(),
    attempts=st.integers(1, 10**6),
    age=st.timedeltas(timedelta(days=-400), timedelta(days=4000)),
    seed=st.integers(),
)
def test_whatever_the_clock_says_the_next_state_is_legal_and_never_far_off(
    result: str, whole: bool, attempts: int, age: timedelta, seed: int
) -> None:
    outcome = Outcome(result, "because", whole)  # type: ignore[arg-type]
    state, due, reason = next_state(outcome, attempts, 1, NOW - age, NOW, random.Random(seed))
    assert state in ("due", "delivered", "refused", "parked")
    assert NOW <= due <= NOW + timedelta(hours=2)
    assert reason.startswith("because")
