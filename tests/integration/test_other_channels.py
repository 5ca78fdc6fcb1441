"""Another channel takes over where e-mail fails, and of every urgent alert somebody is reached, or duty hears."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.cases.records import LONDON
from alertd.db.tables import AlertEvent, Delivery, DeliveryReceipt, Handling, Notice
from alertd.engine import sweep as sweeping
from alertd.outbox import store
from alertd.outbox.channel import Outcome, Receipt
from alertd.people.directory import Route
from alertd.people.restrictions import Restriction
from tests.support.council import PEOPLE, Inline
from tests.support.other_channels import PHONE, TODAY, Place
from tests.support.reports import out_of_office, postfix

pytest_plugins = ["tests.support.databases"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = Place(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    yield found
    found.council.house.engine.dispose()


@pytest.fixture
def place_anywhere(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = Place(tmp_path, database_url)
    yield found
    found.council.house.engine.dispose()


# Another channel takes over.


def test_the_copy_stands_by_while_the_mail_is_well_and_is_cancelled_in_the_end(place_anywhere: Place) -> None:
    place = place_anywhere
    place.on()
    assert (place.mail().state, place.stand_in().state) == ("delivered", "standing_by")
    place.follow()
    place.council.now += timedelta(days=4)
    place.follow()
    assert place.stand_in().state == "standing_by"
    place.council.now += timedelta(days=1)
    place.follow()
    copy = place.stand_in()
    assert (copy.state, copy.reason) == ("cancelled", "the e-mail was delivered and did not come back within 5 days")
    place.send()
    assert place.texts.sent == []


def test_what_was_refused_goes_by_the_other_channel_at_once_and_once(place_anywhere: Place) -> None:
    place = place_anywhere
    place.council.mail.refuses = "ade"
    place.on()
    assert place.mail().state == "refused"
    assert place.follow() and place.stand_in().state == "due"
    assert not place.follow()
    place.send()
    assert [to for to, _ in place.texts.sent] == ["07700 900123"]
    place.follow()
    place.send()
    assert len(place.texts.sent) == 1
    place.at(8, 20)
    place.compose()
    place.send()
    body = " ".join(next(b for to, s, b in place.council.mail.sent if to == "gus" and "could not deliver" in s).split())
    assert "to W1: refused: no such mailbox; told by text instead" in body


def test_what_came_back_goes_by_the_other_channel_in_the_same_look(place: Place) -> None:
    place.on()
    mail = place.mail()
    place.at(9)
    place.arrives(postfix(mail.id, mail.address))
    assert place.follow() and place.stand_in().state == "due"
    assert place.stand_in().reason == "the e-mail was refused: it came back: there is no such mailbox (5.1.1)"


def test_what_is_urgent_does_not_wait_for_a_mail_server_longer_than_half_an_hour(place: Place) -> None:
    place.council.evaluate(TODAY)
    place.at(8, 5)
    place.compose()
    place.at(8, 34)
    assert not place.follow() and place.stand_in().state == "standing_by"
    place.at(8, 35)
    assert place.follow() and place.stand_in().state == "due"
    digests = [row for row in place.rows(channel="text") if not row.urgent]
    assert all(row.state == "standing_by" for row in digests), "what can wait waits for the mail server"


def test_what_is_taken_back_takes_its_copy_with_it(place: Place) -> None:
    place.council.evaluate(TODAY)
    place.at(8, 5)
    place.compose()
    place.staff(replace(PEOPLE[0], leaves=TODAY))
    place.send()
    assert place.mail().state == "cancelled"
    place.follow()
    copy = place.stand_in()
    assert copy.state == "cancelled" and copy.reason.startswith("what it stands in for was cancelled: ")
    assert place.texts.sent == []


@pytest.mark.parametrize("change", ["another number", "no number", "left", "handed over", "closed"])
def test_the_copy_is_looked_at_again_before_it_leaves(place: Place, change: str) -> None:
    """And what it would have told is owed again, because the mail has failed."""
    place.council.mail.refuses = "ade"
    place.on()
    place.follow()
    copy = place.stand_in()
    if change == "another number":
        place.staff(fallback=Route("text", "07700 900456"))
    elif change == "no number":
        place.staff(fallback=None)
    elif change == "left":
        place.staff(replace(PEOPLE[0], leaves=TODAY, fallback=PHONE, deputy="W2"))
    elif change == "handed over":
        place.council.change("involvements", "1 = 1", invo_professional_id="W2")
        place.council.evaluate(TODAY)
    else:
        place.council.reviewed(TODAY)
        place.council.evaluate(TODAY)
    place.at(9)
    place.send()
    found = next(row for row in place.rows(channel="text") if row.id == copy.id)
    assert found.state == "cancelled" and found.id not in {row.id for row in place.rows(state="delivered")}
    assert all(to != "07700 900123" for to, _ in place.texts.sent)
    if change in ("left", "handed over"):
        assert any(to == "bo" and "ref C1" in s for to, s, _ in place.council.mail.sent)


# Receipts that a channel is asked for.


def by_text(place: Place) -> Delivery:
    """The copy, delivered by text."""
    place.council.mail.refuses = "ade"
    place.on()
    place.follow()
    place.send()
    place.council.mail.refuses = ""
    assert place.stand_in().state == "delivered"
    return place.stand_in()


def test_a_channel_is_asked_until_it_says_what_became_of_it(place: Place) -> None:
    copy = by_text(place)
    place.at(8, 10)
    assert not place.follow()
    assert [(one.delivery, one.reference) for one in place.texts.asked[-1]] == [(copy.id, "ref-1")]
    assert place.texts.asked[-1][0].since == datetime.combine(TODAY, time(8, 5), LONDON)
    place.texts.says["ref-1"] = Receipt(copy.id, "arrived", "text:ref-1:delivered", "it is on the phone")
    assert not place.follow()
    n = len(place.texts.asked)
    place.follow()
    assert len(place.texts.asked) == n, "what arrived is asked for no more"


def test_what_a_channel_says_has_failed_is_refused(place: Place) -> None:
    copy = by_text(place)
    place.texts.says["ref-1"] = Receipt(copy.id, "failed", "text:ref-1:failed", "the phone is off for good")
    assert place.follow()
    assert (place.stand_in().state, place.stand_in().reason) == ("refused", "the phone is off for good")


def test_a_channel_that_breaks_or_speaks_of_others_mail_harms_nobody(place: Place) -> None:
    by_text(place)
    place.texts.says["ref-1"] = Receipt(place.mail().id, "failed", "text:forged", "not its own")
    assert not place.follow()
    place.texts.breaks = True
    assert not place.follow()
    with Session(place.council.house.engine) as session:
        assert session.scalars(select(DeliveryReceipt)).all() == []


# At least one person reached.


def test_nobody_reached_within_an_hour_is_dutys_once_a_day(place_anywhere: Place) -> None:
    place = place_anywhere
    place.staff(fallback=None, duty_fallback=Route("text", "07700 900999"))
    place.council.mail.refuses = "ade"
    place.on()
    place.at(9, 4)
    assert place.unreached() == [] and not place.follow()
    place.at(9, 5)
    assert place.unreached() == [1]
    assert place.follow()
    place.compose()
    place.send()
    [duty] = place.told_duty()
    assert duty.urgent and duty.state == "delivered"
    assert place.unreached() == [], "duty is somebody"
    for hour in (10, 15, 22):
        place.at(hour)
        assert not place.follow()
        place.compose()
    assert len([row for row in place.told_duty() if row.urgent]) == 1
    with Session(place.council.house.engine) as session:
        reasons = session.scalars(select(AlertEvent.reason).order_by(AlertEvent.id)).all()
    assert reasons.count("nobody_reached") == 1
    assert not any("nobody to tell" in subject for _, subject, _ in place.council.mail.sent)


def test_while_duty_is_not_reached_either_it_hears_again_the_next_day_and_by_its_other_channel(place: Place) -> None:
    place.staff(fallback=None, duty_fallback=Route("text", "07700 900999"))
    place.council.mail.refuses = "ade"
    place.on()
    place.council.mail.refuses = "duty"
    place.at(9, 5)
    place.follow()
    place.compose()
    place.send()
    assert place.told_duty()[0].state == "refused"
    place.follow()
    place.texts.refuses = True
    place.send()
    place.at(11)
    assert place.unreached() == [1] and not place.follow(), "once a day"
    place.at(9, 6, TODAY + timedelta(days=1))
    place.texts.refuses = False
    assert place.follow()
    place.compose()
    place.send()
    place.follow()
    place.send()
    assert ("07700 900999" in {to for to, _ in place.texts.sent}) and place.unreached() == []


@pytest.mark.parametrize(
    "how", ["delivered", "by the other channel", "by another role", "somebody spoke", "closed", "came back"]
)
def test_who_counts_as_reached(place: Place, how: str) -> None:
    if how != "delivered" and how != "came back":
        place.council.mail.refuses = "ade"
    place.on()
    place.at(8, 10)
    house = place.council.house
    with Session(house.engine) as session, session.begin():
        if how == "by the other channel":
            row = session.get_one(Delivery, place.stand_in().id)
            row.state = "delivered"
        elif how == "somebody spoke":
            session.add(Handling(alert_id=1, kind="claim", by="M1", at=place.council.now, reason="Done."))
        elif how == "by another role":
            event = AlertEvent(
                alert_id=1, at=place.council.now, from_stage="due", to_stage="due", level=1, reason="escalated"
            )
            session.add(event)
            session.flush()
            session.add(Notice(event_id=event.id, alert_id=1, role="team_manager", reason="step 1", urgent=True))
    if how == "by another role":
        place.compose()
        place.send()
    elif how == "closed":
        place.council.reviewed(TODAY)
        place.council.evaluate(TODAY)
    elif how == "came back":
        place.arrives(postfix(place.mail().id, place.mail().address))
        place.staff(fallback=None)
        place.follow()
    place.at(12)
    assert place.unreached() == ([1] if how == "came back" else [])


def test_an_answer_that_they_are_away_is_no_one_reached_until_the_deputy_is(place: Place) -> None:
    place.staff(replace(PEOPLE[0], deputy="W2"))
    place.on()
    place.at(8, 30)
    mail = place.mail()
    place.arrives(out_of_office(mail.id, mail.address, date="Fri, 27 Nov 2026 08:06:00 +0000"))
    place.follow()
    place.compose()
    place.council.mail.refuses = "bo"
    place.send()
    place.at(9, 31)
    assert place.unreached() == [1]


def test_of_a_restricted_child_duty_hears_no_details(place: Place) -> None:
    place.staff(fallback=None, restrictions={"C1": Restriction("C1", only=("W1",), reason="Inquiry", where="r.csv:2")})
    place.council.mail.refuses = "ade"
    place.on()
    place.at(9, 5)
    place.follow()
    place.compose()
    place.send()
    bodies = [f"{s} {b}" for to, s, b in place.council.mail.sent if to == "duty"]
    assert bodies and not any("C1" in body.split() for body in bodies)
    assert "alert 1" in bodies[0] and place.unreached() == [1]
    n = len(bodies)
    for _ in range(3):
        place.follow()
        place.compose()
        place.send()
    assert len([to for to, _, _ in place.council.mail.sent if to == "duty"]) == n, "once a day"


# Each failure told exactly once.


def test_failures_are_told_once_whatever_the_clocks_of_two_daemons_say(place: Place) -> None:
    place.council.evaluate(TODAY)
    place.council.mail.refuses = "ade"
    place.at(8, 5)
    place.compose()
    place.send()
    place.at(8, 6)
    place.compose()
    place.send()
    before = len(place.rows(person="D1"))
    late = place.rows(person="M1") or place.rows(person="W1")
    house = place.council.house
    with Session(house.engine) as session, session.begin():
        row = session.get_one(Delivery, late[-1].id)
        row.state = "due"
    [claimed] = store.claim(house.engine, place.council.now, [late[-1].id], timedelta(minutes=4))
    an_hour_ago = place.council.now - timedelta(hours=1)
    store.finish(house.engine, [(claimed, Outcome("refused", "stored by a slow clock"))], an_hour_ago, house.rng)
    place.at(8, 7, TODAY + timedelta(days=1))
    place.compose()
    place.send()
    bodies = [b for to, s, b in place.council.mail.sent if to == "gus" and "could not deliver" in s]
    assert len(place.rows(person="D1")) == before + 1
    assert sum("stored by a slow clock" in " ".join(body.split()) for body in bodies) == 1
    assert sum("no such mailbox" in " ".join(body.split()) for body in bodies) == 1
