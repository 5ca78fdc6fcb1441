"""Between composing and sending the world may change: the right person gets it, once, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd import daemon, sending
from alertd.cases.records import LONDON
from alertd.db.tables import Delivery, DeliveryAlert, DeliveryEvent, Notice
from alertd.engine import sweep as sweeping
from alertd.people.restrictions import Restriction
from tests.support.council import Council, Inline, council_at

pytest_plugins = ["tests.support.databases"]
TODAY = date(2026, 11, 26)


@pytest.fixture
def council(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = council_at(tmp_path, database_url)
    found.looked_after("C1")
    yield found
    found.house.engine.dispose()


def staff(council: Council, person: str, **what: Any) -> None:
    """Something about somebody changes in the staff files, now."""
    directory = council.house.staff.directory
    people = {**directory.people, person: replace(directory.people[person], **what)}
    council.house.staff.directory = replace(directory, people=people)


def compose_at(council: Council, hour: int, minute: int) -> None:
    council.now = datetime.combine(TODAY, time(hour, minute), LONDON)
    sending.compose_once(council.house)


def send_at(council: Council, hour: int, minute: int) -> list[str]:
    """Who was sent something now."""
    council.now = datetime.combine(TODAY, time(hour, minute), LONDON)
    before = len(council.mail.sent)
    asyncio.run(sending.dispatch(council.house))
    return sorted(to for to, _, _ in council.mail.sent[before:])


def composed(council: Council) -> None:
    """At 17:58 the digests wait for the relay, which takes mail again at 18:00."""
    council.evaluate(TODAY)
    compose_at(council, 17, 58)


def test_nothing_changed_so_it_goes_as_it_is(council: Council) -> None:
    composed(council)
    assert send_at(council, 18, 0) == ["ade"]


def test_a_leaver_at_1759_hears_nothing_at_1800_and_the_team_does(council: Council) -> None:
    composed(council)
    staff(council, "W1", leaves=TODAY)
    assert send_at(council, 18, 0) == ["north"]
    assert "ref C1" in council.mail.sent[-1][2]
    assert send_at(council, 18, 5) == []


def test_a_leavers_deputy_hears_in_their_place(council: Council) -> None:
    composed(council)
    staff(council, "W1", leaves=TODAY, deputy="W2")
    assert send_at(council, 18, 0) == ["bo"]


def test_an_absence_that_begins_at_1759_is_heeded(council: Council) -> None:
    composed(council)
    staff(council, "W1", away_from=TODAY, away_to=date(2026, 12, 4), deputy="W2")
    assert send_at(council, 18, 0) == ["bo"]
    assert "deputy of W1, who is away until 4 Dec" in council.mail.sent[-1][2]


def test_a_child_that_changed_hands_after_composing_is_told_to_the_new_worker_alone(council: Council) -> None:
    composed(council)
    council.change("involvements", "invo_person_id = 'C1'", invo_professional_id="W2")
    council.now = datetime.combine(TODAY, time(17, 59), LONDON)
    daemon.evaluate_once(council.house)
    assert send_at(council, 18, 0) == ["bo"]


def test_a_workers_new_team_has_the_new_teams_manager_told(council: Council) -> None:
    """The manager of the old team hears no more of a worker's children once the worker moved with them."""
    council.evaluate(date(2026, 11, 27))  # due today: the manager is told too
    directory = council.house.staff.directory
    teams = {
        **directory.teams,
        "T2": replace(directory.teams["T1"], id="T2", name="East", inbox="east@council.example"),
    }
    people = {
        **directory.people,
        "M2": replace(directory.people["M1"], id="M2", name="Ivy", address="ivy@council.example", team="T2"),
    }
    council.house.staff.directory = replace(directory, teams=teams, people=people)
    council.now = datetime(2026, 11, 27, 17, 58, tzinfo=LONDON)
    sending.compose_once(council.house)
    council.change("involvements", "invo_person_id = 'C1'", invo_professional_team="T2")
    staff(council, "W1", team="T2")
    council.now = datetime(2026, 11, 27, 17, 59, tzinfo=LONDON)
    daemon.evaluate_once(council.house)
    council.now = datetime(2026, 11, 27, 18, 0, tzinfo=LONDON)
    asyncio.run(sending.dispatch(council.house))
    assert sorted(to for to, _, _ in council.mail.sent) == ["ade", "ivy"]


def test_a_mended_address_is_used_at_once(council: Council) -> None:
    composed(council)
    staff(council, "W1", address="ade.new@council.example")
    assert send_at(council, 18, 0) == ["ade.new"]


def test_a_restriction_set_at_1759_keeps_the_child_from_whoever_may_not_hear(council: Council) -> None:
    composed(council)
    directory = council.house.staff.directory
    kept = {"C1": Restriction("C1", only=("S1",), reason="own family")}
    council.house.staff.directory = replace(directory, restrictions=kept)
    assert send_at(council, 18, 0) == ["di"]
    assert all("C1" not in text for to, _, text in council.mail.sent if to != "di")


def test_an_alert_that_closed_before_its_message_left_is_not_told(council: Council) -> None:
    composed(council)
    council.reviewed(TODAY)
    council.now = datetime.combine(TODAY, time(17, 59), LONDON)
    daemon.evaluate_once(council.house)
    assert send_at(council, 18, 0) == []
    with Session(council.house.engine) as session:
        assert set(session.scalars(select(Notice.dropped))) == {"the alert closed first"}


def test_what_was_taken_back_says_why_and_is_owed_again(council: Council) -> None:
    composed(council)
    staff(council, "W1", leaves=TODAY, deputy="W2")
    send_at(council, 18, 0)
    with Session(council.house.engine) as session:
        first, second = session.scalars(select(Delivery).order_by(Delivery.created_at, Delivery.person.desc()))
        assert (first.person, first.state, first.reason, first.digest_for) == ("W1", "cancelled", "W1 has left", None)
        assert (second.person, second.state, second.digest_for) == ("W2", "delivered", "2026-11-26")
        assert "deputy of W1" in second.resolved_by
        moves = session.scalars(select(DeliveryEvent.to_state).where(DeliveryEvent.delivery_id == first.id))
        assert list(moves) == ["due", "sending", "cancelled"]
        assert set(session.scalars(select(Notice.composed_into))) == {second.id}
        told = session.execute(
            select(DeliveryAlert.role, DeliveryAlert.kind).where(DeliveryAlert.delivery_id == second.id)
        )
        assert [tuple(row) for row in told] == [("worker", "told")]
