"""Daemons are killed at points and moments drawn by a seed, one after another, while twenty thousand messages go.

``make soak`` does it ten times as often. The seed is printed where it fails; ``--kill-seed`` draws the same again.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from alertd.outbox.ledger import LEASE
from alertd.outbox.store import UNKNOWN_RETRIES
from tests.faults import checker
from tests.faults.conftest import MakePlace, World
from tests.faults.filling import fill_outbox
from tests.faults.harness import Place

pytestmark = pytest.mark.usefixtures("long_run")

DELIVERIES = 20_000
A_KILL = 20
"""Messages for each kill at the least, so that there is always something under way."""

POINTS = (
    "outbox.after_claim",
    "send.before_record",
    "send.after_record",
    "compose.before_commit",
    "feed.mid_read",
    "evaluate.before_commit",
    "evaluate.after_commit",
)
AT_THE_START, STARTING = 0.15, 1.2
"""The share of lives that are cut off at any moment of their first seconds, so many at most."""
ARRIVED, UNDER_WAY = 3 / 2, 20.0
"""The other lives are cut off once a drawn number of messages has arrived, at most this many times what there is for
each kill: on average fewer than there are. Where they do not arrive in so many seconds, it is killed all the same."""
LATE = timedelta(minutes=5)

SPEED = 10.0
"""Seconds of the last daemon's clock in a second: what waits for a lease to run out need not be waited for long."""

PATIENCE = 600.0
"""Seconds that the first 20,000 messages may take in the end; so many more as there are more messages."""


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--kills"))


def test_f10_killed_at_random_while_thousands_of_messages_go_nothing_is_lost_or_misdirected(
    make_place: MakePlace, world: World, kill_seed: int, kills: int
) -> None:
    """Every copy more belongs to an attempt whose answer was lost, and in the end nothing that is due is late."""
    place = make_place(composed=True)
    print(f"repeat with --kills {kills} --kill-seed {kill_seed}; all is kept in {place.folder}")
    rng = random.Random(kill_seed)
    each = max(DELIVERIES // kills, A_KILL)
    fill_outbox(place, max(DELIVERIES, each * kills), rng)
    at_work = sum(_killed(place, each, rng) for _ in range(kills))
    assert at_work > kills / 2, f"only {at_work} of {kills} kills came while messages went and more were due"
    healed = place.at
    waiting = checker.due(place.url, healed)
    began = time.monotonic()
    patience = PATIENCE * max(1, each * kills / DELIVERIES)
    _runs_until(place, lambda: not place.count("delivery where state = 'due' and attempts = 0"), patience=patience)
    seconds = time.monotonic() - began
    _runs_until(place, lambda: not checker.begun_late(place.url, waiting, healed, None), SPEED)
    late = checker.begun_late(place.url, waiting, healed, LATE)
    assert not late, "\n".join(late)
    place.run_until_sent()
    place.recovered_seconds = seconds
    verdict = place.check(world.promised)
    copies = sum(verdict.copies.values()) - len(verdict.copies)
    parked = place.count("delivery where state = 'parked'")
    print(f"{kills} kills, {at_work} of them while messages went and more were due")
    print(f"{len(verdict.copies)} messages arrived, {copies} copies more, {verdict.recovered} recovered")
    print(f"{parked} parked, each after three lost answers, and told of")
    assert parked == place.count(f"delivery where state = 'parked' and unknown_attempts = {1 + UNKNOWN_RETRIES}")
    assert place.kills == kills


def _killed(place: Place, each: int, rng: random.Random) -> bool:
    """One life of a daemon, where there are so many messages for ``each``. Whether it sent, and more were due at its
    end."""
    kill = f"{rng.choice(POINTS)}:{rng.randint(1, 100)}" if rng.random() < 0.5 else ""
    rest = rng.choice((timedelta(), LEASE + timedelta(seconds=30)))
    wanted, patience = rng.randint(1, int(ARRIVED * each)), UNDER_WAY
    if rng.random() < AT_THE_START:  # else a busy machine, which takes long to start it, is waited for
        patience = rng.uniform(0, STARTING)
    began, before = time.monotonic(), place.history.stat().st_size
    process = place.start(kill=kill)
    while process.is_alive() and time.monotonic() < began + patience and _arrived(place, before) < wanted:
        time.sleep(0.01)
    process.kill()
    code = place.ended(process, began, rest=rest)
    assert code == -signal.SIGKILL, f"ended with {code}\n{place.log()}"
    place.kills += 1
    return bool(place.count("delivery where state = 'due'")) and _arrived(place, before) > 0


def _arrived(place: Place, before: int) -> int:
    """How many messages arrived since the mail server's history was so many bytes long."""
    with place.history.open("rb") as history:
        history.seek(before)
        return history.read().count(b"\n")


def _runs_until(place: Place, done: Callable[[], bool], speed: float = 1, patience: float = PATIENCE) -> None:
    """Let a daemon run undisturbed until then."""
    if done():
        return
    began = time.monotonic()
    process = place.start(speed=speed)
    place.wait_until(done, process, patience, every=1)  # to count two hundred thousand rows takes a core from sending
    process.terminate()
    assert place.ended(process, began, speed, rest=timedelta()) == 0, place.log()
