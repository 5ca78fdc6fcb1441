"""What agencies and those who tell them see in a browser: the inbox, a question, and deciding about what is sent."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.orm import Session

from alertd.db.partner_tables import Notification
from alertd.engine import sweep as sweeping
from alertd.engine import worker
from alertd.partners import store
from alertd.settings.web import Web
from alertd.web.app import app
from tests.browser.looking import look_at
from tests.browser.serving import serving
from tests.support.council import Inline
from tests.support.everybody import DESK, OTHER, OWN, Everybody, everybody_at


@dataclass(frozen=True)
class Site:
    """The council, and where its pages are served."""

    everybody: Everybody
    address: str

    def sign_in(self, page: Page, subject: str) -> None:
        """With a session that is there already: how one begins is looked at elsewhere."""
        secret = self.everybody.secret(subject)
        cookie = {"name": "alertd", "value": secret, "domain": urlsplit(self.address).hostname or "", "path": "/"}
        page.context.add_cookies([cookie])  # type: ignore[list-item]

    def open(self, page: Page, path: str, name: str) -> None:
        answer = page.goto(f"{self.address}{path}")
        assert answer is not None and answer.status == 200, f"{path}: {answer and answer.status}"
        look_at(page, name)


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("partners")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweeping, "ProcessPoolExecutor", Inline)
        patch.setattr(worker.signal, "signal", lambda *_: None)  # which only the main thread may set
        with ThreadPoolExecutor(1) as beside:  # the browser's driver keeps a loop of its own in this thread
            everybody = beside.submit(everybody_at, folder, f"sqlite:///{folder / 'alertd.db'}").result()
        council = everybody.council

        def made_for(address: str) -> object:
            settings = council.house.settings.model_copy(update={"web": Web(url=address)})
            council.house = replace(council.house, settings=settings)
            return app(council.house)

        with serving(made_for) as address:
            yield Site(everybody, address)
        council.house.engine.dispose()


def test_the_inbox_of_an_agency(page: Page, site: Site) -> None:
    site.sign_in(page, DESK)
    site.open(page, "/partner", "partner")
    reference = site.everybody.notified[OTHER]
    page.get_by_role("link", name=reference).click()
    expect(page.get_by_text("C2: full care order")).to_be_visible()
    look_at(page, "partner-notification")


def test_an_agency_acknowledges_and_asks(either: Page, site: Site) -> None:
    page, reference = either, site.everybody.notified[OWN]
    site.sign_in(page, DESK)
    page.goto(f"{site.address}/partner/{reference}")
    page.get_by_role("button", name="Send the question").click()
    expect(page.get_by_text("Write what you want to know").first).to_be_visible()
    look_at(page, "partner-question-empty")
    page.get_by_label("What do you want to know?").fill(f"Who is the worker now? {page.viewport_size} {id(page)}")
    page.get_by_role("button", name="Send the question").click()
    expect(page.get_by_text("Somebody will answer you by e-mail")).to_be_visible()
    if page.get_by_role("button", name="We have it").count():
        page.get_by_role("button", name="We have it").click()
        expect(page.get_by_text("Acknowledged. Thank you")).to_be_visible()
        look_at(page, "partner-acknowledged")
    expect(page.get_by_role("button", name="We have it")).to_have_count(0)


def test_staff_say_that_a_question_was_answered(either: Page, site: Site) -> None:
    page, reference = either, site.everybody.notified[OWN]
    site.sign_in(page, DESK)
    page.goto(f"{site.address}/partner/{reference}")
    page.get_by_label("What do you want to know?").fill(f"When may we ring? {id(page)}")
    page.get_by_role("button", name="Send the question").click()
    expect(page.get_by_text("It waits for an answer").first).to_be_visible()
    site.sign_in(page, "W1")
    page.goto(f"{site.address}/partners/{site.everybody.notices[OWN]}/{reference}")
    page.get_by_role("link", name="Their question was answered").click()
    page.get_by_role("button", name="Say that it was answered").click()
    expect(page.get_by_text("Choose how it was answered").first).to_be_visible()
    look_at(page, "partners-answered-empty")
    page.get_by_label("By telephone").check()
    page.get_by_role("button", name="Say that it was answered").click()
    expect(page.get_by_text("the agency sees that you have answered")).to_be_visible()
    look_at(page, "partners-answered")
    site.sign_in(page, DESK)
    site.open(page, f"/partner/{reference}", "partner-answered")
    expect(page.get_by_text("answered by telephone").first).to_be_visible()


def test_staff_see_what_agencies_are_told_and_decide(page: Page, site: Site) -> None:
    everybody = site.everybody
    site.sign_in(page, "W3")
    site.open(page, "/partners", "partners")
    path = f"/partners/{everybody.notices[OTHER]}/{everybody.notified[OTHER]}"
    site.open(page, path, "partners-notification")
    with Session(everybody.house.engine) as session, session.begin():
        row = session.query(Notification).filter_by(reference=everybody.notified[OTHER]).one()
        if row.state == "sent":
            store.bounced(session, row, everybody.council.now, "no such mailbox")
    for what in ("withhold", "again", "told"):
        site.open(page, f"{path}/{what}", f"partners-{what}")
    page.get_by_role("button", name="Say that they were told").click()
    expect(page.get_by_text("Say in a sentence why").first).to_be_visible()
    look_at(page, "partners-told-empty")


def test_messages_and_what_somebody_may_do_about_one(page: Page, site: Site) -> None:
    site.sign_in(page, "administrator")
    site.open(page, "/deliveries?state=delivered", "deliveries")
    page.locator("#deliveries a").first.click()
    look_at(page, "delivery")
    site.open(page, "/system", "system")
