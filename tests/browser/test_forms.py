"""Every form that a page has is sent in a browser, with scripts and without; and any list can be printed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.browser.looking import PICTURES, look_at
from tests.browser.test_pages import Site, site

__all__ = ["site"]


def test_a_subscription_is_shown_kept_and_ended(either: Page, site: Site) -> None:
    page = either
    site.sign_in(page, "M1")
    page.goto(f"{site.address}/subscriptions")
    page.get_by_role("button", name="Show what it would have sent").click()
    expect(page.get_by_text("Choose what you want to hear of").first).to_be_visible()
    look_at(page, "subscriptions-errors")
    page.get_by_label("All rules").check()
    page.get_by_role("button", name="Show what it would have sent").click()
    expect(page.get_by_role("heading", name="Before you keep it")).to_be_visible()
    look_at(page, "subscriptions-shown")
    page.get_by_role("button", name="Keep this subscription").click()
    expect(page.get_by_text("Subscribed.")).to_be_visible()
    look_at(page, "subscriptions-kept")
    page.get_by_role("button", name="End it").click()
    expect(page.get_by_text("Ended.")).to_be_visible()
    expect(page.get_by_text("You subscribe to nothing")).to_be_visible()


def test_a_calendar_is_made_and_has_its_address_once(either: Page, site: Site) -> None:
    page = either
    site.sign_in(page, "M1")
    page.goto(f"{site.address}/subscriptions")
    page.get_by_label("All rules").check()
    page.get_by_label("A calendar that I follow").check()
    page.get_by_role("button", name="Show what it would have sent").click()
    page.get_by_role("button", name="Keep this subscription").click()
    first = page.locator(".app-address code").inner_text()
    look_at(page, "calendar-address")
    page.get_by_role("button", name="Make a new address").click()
    assert page.locator(".app-address code").inner_text() != first
    page.get_by_role("button", name="End it").click()
    expect(page.locator(".app-address")).to_have_count(0)


def test_a_child_is_seen_in_an_emergency_once_it_was_said_why(either: Page, site: Site) -> None:
    page = either
    site.sign_in(page, "W3")
    child = next(one for one in ("C1", "C2") if _status(page, f"{site.address}/children/{one}") == 403)
    page.get_by_role("button", name="See this child").click()
    expect(page.get_by_text("others read it").first).to_be_visible()
    look_at(page, "emergency-errors")
    page.get_by_label("Why must you see this child now?").fill("Somebody rang and says that the child is alone")
    page.get_by_role("button", name="See this child").click()
    expect(page.get_by_text("have been told")).to_be_visible()
    expect(page.get_by_role("heading", name=f"Child {child}")).to_be_visible()
    look_at(page, "emergency-seen")


def _status(page: Page, url: str) -> int:
    answer = page.goto(url)
    assert answer is not None
    return answer.status


def test_a_rule_is_tried_on_a_child(either: Page, site: Site) -> None:
    page = either
    site.sign_in(page, "W1")
    page.goto(f"{site.address}/rules/cla.review.first/try")
    page.get_by_label("A child's number in the case system").fill("C1")
    page.get_by_role("button", name="Try it on this child").click()
    expect(page.get_by_text("The law's date").first).to_be_visible()
    look_at(page, "rule-tried")


def test_signing_out_everywhere_ends_what_another_browser_had(either: Page, page: Page, site: Site) -> None:
    site.sign_in(page, "I1")
    site.sign_in(either, "I1")
    either.get_by_role("link", name="Flo").click()
    expect(either.locator("#sessions tbody tr")).not_to_have_count(1)
    look_at(either, "sign-out")
    either.get_by_role("button", name="Sign out everywhere").click()
    page.goto(f"{site.address}/work")
    expect(page.get_by_label("Your work e-mail address")).to_be_visible()


LISTS = {
    "M1": ("/work", "/exceptions", "/teams", "/teams/T1", "/teams/T1/alerts?person=W1", "/insight", "/rules",
           "/subscriptions", "/children/C1", "/children/C1/chronology", "/children/C1/told"),
    "A1": ("/deliveries", "/system"),
}  # fmt: skip


@pytest.mark.parametrize("subject", LISTS)
def test_any_list_is_printed_with_who_printed_it_on_each_sheet(page: Page, site: Site, subject: str) -> None:
    site.sign_in(page, subject)
    name = {"M1": "Cy", "A1": "Jo"}[subject]
    for path in LISTS[subject]:
        page.goto(f"{site.address}{path}")
        heading = page.get_by_role("heading", level=1).inner_text()
        page.emulate_media(media="print")
        kept = PICTURES / f"paper{path.partition('?')[0].replace('/', '-')}.pdf"
        page.pdf(path=kept, format="A4")
        page.emulate_media(media="screen")
        sheets = [sheet.extract_text() for sheet in PdfReader(kept).pages]
        assert sheets and all(f"printed by {name}" in sheet for sheet in sheets), path
        assert heading in " ".join(sheets[0].split()), path
        assert "Sign out" not in "".join(sheets), f"{path}: what only a screen can do"
