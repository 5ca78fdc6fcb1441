"""The forms in which somebody says something of an alert: the day in three parts, and what was typed is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.db.tables import Alert, Handling
from alertd.engine import sweep as sweeping
from tests.support.council import Inline
from tests.support.pages import Pages, pages_at


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = pages_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    found.council.looked_after("C1")
    found.council.day(date(2026, 11, 27))
    yield found.sign_in("M1")
    found.council.house.engine.dispose()


def path(pages: Pages, what: str) -> str:
    with Session(pages.council.house.engine) as session:
        return f"/alerts/{session.scalars(select(Alert.id)).one()}/{what}"


def said(pages: Pages) -> list[tuple[str, datetime | None]]:
    with Session(pages.council.house.engine) as session:
        return [(one.kind, one.until) for one in session.scalars(select(Handling))]


def field(text: str, name: str) -> str:
    found = re.search(rf"<input[^>]*\bid=\"until-{name}\"[^>]*>", text)
    assert found, name
    return found[0]


def test_a_day_in_three_parts(pages: Pages) -> None:
    at = path(pages, "accept")
    text = pages.get(at).text
    assert 'type="date"' not in text
    assert all(f'name="until-{name}"' in field(text, name) for name in ("day", "month", "year"))
    answer = pages.post(at, reason="She is abroad", **{"until-day": "4", "until-month": "12", "until-year": "2026"})
    monday = datetime(2026, 12, 7, tzinfo=UTC)
    assert answer.status_code == 303 and said(pages) == [("accept", monday)], "to the end of that Friday"


def test_what_is_wrong_with_the_day_is_said_where_it_is_and_what_was_typed_is_kept(pages: Pages) -> None:
    at = path(pages, "accept")
    answer = pages.post(at, reason="She is abroad", **{"until-day": "31", "until-month": "11", "until-year": "2026"})
    text = answer.text
    assert answer.status_code == 400 and 'href="#until-day"' in text
    assert text.count("There is no such day in that month") == 2, "above and beside it"
    assert [("--error" in field(text, name)) for name in ("day", "month", "year")] == [True, False, False]
    assert 'value="31"' in field(text, "day") and "She is abroad" in text and said(pages) == []


def test_errors_stand_in_the_order_of_the_fields(pages: Pages) -> None:
    text = pages.post(path(pages, "accept")).text
    assert re.findall(r'<a href="#([^"]+)">', text) == ["until-day", "reason"]
    assert all("--error" in field(text, name) for name in ("day", "month", "year"))


def test_a_day_that_is_too_far_ahead_is_said_at_the_day(pages: Pages) -> None:
    given = {"until-day": "4", "until-month": "Dec", "until-year": "2027"}
    text = pages.post(path(pages, "accept"), reason="She is abroad", **given).text
    assert re.findall(r'<a href="#([^"]+)">', text) == ["until-day"]
    assert 'value="Dec"' in field(text, "month") and said(pages) == []


def test_a_form_without_a_day_takes_none(pages: Pages) -> None:
    given = {"until-day": "4", "until-month": "12", "until-year": "2026"}
    assert pages.post(path(pages, "claim"), reason="It was held", **given).status_code == 303
    [(kind, until)] = said(pages)
    assert kind == "claim" and until and until < datetime(2026, 12, 3, tzinfo=UTC), "two working days, as always"
