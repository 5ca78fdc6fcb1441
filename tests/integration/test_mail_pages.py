"""Mails to staff lead to the pages, where there are any: to the alert and to My work, for whoever can sign in there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from alertd.engine.findings import WHOLE_FEED
from tests.support.databases import opened
from tests.support.office import Office, at, review, visit

PAGES = "https://alertd.council.example/pages"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    engine = opened(f"sqlite:///{tmp_path / 'alertd.db'}")
    office = Office(engine)
    office.composer = replace(office.composer, pages=f"{PAGES}/")
    yield office
    engine.dispose()


def parts(office: Office, number: int = -1) -> list[str]:
    """The last message, as text and as HTML."""
    message = office.messages()[number][1]
    bodies = [message.get_body((kind,)) for kind in ("plain", "html")]
    return [str(body.get_content()) for body in bodies if body]


def links(text: str) -> list[str]:
    return re.findall(rf"{re.escape(PAGES)}(/[^\s\"<]*)", text)


def test_a_digest_leads_to_each_alert_and_to_my_work_in_text_and_in_html(office: Office) -> None:
    office.look(at(26, 6, 30), review("upcoming", "C1"), review("overdue", "C2"))
    assert office.compose(at(26, 8)).digests == 1
    for part in parts(office):
        assert sorted(links(part)) == ["/alerts/1", "/alerts/2", "/work"]
        assert "C1" not in "".join(links(part)), "an address says nothing of anybody"
    assert "Open My work" in office.text()


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "See why, or say something of it"), ("cy", "Gweld pam, neu ddweud rhywbeth amdano")],
)
def test_an_urgent_mail_leads_to_its_alert_in_the_readers_language(office: Office, language: str, words: str) -> None:
    office.change("W1", language=language)
    office.look(at(26, 6, 30), visit("due", "C2"))
    assert office.compose(at(26, 6, 31)).urgent == 1
    for part in parts(office):
        assert links(part) == ["/alerts/1"] and words in part


def test_an_inbox_which_cannot_sign_in_is_led_nowhere(office: Office) -> None:
    office.change("W1", away_from=date(2026, 11, 1), away_to=date(2026, 12, 1))
    office.look(at(26, 6, 30), review("overdue", "C1"))
    office.compose(at(26, 8))
    assert {one.person for one, _ in office.messages()} >= {"team:T1"}
    for n, (one, _) in enumerate(office.messages()):
        assert bool(links(parts(office, n)[0])) == (not one.person.startswith("team:")), one.person


def test_what_concerns_the_whole_feed_has_no_page_of_a_child(office: Office) -> None:
    child, record = WHOLE_FEED
    office.look(at(26, 6, 30), review("unknown", child, record=record))
    office.compose(at(26, 8))
    assert links(office.text()) == ["/work"]


def test_without_pages_nothing_leads_anywhere(office: Office) -> None:
    office.composer = replace(office.composer, pages="")
    office.look(at(26, 6, 30), review("upcoming", "C1"), visit("due", "C2"))
    office.compose(at(26, 8))
    assert len(office.messages()) == 2
    for n in (0, 1):
        assert not any("://" in part.replace("http://www.w3.org", "") for part in parts(office, n)[:1])
        assert "My work" not in "".join(parts(office, n)) and "See why" not in "".join(parts(office, n))
