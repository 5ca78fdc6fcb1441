"""The pages of people in a browser: signed in, on a telephone and on a desk, with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.routing import compile_path

from alertd.engine import sweep as sweeping
from alertd.settings.web import Web
from alertd.web.app import PAGES, app
from alertd.web.signing_in import links
from tests.browser.looking import look_at
from tests.browser.serving import serving
from tests.support.council import Inline
from tests.support.met import Done, met
from tests.support.pages import Pages, pages_at

TODAY = date(2026, 11, 27)


@dataclass(frozen=True)
class Site:
    """The council, where its pages are served, and a way in for each of its people."""

    pages: Pages
    address: str

    def sign_in(self, page: Page, subject: str) -> None:
        """By a link, as from a mail."""
        house = self.pages.council.house
        link = links.made_for(house.engine, house.settings.web, house.staff.directory, subject, self.pages.council.now)
        page.goto(link)
        look_at(page, "sign-in-by-link")
        page.locator("main").get_by_role("button").click()
        page.wait_for_url(f"{self.address}/**")
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()

    def open(self, page: Page, path: str, name: str) -> None:
        answer = page.goto(f"{self.address}{path}")
        assert answer is not None and answer.status == 200, f"{path}: {answer and answer.status}"
        look_at(page, name)


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweeping, "ProcessPoolExecutor", Inline)
        pages = _council(folder)
        council = pages.council

        def made_for(address: str) -> object:
            settings = council.house.settings.model_copy(update={"web": Web(url=address)})
            council.house = replace(council.house, settings=settings, clock=lambda: council.now)
            return app(council.house)

        with serving(made_for) as address:
            yield Site(pages, address)
        council.house.engine.dispose()


def _council(folder: Path) -> Pages:
    """Three children whose first review is due, of two workers, and what was done of others' before."""
    pages = pages_at(folder, f"sqlite:///{folder / 'alertd.db'}")
    for child, worker in (("C1", "W1"), ("C2", "W1"), ("C3", "W3")):
        pages.council.looked_after(child, worker=worker)
    pages.council.evaluate(TODAY)
    with ThreadPoolExecutor(1) as beside:  # the browser's driver keeps a loop of its own in this thread
        beside.submit(pages.council.send).result()
    done = [Done("W1", "T1", 9, closed_as="met_recorded_late"), Done("W3", "T2", 4, days=3, closed_as="met_late")]
    met(pages.council.house.engine, *done, *(Done(f"X{n}", team, 20) for n in range(4) for team in ("T1", "T2")))
    return pages


def first_alert(page: Page, site: Site) -> str:
    """The path of the first alert of whoever is signed in."""
    page.goto(f"{site.address}/work")
    path = page.locator("main a[href^='/alerts/']").first.get_attribute("href")
    assert path
    return path


def test_a_page_to_sign_in(page: Page, site: Site) -> None:
    site.open(page, "/sign-in", "sign-in")


def test_the_pages_of_a_worker(page: Page, site: Site) -> None:
    site.sign_in(page, "W1")
    site.open(page, "/work", "work")
    expect(page.get_by_role("heading", name="Child C1")).to_be_visible()
    expect(page.get_by_text("Child C3")).to_have_count(0)
    site.open(page, "/work?stage=overdue", "work-overdue")
    site.open(page, "/work/weeks", "work-weeks")
    site.open(page, "/children/C1", "child")
    site.open(page, "/children/C1/told", "child-told")
    alert = first_alert(page, site)
    site.open(page, alert, "alert")
    for what in ("claim", "accept", "hand-over", "snooze", "dispute"):
        site.open(page, f"{alert}/{what}", f"alert-{what}")
    site.open(page, "/insight", "insight")
    site.open(page, "/insight/cla.review.first", "insight-rule")
    for summary in page.locator("summary").all():
        summary.click()
    look_at(page, "insight-rule-unfolded")


def test_the_pages_of_a_manager(page: Page, site: Site) -> None:
    site.sign_in(page, "M1")
    site.open(page, "/teams", "teams")
    site.open(page, "/teams/T1", "team")
    page.locator("#board a").first.click()
    look_at(page, "team-person")
    site.open(page, "/insight/cla.review.first/children?scope=team", "insight-children")
    expect(page.locator("#behind tbody tr")).to_have_count(50)


@pytest.mark.parametrize(("subject", "start"), [("S1", "/teams/T1"), ("A1", "/")], ids=["manager", "administrator"])
def test_one_of_each_page_that_links_lead_to(page: Page, site: Site, subject: str, start: str) -> None:
    """Whoever adds a page and a link to it has it looked at here."""
    site.sign_in(page, subject)
    ahead, seen = [start], set[str]()
    while ahead:
        path = ahead.pop(0)
        kind = _kind(path)
        if kind is None or kind in seen:
            continue
        seen.add(kind)
        site.open(page, path, "-".join([subject, *re.findall(r"\w+", kind or "home")]))
        links = [link.get_attribute("href") or "" for link in page.locator("a[href^='/']:not([download])").all()]
        ahead += [urlsplit(link).path for link in links]
    assert "/work" in seen and len(seen) > 3, seen
    assert subject != "S1" or {"/alerts/{alert}", "/children/{child}", "/insight/{rule}/children"} <= seen


def _kind(path: str) -> str | None:
    """Which page a path leads to, as the routes write it."""
    return next((one.path for one in PAGES if "GET" in one.methods and compile_path(one.path)[0].match(path)), None)


def test_what_somebody_may_not_see_is_refused_in_words(page: Page, site: Site) -> None:
    site.sign_in(page, "W1")
    answer = page.goto(f"{site.address}/children/C3")
    assert answer is not None and answer.status == 403
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    look_at(page, "refused")


def test_saying_that_it_is_done(either: Page, site: Site) -> None:
    page = either
    site.sign_in(page, "W1")
    alert = first_alert(page, site)
    page.goto(f"{site.address}{alert}/snooze")
    page.get_by_role("button", name="Do not tell me until then").click()
    expect(page).to_have_title("Error: I need not hear of it until a day - alertd")
    look_at(page, "alert-errors")
    page.goto(f"{site.address}{alert}/dispute")
    page.get_by_label("Why?").fill("The review was held on Monday")
    page.get_by_role("button", name="Say that it is wrong").click()
    expect(page.get_by_text("The review was held on Monday").first).to_be_visible()
    look_at(page, "alert-said")
    page.get_by_role("button", name="Take it back").first.click()
    look_at(page, "alert-taken-back")


def test_signing_out(page: Page, site: Site) -> None:
    site.sign_in(page, "W1")
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{site.address}/work")
    expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
