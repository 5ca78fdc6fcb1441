"""How pages are made: strict, escaped, and with files beside them that a browser may keep."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import httpx
import pytest
from jinja2 import UndefinedError
from starlette.applications import Starlette

from alertd.engine.findings import Stage
from alertd.web import look
from alertd.web.look import environment, heat, pages_shown, static, static_files
from tests.browser.serving import serving
from tests.browser.specimen import STAGES, VALUES, specimen

TEMPLATES = sorted(Path(look.__file__).parent.joinpath("templates").glob("*.j2"))


def made_of(text: str, **values: object) -> str:
    """A page whose main part is ``text``."""
    head = '{% extends "layout.html.j2" %}{% import "parts.html.j2" as parts %}{% block main %}'
    return environment().from_string(head + text + "{% endblock %}").render({**look.LAYOUT, "title": "T", **values})


def test_what_people_typed_is_text_in_every_part() -> None:
    bad = "<script>alert('x')</script>"
    page = specimen(
        title=bad, section=bad, viewer=SimpleNamespace(name=bad), authority=bad, done=bad, notice=(bad, bad),
        footer=bad, printed=bad, errors=[(bad, "#reason")], crumbs=[(bad, "/"), (bad, "")],
        nav=[(bad, "/", True), (bad, "/", False)], alerts=[(bad, bad, "due", VALUES["day"], bad)], load=[(bad, [1])],
    )  # fmt: skip
    assert "&lt;script&gt;alert" in page and "<script>" not in page.replace('<script type="module"', "")


def test_no_page_carries_style_or_script_of_its_own() -> None:
    page = specimen()
    assert "style=" not in page and "<style" not in page
    assert page.count("<script") == 1 and 'src="/static/alertd.js?v=' in page


def test_a_name_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="'nobody' is undefined"):
        made_of("{{ nobody }}")
    with pytest.raises(UndefinedError, match="has no attribute 'nane'"):
        made_of("{% if thing.nane %}x{% endif %}", thing=SimpleNamespace(name="x"))
    with pytest.raises(UndefinedError):
        environment().from_string('{% extends "layout.html.j2" %}{% block main %}{% endblock %}').render(look.LAYOUT)


def test_every_stage_has_a_tag_with_words_of_its_own() -> None:
    assert set(STAGES) == set(get_args(Stage))
    tags = {stage: made_of("{{ parts.stage_tag(stage) }}", stage=stage) for stage in get_args(Stage)}
    words = [tag.split('app-stage">')[1].split("<")[0] for tag in tags.values()]
    assert len(set(words)) == len(words) and all(words)
    with pytest.raises(UndefinedError):
        made_of("{{ parts.stage_tag('overdo') }}")


def test_the_frame_says_where_one_is_and_who_one_is() -> None:
    page = specimen(errors=[])
    assert "<title>Specimen - Tests - alertd</title>" in page
    assert '<form action="/sign-out" method="post">\n<input type="hidden" name="csrf" value="token">' in page
    assert page.count("aria-current") == 3  # the part of the service, the crumb, the page of the list
    nobody = specimen(viewer=None, nav=[], crumbs=[], errors=[("Say why", "#reason")], printed="")
    assert "<title>Error: Specimen" in nobody
    assert "sign-out" not in nobody and "govuk-service-navigation" not in nobody and "app-printed" not in nobody


def test_a_way_back_stands_where_there_are_no_crumbs() -> None:
    page = made_of("x", back=("Back to my work", "/work"))
    assert '<a href="/work" class="govuk-back-link">Back to my work</a>' in page.replace("\n", "")


@pytest.mark.parametrize(
    ("now", "last", "shown"),
    [
        (1, 1, [1]),
        (1, 3, [1, 2, 3]),
        (3, 5, [1, 2, 3, 4, 5]),
        (4, 12, [1, 2, 3, 4, 5, None, 12]),
        (6, 12, [1, None, 5, 6, 7, None, 12]),
        (12, 12, [1, None, 11, 12]),
    ],
)
def test_pages_that_are_shown(now: int, last: int, shown: list[int | None]) -> None:
    assert pages_shown(now, last) == shown


def test_pagination_ends_at_both_ends_and_is_not_there_for_one_page() -> None:
    def links(now: int, last: int) -> str:
        return made_of("{{ parts.pagination(now, last, at) }}", now=now, last=last, at="/x?page={}&y=1".format)

    assert "govuk-pagination" not in links(1, 1)
    assert 'rel="prev"' not in links(1, 3) and 'href="/x?page=2&amp;y=1" rel="next"' in links(1, 3)
    assert 'rel="next"' not in links(3, 3) and 'href="/x?page=2&amp;y=1" rel="prev"' in links(3, 3)


def test_heat_keeps_nothing_from_something() -> None:
    assert [heat(value, 40) for value in (0, 1, 8, 20, 39, 40, 99)] == [0, 1, 1, 2, 5, 5, 5]
    assert heat(0, 0) == 0


def test_a_moment_is_written_in_london_time() -> None:
    assert "Tue 30 Jun 2026 17:05" in made_of("{{ at | in_words }}", at=datetime(2026, 6, 30, 16, 5, tzinfo=UTC))


def test_a_file_is_kept_as_long_as_its_address_names_its_content() -> None:
    with serving(lambda _: Starlette(routes=[static_files()])) as at, httpx.Client(base_url=at) as client:
        asked: dict[str, Any] = {path: client.get(path) for path in (static("alertd.css"), "/static/alertd.css?v=1")}
        kept, not_kept = asked.values()
        assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert not_kept.headers["cache-control"] == "no-cache" and not_kept.content == kept.content
        assert kept.headers["content-type"].startswith("text/css")
        assert {answer.headers["x-content-type-options"] for answer in asked.values()} == {"nosniff"}
        assert client.get("/static/govuk/govuk-frontend.min.js").headers["cache-control"] == "no-cache"
        assert client.get("/static/%2e%2e/look.py").status_code == 404


def test_a_file_that_is_not_there_is_an_error_when_the_page_is_made() -> None:
    with pytest.raises(FileNotFoundError):
        static("alertd.cs")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.name)
def test_each_template_can_be_read(template: Path) -> None:
    assert environment().get_template(template.name)
