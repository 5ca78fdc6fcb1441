"""Pages in Debian's Chromium. Only with ``--browser``: it takes a browser, and minutes (``make browser``)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.browser.looking import NARROW, WIDE, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM: Final = Path("/usr/bin/chromium")


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """One browser for all tests; each test has a context of its own in it."""
    if not request.config.getoption("--browser"):
        pytest.skip("in a browser: run with make browser")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}. Install it (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    # Chromium's own sandbox refuses root, who runs tests in containers.
    flags = ["--no-sandbox"] if os.getuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture(params=[NARROW, WIDE])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page on a telephone, and on a desk. For ``look_at`` of tests/browser/looking.py."""
    with opened(browser, request.param) as made:
        yield made


@pytest.fixture(params=[NARROW, WIDE])
def page_without_scripts(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The same where no script runs, as where one of them failed to load."""
    with opened(browser, request.param, scripts=False) as made:
        yield made


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def either(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A telephone with and without scripts."""
    with opened(browser, NARROW, scripts=request.param) as made:
        yield made
