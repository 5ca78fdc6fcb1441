"""Every part of our pages in a browser: readable on a telephone, with other eyes, without scripts, on paper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from alertd.web.look import static_files
from alertd.web.visit import HEADERS
from tests.browser.looking import NARROW, PICTURES, look_at, opened
from tests.browser.serving import serving
from tests.browser.specimen import specimen

BROKEN: Final = {
    "script": "<script>1</script>",
    "picture": '<img src="/static/alertd.svg" width="9" height="9">',
    "gone": '<img src="/static/gone.svg" width="9" height="9" alt="Gone">',
    "wide": '<svg width="2000" height="9" aria-hidden="true"></svg>',
}


@pytest.fixture(scope="module")
def address(browser: object) -> Iterator[str]:
    """The specimen, under the same security policy as the pages of people; and with one of each fault."""

    def page(request: Request) -> Response:
        fault = BROKEN[request.path_params["fault"]] if "fault" in request.path_params else ""
        return HTMLResponse(specimen().replace("</main>", f"{fault}</main>"), headers=HEADERS)

    app = Starlette(routes=[Route("/", page), static_files(), Route("/{fault}", page)])
    with serving(lambda _: app) as at:
        yield at


def test_every_part_is_in_order(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("body")).to_have_class("govuk-template__body js-enabled govuk-frontend-supported")
    look_at(page, "specimen")


def test_every_part_is_in_order_without_scripts(page_without_scripts: Page, address: str) -> None:
    page = page_without_scripts
    page.goto(address)
    look_at(page, "specimen-without-scripts")
    expect(page.get_by_role("link", name="Exceptions")).to_be_visible()
    page.get_by_text("Why this date?").click()
    expect(page.get_by_text("20 working days from Fri 30 Oct")).to_be_visible()


def test_with_everything_unfolded(page: Page, address: str) -> None:
    page.goto(address)
    for summary in page.locator("summary").all():
        summary.click()
    if (page.viewport_size or {"width": 0})["width"] == NARROW:
        page.get_by_role("button", name="Menu").click()
    expect(page.get_by_role("link", name="Exceptions")).to_be_visible()
    look_at(page, "specimen-unfolded")


def test_the_keyboard_reaches_what_a_mouse_does(page: Page, address: str) -> None:
    page.goto(address)
    page.evaluate("document.activeElement.blur()")  # the banner took it, for whoever hears the page
    page.get_by_role("link", name="Skip to main content").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#main-content")).to_be_focused()
    load = page.get_by_role("region", name="Where the load is")
    load.focus()
    if (page.viewport_size or {"width": 0})["width"] == NARROW:
        load.evaluate("part => { window.scrolled = new Promise(told => part.onscroll = () => told(part.scrollLeft)) }")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("() => scrolled") > 0


@pytest.fixture
def paper(browser: Browser) -> Iterator[Page]:
    """A sheet of A4, less its margins."""
    with opened(browser, 680) as made:
        made.emulate_media(media="print")
        yield made


def test_paper_says_who_printed_it_and_shows_what_is_folded(paper: Page, address: str) -> None:
    page = paper
    page.goto(address)
    expect(page.locator(".app-printed")).to_be_visible()
    expect(page.get_by_text("20 working days from Fri 30 Oct")).to_be_visible()
    for only_screen in (".app-header", ".govuk-breadcrumbs", ".govuk-pagination"):
        expect(page.locator(only_screen)).to_be_hidden()
    after: str = page.evaluate("getComputedStyle(document.querySelector('main p a'), '::after').content")
    assert after in ("none", "normal")
    look_at(page, "specimen-paper")
    page.pdf(path=PICTURES / "specimen.pdf", format="A4")
    sheets = [sheet.extract_text() for sheet in PdfReader(PICTURES / "specimen.pdf").pages]
    assert len(sheets) > 1
    assert all("printed by A. Featherstonehaugh, Tue 24 Nov 2026 16:05" in sheet for sheet in sheets)


def test_looking_finds_what_the_policy_stops(page: Page, address: str) -> None:
    page.goto(f"{address}/script")
    with pytest.raises(AssertionError, match="Content Security Policy"):
        look_at(page, "broken")


def test_looking_finds_what_keeps_people_out(page: Page, address: str) -> None:
    page.goto(f"{address}/picture")
    with pytest.raises(AssertionError, match="image-alt"):
        look_at(page, "broken")


def test_looking_finds_what_is_missing(page: Page, address: str) -> None:
    page.goto(f"{address}/gone")
    with pytest.raises(AssertionError, match=r"404: .*/static/gone\.svg"):
        look_at(page, "broken")


def test_looking_finds_what_is_too_wide(page: Page, address: str) -> None:
    page.goto(f"{address}/wide")
    with pytest.raises(AssertionError, match=r"px wider than a screen of \d+: <svg"):
        look_at(page, "broken")


def test_looking_finds_it_without_scripts_too(page_without_scripts: Page, address: str) -> None:
    page_without_scripts.goto(f"{address}/picture")
    with pytest.raises(AssertionError, match="image-alt"):
        look_at(page_without_scripts, "broken")
