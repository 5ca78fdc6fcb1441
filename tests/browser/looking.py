"""Looking at a page as people with other eyes, other hands and other screens do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary, WeakSet

from playwright.sync_api import Browser, ConsoleMessage, Page, Response

from tests.browser.axe import violations

PICTURES: Final = Path(__file__).parents[2] / "browser-screenshots"
NARROW, WIDE = 360, 1280

_TROUBLE: WeakKeyDictionary[Page, list[str]] = WeakKeyDictionary()
"""What each page complained of to the console, and what it could not load."""


_SILENT: WeakSet[Page] = WeakSet()
"""The pages on which no script runs."""


@contextmanager
def opened(browser: Browser, width: int, *, scripts: bool = True, base: str | None = None) -> Iterator[Page]:
    """An empty page of a browser that knows nobody yet. What goes wrong on it is kept for :func:`look_at`."""
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        java_script_enabled=scripts,
        base_url=base,
        locale="en-GB",
        timezone_id="Europe/London",
        reduced_motion="reduce",
    )
    page = context.new_page()
    trouble = _TROUBLE[page] = []
    if not scripts:
        _SILENT.add(page)
    _listen(page, trouble)
    try:
        yield page
    finally:
        context.close()


def _listen(page: Page, trouble: list[str]) -> None:
    """What the page complains of, and what is missing from it. A whole page may answer 403 and be in order."""

    def said(line: ConsoleMessage) -> None:
        if line.type == "error" and not line.text.startswith("Failed to load resource"):
            trouble.append(f"console: {line.text}")

    def answered(response: Response) -> None:
        if response.status >= 400 and not response.request.is_navigation_request():
            trouble.append(f"{response.status}: {response.url}")

    page.on("console", said)
    page.on("response", answered)
    page.on("pageerror", lambda error: trouble.append(f"script: {error}"))
    page.on("requestfailed", lambda request: trouble.append(f"not loaded: {request.url} {request.failure}"))


def look_at(page: Page, name: str) -> None:
    """Demand of the page as it stands what every page owes, and keep a picture of it as ``name``.

    Nothing for axe to find, nothing on the console, and no sideways scrolling of the whole page.
    """
    width = (page.viewport_size or {"width": 0})["width"]
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}-{width}.png", full_page=True)
    assert not _TROUBLE[page], f"{name} at {width}: " + "\n".join(_TROUBLE[page])
    with _twin(page) as same:
        _demand(same, name, width)


def _demand(page: Page, name: str, width: int) -> None:
    over: int = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0, f"{name} is {over} px wider than a screen of {width}: {_wide(page)}"
    found = violations(page)
    assert not found, f"{name} at {width}:\n" + "\n".join(found)


@contextmanager
def _twin(page: Page) -> Iterator[Page]:
    """The page itself; or, where no script may run, the same marks where ours may and its own are empty."""
    if page not in _SILENT:
        yield page
        return
    browser, marks, address = page.context.browser, page.content(), page.url
    assert browser is not None
    with opened(browser, (page.viewport_size or {"width": 0})["width"]) as other:
        other.route("**/*.js*", lambda route: route.fulfill(body="", content_type="text/javascript"))
        other.route(address, lambda route: route.fulfill(body=marks, content_type="text/html"))
        other.goto(address)
        yield other


def _wide(page: Page) -> str:
    """The elements that stick out, of those that no scrolling part holds."""
    stick_out: list[str] = page.evaluate(
        """() => [...document.body.querySelectorAll('*')]
            .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.app-scroll'))
            .map(e => e.outerHTML.slice(0, 120))"""
    )
    return "; ".join(stick_out[:5])
