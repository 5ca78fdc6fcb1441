"""The flag of ``make browser``: pages in a real browser. It must be known before any folder of tests is read."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--browser", action="store_true", help="run the tests in a browser too")
