"""A whole channel is down: it is tried seldom, and somebody hears by another one (fault row F23)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alertd.engine import sweep as sweeping
from alertd.outbox import dispatch
from alertd.outbox.channel import Message, Outcome
from tests.support.council import PEOPLE, Inline, Mail
from tests.support.other_channels import PHONE, Place

pytest_plugins = ["tests.support.databases"]
OWNER = next(one for one in PEOPLE if one.role == "data_owner")


class Locked(Mail):
    """A relay that does not accept the password until ``password`` is the right one."""

    def __init__(self) -> None:
        super().__init__()
        self.password, self.tried = "wrong", 0

    async def send(self, message: Message) -> Outcome:
        if self.password == "wrong":
            self.tried += 1
            return Outcome("later", "535: the server does not accept the login", scope="channel")
        return await super().send(message)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = Place(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    found.council.house = replace(found.council.house, notifiers={"email": Locked(), "text": found.texts})
    monkeypatch.setattr(dispatch, "monotonic", lambda: found.council.now.timestamp())
    yield found
    found.council.house.engine.dispose()


def locked(place: Place) -> Locked:
    found = place.council.house.notifiers["email"]
    assert isinstance(found, Locked)
    return found


def minutes_pass(place: Place, minutes: int) -> None:
    """As the daemon works: each minute it composes, follows and sends."""
    for _ in range(minutes):
        place.council.now += timedelta(minutes=1)
        place.follow()
        place.compose()
        place.send()


def notes_of(place: Place, person: str) -> int:
    return sum(":channel:" in (row.digest_for or "") for row in place.rows(person=person))


@pytest.mark.parametrize("has", ["owner", "duty"])
def test_f23_the_data_owner_or_duty_hears_by_another_channel_that_nothing_goes(place: Place, has: str) -> None:
    if has == "owner":
        place.staff(replace(OWNER, fallback=PHONE))
    else:
        place.staff(duty_fallback=PHONE)
    place.on()
    minutes_pass(place, 9)
    who = OWNER.id if has == "owner" else "duty"
    assert notes_of(place, who) == 0, "a mail server that restarts is nobody's trouble"
    minutes_pass(place, 40)
    assert notes_of(place, who) == 1, "once a day"
    [told] = [said for to, said in place.texts.sent if "cannot send by email" in said]
    assert "C1" not in told
    locked(place).password = "right"
    minutes_pass(place, 6)
    assert any(to == "ade" for to, *_ in locked(place).sent), "what waited goes by itself"


def test_f23_a_channel_that_answers_again_begins_a_new_count(place: Place) -> None:
    place.staff(replace(OWNER, fallback=PHONE))
    place.on()
    minutes_pass(place, 8)
    locked(place).password = "right"
    minutes_pass(place, 6)
    locked(place).password = "wrong"
    assert place.council.house.failing == {}
    minutes_pass(place, 9)
    assert notes_of(place, OWNER.id) == 0
