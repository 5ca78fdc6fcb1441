"""A page that shows every part, for tests alone, and the means to render it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from jinja2 import ChoiceLoader, FileSystemLoader
from markupsafe import Markup

from alertd.web import look
from alertd.web.charts import days_chart, months_chart, shares_chart
from tests.unit.insight.test_insight_charts import figures

STAGES: Final = ("overdue", "due", "upcoming", "unknown", "running", "met", "met_late", "ended")
TIMELY: Final = figures()
SERVICE: Final = next(one for one in (TIMELY.figures["service"],) if one)

VALUES: Final[dict[str, Any]] = {
    "title": "Specimen",
    "section": "Tests",
    "nav": [
        ("My work", "/work", True),
        ("Teams", "/teams", False),
        ("Exceptions", "/e", False),
        ("Rules", "/r", False),
    ],
    "viewer": SimpleNamespace(name="Alexandra Featherstonehaugh-Cholmondeley"),
    "csrf_field": Markup('<input type="hidden" name="csrf" value="token">'),
    "authority": "Borough of Specimen",
    "crumbs": [("Home", "/"), ("Specimens", "/specimens"), ("This one", "")],
    "errors": [("Say why", "#reason")],
    "notice": ("Important", "The feed of last night was refused. What you see is from the day before."),
    "done": "Kept: you say it is done and will be recorded.",
    "footer": "Data as of Tue 24 Nov 2026 06:02",
    "printed": "A. Featherstonehaugh, Tue 24 Nov 2026 16:05",
    "day": date(2026, 11, 24),
    "stages": STAGES,
    "alerts": [
        ("Child protection visit", "48213", "overdue", date(2026, 11, 24), 2),
        ("First looked-after review", "51007", "due", date(2026, 11, 27), None),
        ("Initial health assessment", "50311", "unknown", date(2026, 12, 1), 0),
    ],
    "page_address": lambda number: f"/specimen?page={number}",
    "load": [("Assessment North", [0, 1, 8, 16, 24, 32, 40]), ("Looked after", [None, 3, 12, 0, 5, 39, 20])],
    "charts": [
        shares_chart("Conference", TIMELY),
        months_chart("Conference", SERVICE, "The service", 0.8),
        days_chart("Conference", SERVICE, "The service").linked(["/specimen"] * 24),
    ],
}


def specimen(**values: object) -> str:
    """The page, with what tests change in it."""
    made = look.environment().overlay()
    made.loader = ChoiceLoader([made.loader, FileSystemLoader(Path(__file__).parent / "templates")])  # type: ignore[list-item]
    return made.get_template("specimen.html.j2").render({**look.LAYOUT, **VALUES, **values})
