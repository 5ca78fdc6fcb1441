"""axe-core, which finds what keeps people from using a page: packed by npm once, checked, kept outside the tree."""

from __future__ import annotations

import os
import tarfile
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page

from hatch_build import packed

VERSION: Final = "4.14.1"
INTEGRITY: Final = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa")


def violations(page: Page) -> list[str]:
    """What it finds on the page as it stands: rule, why, and the elements. Goes in beside the page's own policy."""
    page.evaluate(_script())
    found: dict[str, Any] = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS)
    if not found["passes"]:
        raise AssertionError("axe looked at nothing")
    return [f"{rule['id']}: {rule['help']}\n{_elements(rule['nodes'])}" for rule in found["violations"]]


def _elements(nodes: list[dict[str, Any]]) -> str:
    return "\n".join(f"    {node['html'][:200]}\n        {node['failureSummary']}" for node in nodes)


@lru_cache(maxsize=1)
def _script() -> str:
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "alertd-tests", f"axe-core-{VERSION}.js")
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as work:
            tarball = packed("axe-core", VERSION, INTEGRITY, Path(work), "leave '{}' to a machine with a network")
            with tarfile.open(tarball) as archive:
                member = archive.extractfile("package/axe.min.js")
                assert member is not None
                Path(work, "axe.js").write_bytes(member.read())
            Path(work, "axe.js").replace(kept)
    return kept.read_text("utf-8")
