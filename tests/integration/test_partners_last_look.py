"""What changed after a message to an agency was made, and before it left: it leaves as things are now, or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import time
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from alertd import sending
from alertd.db.tables import Alert, Delivery
from alertd.engine import sweep as sweeping
from alertd.errors import InputError
from alertd.partners import store
from alertd.partners.policy import Policy, Sending
from alertd.people.agencies import Agreement
from alertd.receipts.read import read
from alertd.receipts.take import take
from tests.integration.test_partners_road import FIELDS, REVIEWERS, Town, nov
from tests.support.council import Inline


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """A council whose message to the reviewing service is made and has not left."""
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = Town(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    found.day(nov(3))
    found.do(store.approve, "W1", found.at(nov(3)))
    sending.compose_once(found.council.house)
    assert found.only().state == "ready" and found.only().delivery_id
    yield found
    found.council.house.engine.dispose()


def made(town: Town) -> list[tuple[str, str]]:
    """The messages to the agency so far: what became of each, and what it was allowed to say."""
    with Session(town.council.house.engine) as session:
        rows = session.execute(
            select(Delivery.state, Delivery.resolved_by)
            .where(Delivery.person == "agency:reviewers")
            .order_by(Delivery.created_at)
        )
        return [(state, under) for state, under in rows]


def test_what_the_agreement_allows_no_longer_does_not_leave(town: Town) -> None:
    narrower = Agreement("DSA-1", FIELDS - {"legal_status"})
    town.agencies(replace(REVIEWERS, agreement=narrower))
    town.council.send(time(9, 5))
    ((_, body),) = town.mails_to("desk")
    assert "full care order" not in body
    assert [state for state, _ in made(town)] == ["cancelled", "delivered"]


def test_what_was_said_yes_to_leaves_without_places_once_the_child_is_restricted(town: Town) -> None:
    town.agencies(REVIEWERS, restricted="C1")
    town.council.send(time(9, 5))
    (before, shown), (after, veiled) = made(town)
    assert (before, after) == ("cancelled", "delivered")
    assert "where the child lives" not in shown and "nothing that shows where the child lives" in veiled


def test_what_the_policy_sends_no_longer_does_not_leave(town: Town) -> None:
    town.council.house = replace(town.council.house, policy=Policy({"notify.n5": Sending(send="never")}))
    town.council.send(time(9, 5))
    assert town.mails_to("desk") == []
    assert town.only().state == "withdrawn"


def test_what_nobody_is_told_of_any_more_does_not_leave(town: Town) -> None:
    with Session(town.council.house.engine) as session, session.begin():
        session.execute(update(Alert).values(muted="shadow"))
    town.council.send(time(9, 5))
    assert town.mails_to("desk") == []
    assert town.only().state == "withdrawn"


def test_a_child_placed_for_adoption_waits_for_a_yes_whatever_the_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    town = Town(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}", {"notify.n5": Sending(send="automatic")})
    town.day(nov(3), placement="child,key,start,end,type\nC1,P1,2026-11-02,,A4\n")
    assert town.only().state == "awaiting_approval"
    assert town.only().why == "the child is placed for adoption: worker approves it"
    assert town.mails_to("desk") == []
    town.council.house.engine.dispose()


def test_nobody_acknowledges_what_has_not_left(town: Town) -> None:
    """Whoever read the reference here could else keep a message from being sent, and its duty from being missed."""
    raw = f"From: desk@reviewers.example\nSubject: Re: {town.only().reference}\n\nThank you.\n".encode()
    house = town.council.house
    with Session(house.engine) as session, session.begin():
        taken = take(session, house.composer_now(), read(raw), town.council.now)
    assert (taken.result, town.only().state) == ("not_taken", "ready")
    town.council.send(time(9, 5))
    assert len(town.mails_to("desk")) == 1


def test_a_person_stops_what_has_not_left_and_nothing_that_may_have(town: Town) -> None:
    town.do(store.hold, "W1", town.council.now, "the wrong desk")
    town.council.send(time(9, 5))
    assert town.mails_to("desk") == [] and town.only().state == "held"
    town.do(store.send_again, "W1", town.council.now, "it was the right one")
    sending.compose_once(town.council.house)
    with Session(town.council.house.engine) as session, session.begin():
        session.execute(update(Delivery).where(Delivery.state == "due").values(unknown_attempts=1))
    with pytest.raises(InputError, match="on its way"):
        town.do(store.hold, "W1", town.council.now, "the wrong desk")
    town.council.send(time(9, 6))
    town.council.send(time(9, 7))
    assert len(town.mails_to("desk")) == 1 and town.only().state == "sent"


def test_it_leaves_as_it_was_made_where_nothing_changed(town: Town) -> None:
    town.council.send(time(9, 5))
    ((_, body),) = town.mails_to("desk")
    assert "full care order" in body
    ((state, under),) = made(town)
    assert state == "delivered"
    assert under == (
        "reviewers: the only one of its kind for everywhere; contact desk; "
        "DSA-1 allows reference, trigger_date, legal_status, worker_contact"
    )
