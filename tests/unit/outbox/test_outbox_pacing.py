"""How much may be on its way at once, and which destinations rest (fault rows F13, F20, F31)."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from alertd.outbox.channel import Outcome, Pace
from alertd.outbox.pacing import FAULTS, REFUSALS, REST, SLOW, Pacing

DELIVERED = Outcome("delivered", "taken")
LATER = Outcome("later", "not now")
LOST = Outcome("unknown", "no answer")


def fail(pacing: Pacing, destination: str, outcome: Outcome, times: int, now: float) -> None:
    for n in range(times):
        pacing.start(f"{destination}{n}", destination, now)
        pacing.end(f"{destination}{n}", destination, outcome, now)


def test_a_destination_takes_its_share_and_leaves_room_for_others() -> None:
    pacing = Pacing(Pace(at_once=8, at_once_to_one=4))
    for n in range(4):
        pacing.start(f"a{n}", "a.example", 0)
    assert (pacing.room(0), pacing.room_for("a.example", 0), pacing.room_for("b.example", 0)) == (4, 0, 4)
    assert pacing.full(0) == {"a.example"}


def test_i5_attempts_that_hang_hold_up_nobody_else() -> None:
    pacing = Pacing(Pace(at_once=4, at_once_to_one=4))
    for n in range(4):
        pacing.start(f"a{n}", "a.example", 0)
    assert pacing.room(SLOW - 0.1) == 0
    assert (pacing.room(SLOW), pacing.room_for("a.example", SLOW)) == (4, 0)


def test_however_many_hang_there_is_an_end_to_connections() -> None:
    pacing = Pacing(Pace(at_once=2, at_once_to_one=2))
    for n in range(8):
        pacing.start(f"m{n}", f"{n}.example", 0)
    assert pacing.room(SLOW * 10) == 0


def test_a_destination_that_faults_rests_and_is_then_tried_with_one() -> None:
    pacing = Pacing(Pace())
    fail(pacing, "a.example", LOST, FAULTS, now=0)
    assert pacing.room_for("a.example", REST[0] - 1) == 0 and pacing.resting(1) == {"a.example"}
    assert pacing.room_for("a.example", REST[0]) == 1
    pacing.start("probe", "a.example", REST[0])
    assert pacing.room_for("a.example", REST[0]) == 0
    pacing.end("probe", "a.example", LOST, REST[0])
    assert pacing.room_for("a.example", REST[0] + REST[1] - 1) == 0, "the second rest is longer"
    pacing.start("probe", "a.example", REST[0] + REST[1])
    pacing.end("probe", "a.example", DELIVERED, REST[0] + REST[1])
    assert pacing.room_for("a.example", REST[0] + REST[1]) == Pace().at_once_to_one


def test_one_full_mailbox_rests_nobody_and_a_relay_at_its_limit_does() -> None:
    pacing = Pacing(Pace())
    fail(pacing, "a.example", LATER, REFUSALS - 1, now=0)
    assert pacing.room_for("a.example", 0)
    fail(pacing, "a.example", LATER, 1, now=0)
    assert not pacing.room_for("a.example", 0)


def test_a_fault_of_the_whole_channel_says_nothing_of_the_destination() -> None:
    pacing = Pacing(Pace())
    fail(pacing, "a.example", Outcome("later", "wrong password", "channel"), 50, now=0)
    assert pacing.room_for("a.example", 0)


def test_what_the_other_side_asks_for_is_kept_within_bounds() -> None:
    pacing = Pacing(Pace())
    fail(pacing, "a", Outcome("later", "busy", "destination", timedelta(seconds=100)), FAULTS, now=0)
    assert not pacing.room_for("a", 99) and pacing.room_for("a", 100)
    fail(pacing, "b", Outcome("later", "busy", "destination", timedelta(days=9)), FAULTS, now=0)
    assert pacing.room_for("b", REST[-1])


def test_f31_no_more_than_so_many_start_in_any_minute() -> None:
    pacing = Pacing(Pace(per_minute=20))
    started: list[float] = []
    for now in range(300):
        while pacing.room(now):
            pacing.start(f"{now}/{len(started)}", "", now)
            pacing.end(f"{now}/{len(started)}", "", DELIVERED, now)
            started.append(now)
    assert len(started) == 100
    assert all(sum(at <= one < at + 60 for one in started) <= 20 for at in started)


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", ""]), st.sampled_from([DELIVERED, LATER, LOST, None]), st.floats(0, 90)),
        max_size=60,
    )
)
def test_whatever_happens_nothing_is_left_alone_for_longer_than_the_longest_rest(
    history: list[tuple[str, Outcome | None, float]],
) -> None:
    pacing, now = Pacing(Pace(at_once=4, at_once_to_one=2)), 0.0
    for n, (destination, outcome, passes) in enumerate(history):
        now += passes
        if pacing.room(now) and pacing.room_for(destination, now):
            pacing.start(str(n), destination, now)
            pacing.end(str(n), destination, outcome, now)
        assert pacing.room(now) == 4
    for destination in ("a", "b", ""):
        assert pacing.room_for(destination, now + REST[-1]) >= 1
