"""When a loop counts as stuck, and when work as moving."""

from __future__ import annotations

import pytest

from alertd.watching.pulse import Beat, Bounds, Pulse, why_stuck

BOUNDS = Bounds(working=600, resting=60)


@pytest.mark.parametrize(
    ("beat", "now", "why"),
    [
        (Beat(0, working=True), 600, ""),
        (Beat(0, working=True), 601, "has got no further for 10 minutes"),
        (Beat(0), 60, ""),
        (Beat(0), 61, "was not woken for 1 minutes"),
        (Beat(0, well=False), 60, ""),
    ],
)
def test_a_loop_is_stuck_once_its_bound_is_past(beat: Beat, now: float, why: str) -> None:
    assert why_stuck(beat, BOUNDS, now) == why


class _Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> _Time:
    return _Time()


@pytest.fixture
def pulse(time: _Time) -> Pulse:
    made = Pulse(time)
    made.expect("send", BOUNDS)
    made.expect("compose", BOUNDS)
    return made


def test_work_that_gets_further_is_never_stuck_however_long_it_takes(pulse: Pulse, time: _Time) -> None:
    pulse.begins("send")
    pulse.begins("compose")
    for _ in range(10):
        time.now += 500
        pulse.further("send")
    assert list(pulse.stuck()) == ["compose"]


def test_one_that_ends_and_is_not_woken_is_stuck_and_is_well_again_when_it_is(pulse: Pulse, time: _Time) -> None:
    time.now = 61
    assert set(pulse.stuck()) == {"send", "compose"}
    for loop in pulse.loops():
        pulse.begins(loop)
        pulse.ends(loop)
    assert not pulse.stuck()


def test_only_work_that_was_done_moves(pulse: Pulse) -> None:
    pulse.begins("send")
    pulse.ends("send", well=False)
    assert (pulse.moves, pulse.failing()) == (0, ["send"])
    pulse.begins("send")
    pulse.further("send")
    assert pulse.failing() == ["send"], "a round that is under way has not shown yet that it can be done"
    pulse.ends("send")
    assert (pulse.moves, pulse.failing()) == (2, [])


def test_what_nobody_expects_is_not_noted(pulse: Pulse) -> None:
    pulse.begins("simulate")
    pulse.further("simulate")
    pulse.ends("simulate")
    pulse.further("send")  # at rest: a command does the same work
    assert pulse.moves == 0
    assert pulse.loops() == ["send", "compose"]


def test_it_says_how_each_stands(pulse: Pulse, time: _Time) -> None:
    pulse.begins("send")
    time.now = 7
    assert str(pulse) == "send works since 7 s, compose rests since 7 s"
