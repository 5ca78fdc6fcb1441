"""*Subscriptions* as a page: shown before it is kept, refused at its form, told, followed as a calendar, and ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.db.tables import Subscription
from alertd.engine import sweep as sweeping
from alertd.people.directory import Person
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.load import load_rulebook
from alertd.subscriptions.topics import TITLES, in_titles, topics
from alertd.web.app import app
from alertd.web.pages.subscriptions import PAGES
from tests.support.council import ALL_RULES, ENTERED, Inline
from tests.support.pages import Browser, Pages, pages_at

LATE = ENTERED + timedelta(days=32)
DAILY = {"stages": ["overdue", "escalated"], "severities": ["urgent", "routine"], "every": "daily", "channel": "email"}


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    """C1 is overdue a review since Friday; it has been watched from two days before."""
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = pages_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    council = found.council
    council.looked_after("C1")
    for day in range(-6, 1):
        council.day(LATE + timedelta(days=day))
    found.client = Browser(app(replace(council.house, clock=lambda: council.now)))
    yield found
    council.house.engine.dispose()


def words(text: str) -> str:
    main = text[text.index("<main") : text.index("</main>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main))


def ask(seen: Pages, path: str = "/subscriptions", **form: Any) -> httpx.Response:
    """Fill in the form: what is not given is as in :data:`DAILY`."""
    return seen.post(path, at="/subscriptions", **DAILY | {"rules": ["cla"], "single": ""} | form)


def kept(seen: Pages) -> list[Subscription]:
    with Session(seen.council.house.engine, expire_on_commit=False) as session:
        return list(session.scalars(select(Subscription).order_by(Subscription.id)))


def test_a_subscription_is_shown_before_it_is_kept_and_kept_as_it_was_shown(pages: Pages) -> None:
    pages.sign_in("S1")
    assert "You subscribe to nothing" in words(pages.get("/subscriptions").text)
    shown = ask(pages, teams=["T1"])
    told = words(shown.text)
    assert shown.status_code == 200 and not kept(pages), "nothing is kept yet"
    assert "Before you keep it" in told and "told you of 1 change in 1 message" in told, told
    assert "First looked-after review: overdue" in told and "C1" not in told, "no child is named"
    again = dict.fromkeys(re.findall(r'type="hidden" name="(\w+)"', shown.text))
    values = {name: re.findall(rf'type="hidden" name="{name}" value="([^"]*)"', shown.text) for name in again}
    values.pop("csrf")
    done = pages.post("/subscriptions/keep", at="/subscriptions", **values)  # type: ignore[arg-type]
    assert done.status_code == 303
    page = words(pages.get(done.headers["location"]).text)
    assert "Subscribed." in page and "Looked-after children" in page and "North" in page
    (one,) = kept(pages)
    assert (one.person, one.rules, one.teams, one.every, one.channel) == ("S1", ["cla.*"], ["T1"], "daily", "email")
    assert (one.stages, one.severities) == (["overdue", "escalated"], ["urgent", "routine"])


@pytest.mark.parametrize(
    ("form", "field", "said"),
    [
        ({"rules": []}, "rules", "Choose what you want to hear of"),
        ({"stages": []}, "stages", "Choose when you want to hear of it"),
        ({"severities": []}, "severities", "Choose urgent, routine, or both"),
        ({"single": "cla.reviews"}, "single", "There is no rule &#39;cla.reviews&#39;"),
        ({"single": "c*p"}, "single", "a star ends a beginning"),
        ({"teams": ["T2"]}, "teams", "T2 is not a team M1 answers for"),
        ({"teams": ["T9"]}, "teams", "There is no team &#39;T9&#39;"),
        ({"stages": ["never"]}, "stages", "There is no stage &#39;never&#39;"),
        ({"every": "hourly"}, "every", "There is no interval &#39;hourly&#39;"),
        ({"channel": "pigeon"}, "channel", "Choose how you are told"),
        ({"rules": ["nothing"]}, "single", "There is no rule &#39;nothing&#39;"),
    ],
)
def test_a_refusal_is_said_at_its_field_and_what_was_chosen_stays(
    pages: Pages, form: dict[str, Any], field: str, said: str
) -> None:
    pages.sign_in("M1")
    for path in ("/subscriptions", "/subscriptions/keep"):
        answer = ask(pages, path, **{"every": "weekly", **form})
        assert answer.status_code == 400 and said in answer.text
        assert f'href="#{field}"' in answer.text
        if "every" not in form:
            assert re.search(r'value="weekly" checked', answer.text)
    assert not kept(pages)


def test_the_same_twice_is_refused_and_so_is_what_is_not_ones_own(pages: Pages) -> None:
    pages.sign_in("M1")
    assert ask(pages, "/subscriptions/keep").status_code == 303
    again = ask(pages, "/subscriptions/keep")
    assert again.status_code == 400 and "You have that subscription already" in again.text
    (one,) = kept(pages)
    pages.sign_in("S1")
    for what in ("end", "calendar"):
        assert pages.post(f"/subscriptions/{one.id}/{what}", at="/subscriptions").status_code == 404
    for number in ("0", "x", "9" * 30):
        assert pages.post(f"/subscriptions/{number}/end", at="/subscriptions").status_code == 404
    assert kept(pages)[0].ended_at is None


def test_what_is_ended_is_over_and_says_what_is_told_anyway(pages: Pages) -> None:
    pages.sign_in("M1")
    ask(pages, "/subscriptions/keep")
    page = words(pages.get("/subscriptions").text)
    assert "What you are told anyway" in page and "nobody can unsubscribe from a ladder" in page
    done = pages.post(f"/subscriptions/{kept(pages)[0].id}/end", at="/subscriptions")
    assert done.status_code == 303 and kept(pages)[0].ended_at == pages.council.now
    page = words(pages.get(done.headers["location"]).text)
    assert "Ended." in page and "You subscribe to nothing" in page


def test_a_calendar_is_shown_once_answers_until_a_new_address_is_made_and_ends(pages: Pages) -> None:
    pages.sign_in("M1")
    assert "A calendar sends nothing. This one would show 1 date now" in words(ask(pages, channel="calendar").text)
    first = _address(ask(pages, "/subscriptions/keep", channel="calendar").text)
    assert first not in pages.get("/subscriptions").text
    held = pages.get(first)
    assert held.status_code == 200 and "First looked-after review" in held.text
    second = _address(pages.post(f"/subscriptions/{kept(pages)[0].id}/calendar", at="/subscriptions").text)
    assert second != first
    assert (pages.get(first).status_code, pages.get(second).status_code) == (404, 200)
    pages.post(f"/subscriptions/{kept(pages)[0].id}/end", at="/subscriptions")
    assert pages.get(second).status_code == 404


def _address(text: str) -> str:
    found = re.search(r"<code>https?://[^/]+(/calendar/[^<]+)</code>", text)
    assert found, "the address is shown"
    return found[1]


def test_a_worker_is_told_why_there_is_no_form_and_cannot_send_one(pages: Pages) -> None:
    pages.sign_in("W1")
    page = pages.get("/subscriptions")
    assert "Workers are told of their own children without asking" in page.text and 'name="rules"' not in page.text
    assert ask(pages, "/subscriptions/keep").status_code == 400 and not kept(pages)


def test_who_looks_after_alertd_hears_of_no_child_by_a_subscription(pages: Pages) -> None:
    pages.sign_in("A1")
    assert 'name="rules"' not in pages.get("/subscriptions").text
    refused = ask(pages, "/subscriptions/keep", rules=["*"])
    assert refused.status_code == 400 and "does not look at the whole service" in refused.text and not kept(pages)


def test_whoever_has_a_row_for_each_role_subscribes_by_the_one_that_may(pages: Pages) -> None:
    council = pages.council
    made = council.house.staff.directory
    also = Person("M9", "Ade", "ade@council.example", "team_manager", "T1")
    council.house = replace(
        council.house, staff=type(council.house.staff)((), lambda: replace(made, people={**made.people, "M9": also}))
    )
    council.house.staff.refresh()
    pages.client = Browser(app(replace(council.house, clock=lambda: council.now)))
    pages.sign_in("W1")
    assert ask(pages, "/subscriptions/keep").status_code == 303
    assert kept(pages)[0].person == "M9"
    assert "Looked-after children" in words(pages.get("/subscriptions").text)


def test_what_was_kept_is_told(pages: Pages) -> None:
    pages.sign_in("S1")
    ask(pages, "/subscriptions/keep", stages=["upcoming"])
    pages.council.looked_after("C2", since=date(2026, 11, 20))
    sent = [pages.council.day(LATE + timedelta(days=n)) for n in range(1, 12)]
    assert any("di" in day for day in sent)
    assert any("you subscribe to cla.*: upcoming" in body for to, _, body in pages.council.mail.sent if to == "di")


def test_each_rule_is_of_one_topic_and_topics_are_read_back() -> None:
    found = topics(ALL_RULES)
    assert sum(topic.rules for topic in found) == len(ALL_RULES.enabled)
    assert {topic.key for topic in found} <= {*TITLES, "other"} and len(found) > 20
    every = [asked for topic in found for asked in topic.asks]
    assert len(every) == len(set(every))
    assert in_titles(("gap.*", "cp.visit", "gone.rule"), ALL_RULES) == (
        "Gaps in services", ALL_RULES.rule("cp.visit").title, "gone.rule",  # type: ignore[union-attr]
    )  # fmt: skip
    assert in_titles(("*",), ALL_RULES) == ("All rules",)
    wales = {topic.key: topic for topic in topics(load_rulebook([builtin_pack("england"), builtin_pack("wales")]))}
    assert wales["cla"].asks == ("cla.*", "wales.cla.*"), "a nation's own rules are of the same topic"
    assert wales["other"].asks == ("wales.personal_plan",)
    assert all(page.policy.name == "staff" for page in PAGES)
