"""Every page, heading, file and address that the documentation points at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alertd.web.api.calls import PREFIX
from alertd.web.api.resources import CALLS
from alertd.web.app import PAGES as SERVED
from tests.docs.written import PAGES, ROOT, spoken

OF_THE_MACHINE = ("/etc/", "/srv/", "/var/", "/run/", "/usr/", "/lib/", "/secure/", "/opt/", "/home/", "/tmp/")  # noqa: S108


def prose(page: Path) -> str:
    return re.sub(r"^( *)```.*?^\1```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The headings of a page as both a code host and the site address them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"https?://|mailto:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


def test_every_file_named_in_the_text_is_there() -> None:
    rooms = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    lost = []
    for page in PAGES:
        for place, code in spoken(page):
            if re.fullmatch(r"[\w.-]+/[\w./*-]*", code) and code.split("/")[0] in rooms - {"site", "build", "dist"}:
                lost += [] if list(ROOT.glob(code.rstrip("/"))) else [f"{place}: {code}"]
    assert lost == []


def test_every_address_named_in_the_text_is_served() -> None:
    served = [page.path for page in SERVED] + [f"{PREFIX}{call.path}" for call in CALLS] + [call.path for call in CALLS]
    shapes = [re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) for path in served]
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "alertd").rglob("*.py"))
    lost = []
    for page in PAGES:
        for place, code in spoken(page):
            path = re.fullmatch(r"(?:(?:GET|POST|DELETE) )?(/[^\s?]*)(?:\?\S*)?", code)
            if path is None or path[1].startswith(OF_THE_MACHINE):
                continue
            written = re.sub(r"/\d+(?=/|$)", r"/\\{[\\w:]+\\}", re.escape(path[1]))  # a number stands for any
            known = any(re.fullmatch(shape, path[1]) for shape in shapes)
            known = known or bool(re.search(rf"[\"'`]{written}[\"'`/]", sources))
            lost += [] if known else [f"{place}: {code}"]
    assert lost == []


def test_every_call_of_the_api_is_in_its_page() -> None:
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    assert [call.path for call in CALLS if not re.search(rf"`{call.method} {re.escape(call.path)}[?`]", page)] == []
