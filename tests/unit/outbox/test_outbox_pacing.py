"""How much may be on its way at once, and which destinations rest (fault rows F13, F20, F31)."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.outbox.channel import Outcome, Pace
from alertd.outbox.pacing import BEGINNING, FAULTS, IN_A_ROW, REFUSALS, REST, SLOW, Pacing
from alertd.outbox.store import next_state

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
DELIVERED = Outcome("delivered", "taken")
LATER = Outcome("later", "not now")
LOST = Outcome("unknown", "no answer")
WRONG_PASSWORD = Outcome("later", "535: not accepted", scope="channel")


def fail(pacing: Pacing, destination: str, outcome: Outcome, times: int, now: float) -> None:
    for n in range(times):
        pacing.start(f"{destination}{n}", destination, now)
        pacing.end(f"{destination}{n}", destination, outcome, now)


def test_a_destination_takes_its_share_and_leaves_room_for_others() -> None:
    pacing = Pacing(Pace(at_once=8, at_once_to_one=4))
    for _ in range(4):
        fail(pacing, "a.example", DELIVERED, 1, now=0)
    for n in range(4):
        pacing.start(f"a{n}", "a.example", 0)
    assert (pacing.room(0), pacing.room_for("a.example", 0), pacing.room_for("b.example", 0)) == (4, 0, BEGINNING)


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
    assert pacing.room_for("a.example", REST[0] + REST[1]) == BEGINNING + 1


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


def relay_that_takes(a_minute: int, messages: int, destinations: int) -> tuple[Counter[str], float, int]:
    """Send to a relay that puts off whatever is over its limit, looking each second for what is due: what each message
    became, the minutes it all took, and how many it took in the busiest minute of the second half."""
    pacing, rng = Pacing(Pace()), random.Random(1)
    due = [(0.0, n, 0) for n in range(messages)]
    taken: list[float] = []
    answers: Counter[str] = Counter()
    now = 0.0
    while due and now < 10 * 3600:
        due.sort()
        while due and due[0][0] <= now:
            start = [one for one in due[: pacing.room(now)] if one[0] <= now]
            start = [one for one in start if pacing.room_for(f"{one[1] % destinations}.example", now)][:1]
            if not start:
                break
            [(_, n, attempts)] = start
            due.remove(start[0])
            pacing.start(str(n), f"{n % destinations}.example", now)
            outcome = DELIVERED if sum(at > now - 60 for at in taken) < a_minute else LATER
            pacing.end(str(n), f"{n % destinations}.example", outcome, now)
            answers[outcome.result] += 1
            if outcome is DELIVERED:
                taken.append(now)
            else:
                _, again, _ = next_state(outcome, attempts + 1, 0, NOW, NOW, rng)
                due.append((now + (again - NOW).total_seconds(), n, attempts + 1))
        now += 1
    return answers, now / 60, len(due)


@pytest.mark.parametrize("destinations", [1, 40])
def test_f31_what_a_relay_allows_is_learnt_so_that_little_is_put_off_and_all_arrives(destinations: int) -> None:
    answers, minutes, left = relay_that_takes(20, 400, destinations)
    assert (answers["delivered"], left) == (400, 0)
    assert answers["later"] <= 200, "without learning, each message is put off several times"
    assert minutes <= 2 * 400 / 20, "and it is no slower than half of what the relay allows"


def test_a_relay_that_took_nothing_is_down_and_has_no_limit_when_it_is_back() -> None:
    pacing = Pacing(Pace())
    for n in range(50):
        pacing.start(f"m{n}", f"{n}.example", n * 10.0)
        pacing.end(f"m{n}", f"{n}.example", LATER, n * 10.0)
    assert pacing.room(500) == Pace().at_once


def test_what_was_learnt_is_forgotten_after_an_hour_in_which_it_was_not_met() -> None:
    pacing = Pacing(Pace())
    fail(pacing, "a.example", DELIVERED, 1, now=0)
    fail(pacing, "b.example", LATER, IN_A_ROW, now=1)
    assert pacing.room(2) == 0 and pacing.room(62) == 1
    assert pacing.room(3700) == Pace().at_once
    assert pacing.room(10.0**9) == Pace().at_once, "however long ago"


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


def test_f23_a_wrong_password_is_tried_ever_less_often_and_with_one_message_at_a_time() -> None:
    pacing, at = Pacing(Pace(at_once=8)), 0.0
    for rest in (*REST, REST[-1]):
        fail(pacing, "a.example", WRONG_PASSWORD, 1, now=at)
        assert pacing.room(at + rest - 1) == 0, "an account is locked after a few failures"
        at += rest
        assert pacing.room(at) == 1, "a probe"
        pacing.start("probe", "b.example", at)
        assert pacing.room(at) == 0, "and only one"
        pacing.end("probe", "b.example", None, at)
    pacing.start("probe", "a.example", at)
    pacing.end("probe", "a.example", DELIVERED, at)
    assert pacing.room(at) == 8, "all of it at once, when one was taken"


def test_f23_what_was_under_way_when_the_password_failed_counts_as_one_failure() -> None:
    pacing = Pacing(Pace(at_once=8))
    for n in range(4):
        pacing.start(f"a{n}", "a.example", 0)
    for n in range(4):
        pacing.end(f"a{n}", "a.example", WRONG_PASSWORD, 1)
    assert pacing.room(1 + REST[0]) == 1


def test_f23_a_refused_address_says_that_the_channel_works() -> None:
    pacing = Pacing(Pace(at_once=8))
    fail(pacing, "a.example", WRONG_PASSWORD, 1, now=0)
    pacing.start("probe", "a.example", REST[0])
    pacing.end("probe", "a.example", Outcome("refused", "no such mailbox", scope="message"), REST[0])
    assert pacing.room(REST[0]) == 8
