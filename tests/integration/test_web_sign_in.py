"""Signing in by a link, sessions, forged forms, and what a signed-in person sees of children."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd import sending
from alertd.access import sessions
from alertd.audit.chain import verify
from alertd.cases.records import LONDON
from alertd.db.access_tables import AuditEntry, EmergencyAccess, SignIn
from alertd.db.tables import Delivery, Handling
from alertd.engine import sweep as sweeping
from alertd.outbox.mail_message import PlainMail
from alertd.people.restrictions import Restriction
from alertd.people.staff import Staff
from tests.support.council import Inline
from tests.support.pages import URL, Pages, pages_at

pytest_plugins = ["tests.support.databases"]
TODAY = date(2026, 11, 27)


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = pages_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    council = found.council
    council.house = replace(
        council.house, composer=replace(council.house.composer, channels={"email": PlainMail()})
    )  # fmt: skip
    found = Pages(council, type(found.client)(_app(council.house)))
    council.looked_after("C1")
    council.looked_after("C2", worker="W3")
    council.day(TODAY)
    yield found
    council.house.engine.dispose()


def _app(house: object) -> object:
    from alertd.web.app import app

    return app(house)  # type: ignore[arg-type]


def link_in_mail(pages: Pages, to: str) -> str:
    asyncio.run(sending.dispatch(pages.council.house))
    body = next(body for who, _, body in reversed(pages.council.mail.sent) if who == to)
    found = re.search(rf"{URL}(/sign-in/\S+?)[)>\s]", body + " ")
    assert found, body
    return found[1]


def ask(pages: Pages, address: str) -> httpx.Response:
    return pages.client.ask("POST", "/sign-in", data={"address": address})


def rows(pages: Pages, table: type) -> list:  # type: ignore[type-arg]
    with Session(pages.council.house.engine) as session:
        return list(session.scalars(select(table)))


def test_a_link_by_mail_signs_in_once_and_only_by_its_button(pages: Pages) -> None:
    assert ask(pages, "ADE@council.example").status_code == 200
    path = link_in_mail(pages, "ade")
    shown = pages.get(path)
    assert shown.status_code == 200 and "Sign in as Ade" in shown.text
    assert rows(pages, SignIn) == [], "a scanner of mail that followed it signed nobody in"
    entered = pages.client.ask("POST", path)
    assert entered.status_code == 303
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie
    assert "My work" in pages.get("/work").text
    pages.client.cookies.clear()
    assert pages.client.ask("POST", path).status_code == 404, "used up"
    assert pages.get("/work").headers["location"] == "/sign-in"


def test_whoever_followed_a_link_is_led_to_its_page_once_they_have_signed_in(pages: Pages) -> None:
    path = _alert_path(pages.sign_in("W1"))
    pages.client.cookies.clear()

    def lands(asked: str = "") -> str:
        if asked:
            assert pages.get(asked).headers["location"] == "/sign-in"
        pages.council.now += timedelta(minutes=1)
        ask(pages, "ade@council.example")
        return str(pages.client.ask("POST", link_in_mail(pages, "ade")).headers["location"])

    assert lands(path) == path
    assert pages.post("/sign-out").status_code == 303
    assert lands() == "/", "that was once"
    pages.client.cookies.clear()
    for elsewhere in ("//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"):
        pages.client.cookies.set("alertd-to", elsewhere)
        assert lands() == "/"
        pages.client.cookies.clear()


def test_asking_says_the_same_whether_the_address_is_known_or_not(pages: Pages) -> None:
    known, unknown = ask(pages, "ade@council.example"), ask(pages, "eve@council.example")
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    assert len([row for row in rows(pages, Delivery) if row.person == "sign-in"]) == 1


def test_a_link_ends_after_15_minutes_and_with_a_newer_one(pages: Pages) -> None:
    ask(pages, "ade@council.example")
    first = link_in_mail(pages, "ade")
    ask(pages, "ade@council.example")
    second = link_in_mail(pages, "ade")
    assert first != second and pages.client.ask("POST", first).status_code == 404
    pages.council.now += timedelta(minutes=15)
    assert pages.get(second).status_code == 404 and pages.client.ask("POST", second).status_code == 404


def test_one_address_is_not_flooded_with_links(pages: Pages) -> None:
    assert [ask(pages, "ade@council.example").status_code for _ in range(7)] == [200] * 5 + [429] * 2


@pytest.mark.parametrize(("after", "lasts"), [(timedelta(minutes=29), True), (timedelta(minutes=30), False)])
def test_a_session_ends_when_it_is_not_used(pages: Pages, after: timedelta, lasts: bool) -> None:
    pages.sign_in("W1")
    pages.council.now += after
    assert (pages.get("/work").status_code == 200) == lasts


def test_a_session_ends_after_ten_hours_of_use(pages: Pages) -> None:
    pages.sign_in("W1")
    for _ in range(29):
        pages.council.now += timedelta(minutes=20)
        assert pages.get("/work").status_code == 200
    pages.council.now += timedelta(minutes=20)
    assert pages.get("/work").status_code == 303


def test_a_session_ends_at_once_by_signing_out(pages: Pages) -> None:
    pages.sign_in("W1")
    secret = pages.client.cookies["alertd"]
    assert pages.post("/sign-out").status_code == 303
    pages.client.cookies.set("alertd", secret)
    assert pages.get("/work").status_code == 303, "the cookie alone is worth nothing any more"


def test_signing_out_everywhere_ends_every_browser_and_unused_link_of_theirs_and_of_nobody_else(pages: Pages) -> None:
    def cookie(who: str) -> str:
        pages.sign_in(who)
        return pages.client.cookies["alertd"]

    def is_in(secret: str) -> bool:
        pages.client.cookies.clear()
        pages.client.cookies.set("alertd", secret)
        return pages.get("/work").status_code == 200

    other, first, engine = cookie("W3"), cookie("W1"), pages.council.house.engine
    with Session(engine) as session, session.begin():
        token = sessions.begin(session, "W1", "token", pages.council.now)
    pages.council.now += timedelta(minutes=10)
    second = cookie("W1")
    pages.client.cookies.clear()
    ask(pages, "ade@council.example")
    path = link_in_mail(pages, "ade")
    pages.client.cookies.set("alertd", second)
    shown = pages.get("/sign-out").text
    table = shown.split("<tbody", 1)[1].split("</tbody", 1)[0]
    assert table.count("<tr") == 2 and table.count("Here, now") == 1
    assert pages.post("/sign-out/everywhere", at="/sign-out").headers["location"] == "/sign-in"
    assert [is_in(first), is_in(second), is_in(other)] == [False, False, True]
    pages.client.cookies.clear()
    assert pages.client.ask("POST", path).status_code == 404, "the link that was not used yet"
    with Session(engine) as session:
        assert sessions.look(session, token, pages.council.now), "a program has its token until that is revoked"
        kept = session.scalars(select(AuditEntry).where(AuditEntry.what == "signed out everywhere")).one()
    assert kept.by == "W1"
    assert kept.detail == {"for": ["W1"], "sessions": 2, "links": 1}


def test_a_form_from_elsewhere_or_without_what_its_page_was_given_does_nothing(pages: Pages) -> None:
    pages.sign_in("W1")
    path = _alert_path(pages)
    form = {"reason": "seen on Tuesday"}
    assert pages.client.ask("POST", f"{path}/claim", data=form).status_code == 403
    assert pages.client.ask("POST", f"{path}/claim", data={"csrf": "0" * 64, **form}).status_code == 403
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', pages.get("/work").text)
    assert token
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = pages.client.ask("POST", f"{path}/claim", data={"csrf": token[1], **form}, headers=headers)
        assert answer.status_code == 403
    assert rows(pages, Handling) == []
    assert pages.post(f"{path}/claim", **form).status_code == 303
    assert [one.kind for one in rows(pages, Handling)] == ["claim"]


def _alert_path(pages: Pages) -> str:
    found = re.search(r'href="(/alerts/\d+)"', pages.get("/work").text)
    assert found
    return found[1]


def test_no_page_may_run_or_load_anything_written_into_it(pages: Pages) -> None:
    pages.sign_in("W1")
    answer = pages.get("/work")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=", answer.text)


def test_each_look_at_a_child_is_in_the_audit_with_its_right_and_so_is_each_that_was_refused(pages: Pages) -> None:
    pages.sign_in("W1")
    assert pages.get("/children/C1").status_code == 200
    assert pages.get("/children/C2").status_code == 403
    told = [(one.by, one.what, one.child, one.why) for one in rows(pages, AuditEntry) if one.child]
    assert told[0] == ("W1", "saw child", "C1", "allocated worker")
    assert told[1][:3] == ("W1", "refused", "C2")
    with Session(pages.council.house.engine) as session:
        assert verify(session).broken == ""


def test_nothing_is_shown_where_the_audit_cannot_be_written(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    from alertd.audit import chain

    pages.sign_in("W1")

    def full(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(chain, "record", full)
    answer = pages.get("/children/C1")
    assert answer.status_code == 500 and "C1" not in answer.text


def test_breaking_the_glass_lets_in_for_four_hours_and_two_people_hear(pages: Pages) -> None:
    pages.sign_in("W1")
    assert "/children/C2/emergency" in pages.get("/children/C2").text
    assert pages.post("/children/C2/emergency", reason="x").status_code == 400
    before = len(pages.council.mail.sent)
    assert pages.post("/children/C2/emergency", reason="rang at night, alone at home").status_code == 303
    assert pages.get("/children/C2").status_code == 200
    assert "Child C2" in pages.get("/children/C2").text
    asyncio.run(sending.dispatch(pages.council.house))
    told = [(to, body) for to, _, body in pages.council.mail.sent[before:]]
    assert sorted(to for to, _ in told) == ["cy", "kit"], "the team's manager and information governance"
    assert all("alone at home" not in body and "C2" not in body for _, body in told)
    pages.council.now += timedelta(hours=4)
    pages.sign_in("W1")
    assert pages.get("/children/C2").status_code == 403
    assert [(one.person, one.child) for one in rows(pages, EmergencyAccess)] == [("W1", "C2")]


def test_a_restricted_child_is_seen_by_nobody_else_and_offers_no_emergency(pages: Pages) -> None:
    directory = pages.council.house.staff.directory
    made = replace(directory, restrictions={"C1": Restriction("C1", only=("W1",))})
    object.__setattr__(pages.council.house, "staff", Staff((), lambda: made))
    pages.sign_in("M1")
    answer = pages.get("/children/C1")
    assert answer.status_code == 403 and "/emergency" not in answer.text
    assert "C1" not in pages.get("/teams/T1").text
    assert pages.sign_in("W1").get("/children/C1").status_code == 200


def test_what_is_not_there_answers_as_what_is_not_theirs(pages: Pages) -> None:
    pages.sign_in("W2")
    assert pages.get("/children/C1").status_code == pages.get("/children/NONE").status_code == 403
    assert pages.get("/alerts/999999").status_code == 403 and pages.get("/alerts/x").status_code == 403


def test_work_of_somebody_away_is_their_deputys(pages: Pages) -> None:
    pages.sign_in("W2")
    assert "Nothing is open about your children" in pages.get("/work").text
    directory = pages.council.house.staff.directory
    people = {**directory.people, "W1": replace(directory.people["W1"], deputy="W2", away_from=TODAY)}
    made = replace(directory, people=people)
    object.__setattr__(pages.council.house, "staff", Staff((), lambda: made))
    page = pages.get("/work").text
    assert "With the work of Ade" in page and "Child C1" in page


def test_a_way_back_after_signing_in_leads_nowhere_else(pages: Pages) -> None:
    pages.client.cookies.clear()
    at = datetime.combine(TODAY, time(9), LONDON)
    pages.council.now = at
    assert pages.get("/work").headers["location"].startswith("/sign-in")
    assert pages.get("//evil.example/work").status_code in (303, 404)


def test_f77_a_form_without_end_is_refused(pages: Pages) -> None:
    assert ask(pages, "a" * 30_000).status_code == 413
    pages.sign_in("W1")
    assert pages.post("/work/calendar", more="x" * 30_000).status_code == 413
    assert pages.get("/static/alertd.css", headers={"range": "bytes=" + "0-1," * 5000}).status_code in (
        200,
        206,
        400,
        416,
    )
