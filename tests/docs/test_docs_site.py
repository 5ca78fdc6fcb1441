"""The documentation is built as a site, whole and by itself: every link leads somewhere, and nothing is fetched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NO_DOCUMENT = {"README.md", "site.css"}  # the list itself, and how the site looks


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does: a link or an anchor that leads nowhere is an error."""
    where = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(where)]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(words, cwd=ROOT, env=quiet, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return where


def test_every_page_is_named_in_the_list_of_documents() -> None:
    missing = []
    for path in (path for path in DOCS.rglob("*") if path.is_file() and path.name not in NO_DOCUMENT):
        own = path.parent / "README.md"  # a folder that has a list of its own is named whole
        listed = DOCS if path == own or not own.exists() else path.parent
        if f"({path.relative_to(listed)}" not in (listed / "README.md").read_text("utf-8"):
            missing.append(str(path.relative_to(DOCS)))
    assert missing == []


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    fetched = r"<(?:script|img|iframe|source)[^>]* src=[\"']?(?:https?:)?//|<link[^>]* href=[\"']?(?:https?:)?//"
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 20
    assert [page.name for page in pages if re.search(fetched, page.read_text("utf-8"))] == []
    styles = [
        style for style in site.rglob("*.css") if re.search(r"url\([\"']?(?:https?:)?//", style.read_text("utf-8"))
    ]
    assert styles == []


def test_headings_are_in_order_and_pictures_say_what_they_show(site: Path) -> None:
    for page in sorted(site.rglob("*.html")):
        article = re.search(r"<article.*?</article>", page.read_text("utf-8"), re.DOTALL)
        if article is None:
            assert page.name == "404.html", page
            continue
        levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", article[0])]
        assert levels[:1] == [1] and levels.count(1) == 1, (page.name, levels)
        assert all(below <= above + 1 for above, below in pairwise(levels)), (page.name, levels)
        assert [img for img in re.findall(r"<img[^>]*>", article[0]) if not re.search(r'alt="[^"]{10,}"', img)] == []
