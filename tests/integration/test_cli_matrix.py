"""The page that says from which feed which rule can be measured is what running them gives today."""

from __future__ import annotations

from pathlib import Path

import pytest

from alertd.cli.matrix import page, run

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.slow
def test_the_matrix_in_the_docs_is_what_running_the_feeds_gives() -> None:
    found, lists = run()
    kept = (DOCS / "feeds.md").read_text("utf-8")
    assert kept == page(found, lists), "docs/feeds.md is old. Run: alertd sources matrix --format md > docs/feeds.md"
    extents = {heading: {reach.rule.id: reach.extent for reach in each} for heading, each in found.items()}
    assert extents["SSD"]["cp.core.next"] == "no" and extents["SSD + own lists"]["cp.core.next"] == "measurable"
    assert extents["Annex A"]["cla.review.next"] == "partly"
    assert extents["903"]["cp.visit"] == "no"
