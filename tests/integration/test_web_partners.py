"""An agency's inbox and its questions, and what staff see of and decide about what agencies are told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.access import sessions
from alertd.db.access_tables import AuditEntry
from alertd.db.partner_tables import NotificationEvent
from alertd.db.tables import Alert, Delivery
from alertd.engine import sweep as sweeping
from alertd.partners import asking, store
from alertd.people.agencies import Agency, Contact
from alertd.settings.web import Web
from alertd.web.app import app
from tests.integration.test_partners_road import REVIEWERS, Town, nov
from tests.support.council import Inline
from tests.support.pages import URL, Browser, Pages

DESK, OTHER = "agency:reviewers:desk", "agency:others:desk"
OTHERS = Agency(
    "others", "gp", "Other practice", agreement=REVIEWERS.agreement, secure="seen",
    contacts=(Contact("desk", "Other desk", "desk@others.example"),),
)  # fmt: skip
CANARY = "Zebedee Quill has moved to Marrow Lane"


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = Town(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    settings = found.council.house.settings.model_copy(update={"web": Web(url=URL)})
    found.council.house = replace(found.council.house, settings=settings)
    found.agencies(REVIEWERS, OTHERS)
    found.day(nov(3))
    yield found
    found.council.house.engine.dispose()


def pages(town: Town) -> Pages:
    return Pages(town.council, Browser(app(town.council.house)))


def sent(town: Town) -> str:
    """Let it go; its reference."""
    town.do(store.approve, "W1", town.at(nov(3)))
    town.council.send(time(9, 5))
    town.council.send(time(9, 6))
    assert town.only().state == "sent"
    return town.only().reference


def events(town: Town) -> list[NotificationEvent]:
    with Session(town.council.house.engine) as session:
        return list(session.scalars(select(NotificationEvent).order_by(NotificationEvent.id)))


def test_an_agency_reads_the_words_it_was_sent_and_nothing_before_they_left(town: Town) -> None:
    seen, reference = pages(town).sign_in(DESK), town.only().reference
    assert reference not in seen.get("/partner").text and seen.get(f"/partner/{reference}").status_code == 403
    sent(town)
    listed = seen.sign_in(DESK).get("/partner").text
    assert reference in listed and "Reviewing service told of a new child in care" in listed
    assert "Not acknowledged" in listed and "<strong>1</strong>" in listed
    page = seen.get(f"/partner/{reference}")
    [(_, mail)] = town.mails_to("desk")
    assert page.status_code == 200 and "Case reference: C1" in page.text and "C2: full care order" in page.text
    assert "/acknowledge/" in mail and f"{URL}/acknowledge/" not in page.text
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text[page.text.index("What you were sent") :]))
    for said in ("Monday 2 November 2026", "Keep this to those who need it. Do not pass it on to the family"):
        assert said in words
    with Session(town.council.house.engine) as session:
        looks = session.scalars(select(AuditEntry).where(AuditEntry.by == DESK, AuditEntry.child == "C1")).all()
    assert [(one.what, one.detail) for one in looks] == [("saw notification", {"reference": reference})]


@pytest.mark.parametrize("url", [URL, "https://elsewhere.example"])
def test_nobody_is_shown_the_link_by_which_the_agency_acknowledges(town: Town, url: str) -> None:
    reference = sent(town)
    [(_, mail)] = town.mails_to("desk")
    found = re.search(r"/acknowledge/(\S+)", mail)
    assert found
    settings = town.council.house.settings.model_copy(update={"web": Web(url=url)})
    town.council.house = replace(town.council.house, settings=settings)
    with Session(town.council.house.engine) as session, session.begin():
        secrets = {who: sessions.begin(session, who, "link", town.council.now) for who in (DESK, "W1", "M1")}
    seen = Browser(app(town.council.house))
    name = "__Host-alertd" if url.startswith("https") else "alertd"
    for who, secret in secrets.items():
        path = f"/partner/{reference}" if who == DESK else f"/partners/{town.only().alert_id}/{reference}"
        page = seen.ask("GET", path, headers={"cookie": f"{name}={secret}"})
        assert page.status_code == 200 and "C2: full care order" in page.text and found[1] not in page.text


def test_another_agency_and_staff_see_nothing_of_an_agencys_inbox(town: Town) -> None:
    reference, seen = sent(town), pages(town).sign_in(OTHER)
    assert "Nothing has been sent to you" in seen.get("/partner").text
    answers = [
        seen.get(f"/partner/{reference}"),
        seen.get("/partner/ABCD-EFGH"),
        seen.post(f"/partner/{reference}/acknowledge", at="/partner"),
        seen.post(f"/partner/{reference}/ask", at="/partner", question="who?"),
    ]
    assert {one.status_code for one in answers} == {403}
    assert len({re.sub(r"[0-9a-f]{64}", "", one.text) for one in answers}) == 1, "what is there and is not look alike"
    assert town.only().state == "sent" and not any(one.by.startswith(OTHER) for one in events(town))
    assert seen.get("/partners").status_code == seen.get("/work").status_code == 403
    seen.sign_in("W1")
    assert seen.get("/partner").status_code == seen.get(f"/partner/{reference}").status_code == 403


def test_the_button_acknowledges_once_and_says_who_pressed_it(town: Town) -> None:
    reference, seen = sent(town), pages(town).sign_in(DESK)
    seen.client.ask("POST", f"/partner/{reference}/acknowledge", data={})
    assert town.only().state == "sent", "a form without its token is not taken"
    first = seen.post(f"/partner/{reference}/acknowledge", at="/partner")
    when = town.only().acknowledged_at
    town.council.now += timedelta(minutes=5)
    again = seen.post(f"/partner/{reference}/acknowledge", at="/partner")
    assert (first.status_code, again.status_code) == (303, 303)
    assert "you have it" in seen.get(first.headers["location"]).text
    assert town.only().state == "acknowledged" and town.only().acknowledged_at == when
    assert events(town)[-1].by == f"{DESK} in alertd"


def test_a_question_is_kept_for_staff_and_its_text_is_in_no_mail(town: Town) -> None:
    reference, seen = sent(town), pages(town).sign_in(DESK)
    for _ in range(2):
        assert seen.post(f"/partner/{reference}/ask", at="/partner", question=CANARY).status_code == 303
    assert "You asked something" in seen.get(f"/partner/{reference}").text
    assert CANARY not in seen.get(f"/partner/{reference}").text
    town.council.send(time(9, 30))
    told = [body for _, body in town.mails_to("ade") if "ask something" in body]
    assert len(told) == 1 and reference in told[0], "asked twice, told once"
    with Session(town.council.house.engine) as session:
        assert all(b"Zebedee" not in one.message for one in session.scalars(select(Delivery)))
    assert town.only().state == "sent" and CANARY not in town.only().why
    seen.sign_in("W1")
    assert "Question" in seen.get("/partners").text and "asked about" in seen.get("/partners?state=asked").text
    page = seen.get(f"/partners/{town.only().alert_id}/{reference}").text
    assert CANARY in page and "Reviewing service (desk)" in page


def test_staff_say_how_a_question_was_answered_and_the_agency_sees_that_and_no_more(town: Town) -> None:
    reference, seen = sent(town), pages(town).sign_in(DESK)
    path = f"/partners/{town.only().alert_id}/{reference}"
    assert seen.sign_in("W1").get(f"{path}/answered").status_code == 403, "nobody asked anything"
    seen.sign_in(DESK).post(f"/partner/{reference}/ask", at="/partner", question="who?")
    assert "It waits for an answer" in seen.get(f"/partner/{reference}").text
    seen.sign_in("W1")
    assert f"{path}/answered" in seen.get(path).text
    assert "Choose how" in seen.post(f"{path}/answered", at=path, reason=CANARY).text
    done = seen.post(f"{path}/answered", at=path, how="telephone", reason=CANARY)
    assert done.status_code == 303 and "you have answered" in seen.get(done.headers["location"]).text
    page = seen.get(path).text
    assert "Ade answered by telephone" in page and CANARY in page and f"{path}/answered" not in page
    assert "waits for an answer" not in seen.get("/partners").text and "Question" not in seen.get("/partners").text
    assert seen.post(f"{path}/answered", at=path, how="letter").status_code == 400, "twice"
    agency = seen.sign_in(DESK).get(f"/partner/{reference}").text
    assert (
        "The council says that it answered by telephone" in agency
        and CANARY not in agency
        and "Ade answered" not in agency
    )
    seen.post(f"/partner/{reference}/ask", at="/partner", question="and when?")
    text = seen.get(f"/partner/{reference}").text
    assert text.count("it answered by telephone") == 1 and text.count("It waits for an answer") == 1
    assert "waits for an answer: 1" in seen.sign_in("W1").get("/partners").text
    number = town.only().id
    with Session(town.council.house.engine) as session:
        [kept] = session.scalars(select(AuditEntry).where(AuditEntry.what == "answered a question")).all()
        assert (kept.by, kept.child, kept.detail["how"]) == ("W1", "C1", "by telephone")
        assert all(b"Zebedee" not in one.message for one in session.scalars(select(Delivery)))
        assert store.moved_by(session, [number])[number] != "W1 answered", "it moves nothing"


def test_only_who_has_the_child_or_stands_above_them_answers(town: Town) -> None:
    reference, seen = sent(town), pages(town).sign_in(DESK)
    seen.post(f"/partner/{reference}/ask", at="/partner", question="who?")
    path = f"/partners/{town.only().alert_id}/{reference}"
    seen.sign_in("I1")
    assert seen.get(path).status_code == 200 and f"{path}/answered" not in seen.get(path).text
    assert seen.post(f"{path}/answered", at=path, how="letter").status_code == 403
    assert seen.sign_in("W2").get(f"{path}/answered").status_code == 403
    assert seen.sign_in("M1").post(f"{path}/answered", at=path, how="letter").status_code == 303


def test_a_question_moves_nothing_and_says_yes_to_nothing(town: Town) -> None:
    sent(town)
    with Session(town.council.house.engine) as session, session.begin():
        row = store.by_reference(session, town.only().reference)
        before = store.moved_by(session, [row.id])
        assert store.ask(session, row, DESK, "who?", town.council.now)
        assert store.moved_by(session, [row.id]) == before
        event = session.scalars(select(NotificationEvent).order_by(NotificationEvent.id.desc())).first()
        assert event is not None and event.from_state == event.to_state == "sent"
        for one in session.scalars(select(NotificationEvent).where(NotificationEvent.by == "W1")):
            one.by = "agency:reviewers:desk asks"  # as if the agency had asked while it waited
        session.flush()
        assert store.approved(session) == frozenset()


def test_what_cannot_be_asked_is_said_and_what_was_typed_stays(town: Town) -> None:
    reference, seen = sent(town), pages(town).sign_in(DESK)
    too_long = seen.post(f"/partner/{reference}/ask", at="/partner", question="long " * asking.LONGEST)
    empty = seen.post(f"/partner/{reference}/ask", at="/partner", question="  ")
    assert (too_long.status_code, empty.status_code) == (400, 400)
    assert "Write what you want to know" in empty.text and "long long" in too_long.text
    for n in range(asking.MOST_IN_A_DAY):
        assert seen.post(f"/partner/{reference}/ask", at="/partner", question=f"number {n}").status_code == 303
    refused = seen.post(f"/partner/{reference}/ask", at="/partner", question="one more")
    assert refused.status_code == 400 and "ring the council" in refused.text
    assert sum(one.by.endswith("asks") for one in events(town)) == asking.MOST_IN_A_DAY


def test_without_an_agreement_in_force_the_words_are_not_shown(town: Town) -> None:
    reference = sent(town)
    assert REVIEWERS.agreement is not None
    ended = replace(REVIEWERS, agreement=replace(REVIEWERS.agreement, until=nov(2)))
    town.agencies(ended)
    seen = pages(town).sign_in(DESK)
    listed, page = seen.get("/partner").text, seen.get(f"/partner/{reference}").text
    assert "No agreement to share data is in force" in page
    assert "C1" not in page and "care order" not in page and "new child in care" not in listed
    assert seen.post(f"/partner/{reference}/acknowledge", at="/partner").status_code == 303


def test_the_worker_lets_it_go_and_others_do_not_hear_of_it(town: Town) -> None:
    row, seen = town.only(), pages(town)
    path = f"/partners/{row.alert_id}/{row.reference}"
    seen.sign_in("W2")
    assert row.reference not in seen.get("/partners").text
    assert seen.get(path).status_code == seen.post(f"{path}/approve").status_code == 403
    seen.sign_in("W1")
    listed = seen.get("/partners").text
    assert row.reference in listed and "Ade, as worker, to approve" in re.sub(r"\s+", " ", listed)
    page = seen.get(path).text
    assert "What it would say now" in page and "C2: full care order" in page and f"{path}/approve" in page
    assert f"{path}/again" not in page, "nothing was sent, so nothing is sent again"
    assert seen.get(f"{path}/approve").status_code == 200
    done = seen.post(f"{path}/approve", at=f"{path}/approve")
    assert done.status_code == 303 and "It goes within minutes" in seen.get(done.headers["location"]).text
    assert town.only().state == "ready" and events(town)[-1].by == "W1"
    late = seen.post(f"{path}/approve", at=f"{path}/stop")
    assert late.status_code == 400 and "can be approved" in late.text


def test_not_telling_needs_a_reason_that_goes_into_no_mail(town: Town) -> None:
    row, seen = town.only(), pages(town).sign_in("M1")
    path = f"/partners/{row.alert_id}/{row.reference}"
    bare = seen.post(f"{path}/withhold", at=f"{path}/withhold", reason=" ")
    assert bare.status_code == 400 and "Say in a sentence why" in bare.text and town.only().state == row.state
    assert seen.post(f"{path}/withhold", at=f"{path}/withhold", reason=CANARY).status_code == 303
    assert town.only().state == "withdrawn" and CANARY not in town.only().why and CANARY in events(town)[-1].why
    assert CANARY in seen.get(path).text
    assert seen.get("/partners?state=withdrawn").text.count(row.reference) >= 1


def test_a_notification_is_shown_under_its_own_alert_only(town: Town) -> None:
    row, seen = town.only(), pages(town).sign_in("W1")
    with Session(town.council.house.engine) as session, session.begin():
        added = Alert(
            rule="notify.n5", child="C1", record="care_period:X", occurrence="1", state="open", stage="due",
            finding=session.get_one(Alert, row.alert_id).finding, worker="W1", team="T1",
            opened_at=town.council.now, changed_at=town.council.now,
        )  # fmt: skip
        session.add(added)
        session.flush()
        other = added.id
    assert seen.get(f"/alerts/{other}").status_code == 200, "they may see the other alert"
    assert seen.get(f"/partners/{other}/{row.reference}").status_code == 403
    assert seen.get(f"/partners/{row.alert_id}/ABCD-EFGH").status_code == 403
    assert seen.get(f"/partners/{row.alert_id}/{row.reference}/burn").status_code == 403
    assert seen.post(f"/partners/{row.alert_id}/{row.reference}/burn").status_code == 403


def test_a_child_of_whom_somebody_must_not_hear_is_in_no_list_and_no_figure(town: Town) -> None:
    town.agencies(REVIEWERS, restricted="C1")
    seen = pages(town).sign_in("M1")
    listed = seen.get("/partners").text
    assert town.only().reference not in listed and "There is nothing" in listed and ": 1" not in listed
    assert town.only().reference in seen.sign_in("W1").get("/partners").text


def test_partners_are_in_the_menu_where_there_are_agencies(town: Town) -> None:
    assert 'href="/partners"' in pages(town).sign_in("W1").get("/work").text
    town.agencies()
    assert 'href="/partners"' not in pages(town).sign_in("W1").get("/work").text
