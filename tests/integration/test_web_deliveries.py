"""Messages and what became of them: for whoever looks after alertd without any child, and one's own for everybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from alertd.db.access_tables import AuditEntry
from alertd.db.tables import Delivery, DeliveryEvent
from alertd.engine import sweep as sweeping
from alertd.outbox.afterwards import take_receipt
from alertd.outbox.channel import Receipt
from alertd.outbox.mail_message import PlainMail
from alertd.views import deliveries as view
from alertd.web.app import app
from tests.support.council import Inline
from tests.support.pages import Browser, Pages, pages_at

pytest_plugins = ["tests.support.databases"]
TODAY = date(2026, 11, 27)
CHILD = "QX77-CANARY"
SYSTEM, NOT = ("A1", "D1"), ("W1", "M1", "G1")


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    council = pages_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}").council
    council.house = replace(
        council.house, composer=replace(council.house.composer, channels={"email": PlainMail()})
    )  # fmt: skip
    council.mail.refuses = "ade"
    council.looked_after(CHILD)
    council.day(TODAY)
    yield Pages(council, Browser(app(council.house)))
    council.house.engine.dispose()


def row(pages: Pages, person: str = "W1") -> Delivery:
    with Session(pages.council.house.engine) as session:
        return session.scalars(select(Delivery).where(Delivery.person == person)).one()


def put(pages: Pages, **values: object) -> None:
    with Session(pages.council.house.engine) as session, session.begin():
        session.execute(update(Delivery).where(Delivery.person == "W1").values(**values))


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_it_is_for_whoever_looks_after_alertd_and_shows_no_child(pages: Pages) -> None:
    one = row(pages)
    assert CHILD.encode() in one.message, "the message itself is about the child"
    paths = ("/deliveries", "/deliveries?state=refused", f"/deliveries/{one.id}", f"/deliveries/{one.id}/retry")
    for person in SYSTEM:
        pages.sign_in(person)
        for path in paths:
            answer = pages.get(path)
            assert answer.status_code == 200 and CHILD not in answer.text and "review" not in answer.text.lower(), path
    assert "Did not arrive: 1" in pages.get(paths[0]).text and one.id[:8] in pages.get(paths[1]).text
    whole = words(pages.get(paths[2]).text)
    assert "Ade (W1)" in whole and "the allocated worker" in whole and "no such mailbox" in whole
    for person in NOT:
        pages.sign_in(person)
        assert {pages.get(path).status_code for path in paths} == {403}
        assert pages.post(f"/deliveries/{one.id}/retry", reason="x").status_code == 403
    assert row(pages).state == "refused"


def test_trying_again_is_kept_with_who_and_why_in_the_message_and_in_the_audit(pages: Pages) -> None:
    one, seen = row(pages), pages.sign_in("A1")
    bare = seen.post(f"/deliveries/{one.id}/retry", at="/deliveries")
    assert bare.status_code == 400 and "Say in a sentence why" in bare.text and row(pages).state == "refused"
    done = seen.post(f"/deliveries/{one.id}/retry", at="/deliveries", reason="the mailbox is there again")
    assert done.status_code == 303 and "It is due again" in seen.get(done.headers["location"]).text
    assert (row(pages).state, row(pages).reason) == ("due", "A1: the mailbox is there again")
    with Session(pages.council.house.engine) as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    said = (entry.by, entry.what, entry.why, entry.detail, entry.child)
    assert said == ("A1", "message retried", "the mailbox is there again", {"delivery": one.id}, None)
    again = seen.post(f"/deliveries/{one.id}/retry", at="/deliveries", reason="once more")
    assert again.status_code == 400 and row(pages).reason == "A1: the mailbox is there again"


def test_what_may_have_arrived_goes_again_only_with_a_yes_to_two_copies(pages: Pages) -> None:
    one, seen = row(pages), pages.sign_in("A1")
    put(pages, state="parked", unknown_attempts=1)
    path = f"/deliveries/{one.id}/retry"
    assert "they may get it twice" in seen.get(path).text
    asked = seen.post(path, at="/deliveries", reason="nobody answers")
    assert asked.status_code == 400 and "nobody answers" in asked.text and row(pages).state == "parked"
    assert seen.post(path, at="/deliveries", reason="nobody answers", box="yes").status_code == 303
    assert row(pages).state == "due"


def test_laying_aside_and_taking_back(pages: Pages) -> None:
    one, seen = row(pages), pages.sign_in("D1")
    put(pages, state="due")
    assert seen.post(f"/deliveries/{one.id}/park", at="/deliveries", reason="the relay moves").status_code == 303
    assert row(pages).state == "parked"
    done = seen.post(f"/deliveries/{one.id}/cancel", at="/deliveries", reason="told by telephone", box="yes")
    assert done.status_code == 303 and "Taken back" in seen.get(done.headers["location"]).text
    assert row(pages).state == "cancelled"
    assert seen.get(f"/deliveries/{one.id}/park").status_code == 404
    for missing in ("/deliveries/nothing", f"/deliveries/{one.id}/burn", "/deliveries/%25"):
        assert seen.get(missing).status_code == 404
        assert seen.post(f"{missing}/cancel", at="/deliveries", reason="x").status_code == 404


def test_those_that_wait_are_listed_by_when_they_are_tried_and_only_a_page_of_them(pages: Pages) -> None:
    now, n = pages.council.now, view.A_PAGE + 2
    with Session(pages.council.house.engine) as session, session.begin():
        for k in range(n):
            session.add(
                Delivery(
                    id=f"00000000-0000-0000-0000-{(k * 7) % n:012}", person="W2", address="bo@council.example",
                    resolved_by="the allocated worker", channel="email", message=b"", state="due", created_at=now,
                    next_attempt_at=now + timedelta(minutes=(k * 7) % n),
                )
            )  # fmt: skip
    seen = pages.sign_in("A1")
    shown = [
        re.findall(r"/deliveries/00000000-0000-0000-0000-(\d+)", seen.get(f"/deliveries?page={p}").text) for p in (1, 2)
    ]
    assert [[int(one) for one in page] for page in shown] == [list(range(view.A_PAGE)), list(range(view.A_PAGE, n))]
    assert seen.get("/deliveries?page=99").status_code == seen.get("/deliveries?page=x&state=y").status_code == 200


def test_everybody_sees_what_was_sent_to_them_and_what_became_of_it(pages: Pages) -> None:
    one, seen = row(pages), pages.sign_in("W1")
    listed = words(seen.get("/deliveries/mine").text)
    assert "Did not arrive" in listed and "no such mailbox" in listed and "about 1 alert" in listed
    assert 'href="/deliveries/mine"' in seen.get("/work").text
    put(pages, state="delivered")
    with Session(pages.council.house.engine) as session, session.begin():
        assert take_receipt(session, Receipt(one.id, "arrived", "k1", "read"), pages.council.now)
    assert "Delivered, and it arrived" in words(seen.get("/deliveries/mine").text)
    assert "Nothing yet" in pages.sign_in("W3").get("/deliveries/mine").text


def test_what_happened_is_told_in_order_with_what_was_heard_later(pages: Pages) -> None:
    one = row(pages)
    with Session(pages.council.house.engine) as session, session.begin():
        session.add(
            DeliveryEvent(
                delivery_id=one.id, at=pages.council.now + timedelta(minutes=1), from_state="refused",
                to_state="refused", attempt=1, reason="their server still tries",
            )
        )  # fmt: skip
        later = pages.council.now + timedelta(minutes=2)
        assert take_receipt(session, Receipt(one.id, "away", "k2", "their mailbox says so"), later)
    told = words(pages.sign_in("A1").get(f"/deliveries/{one.id}").text)
    order = ["Made", "Is being sent", "Did not arrive", "Noted", "Heard: they are away"]
    history = told[told.index("What happened") :]
    assert [history.index(word) for word in order] == sorted(history.index(word) for word in order)
