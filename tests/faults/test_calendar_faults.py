"""A bank holiday that is proclaimed late: what is open is judged anew, and nobody is told twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.calendars.calendar import Calendar, calendar_for
from alertd.db.tables import Alert
from alertd.engine import evaluate as evaluating
from alertd.engine import sweep as sweeping
from tests.support.council import ENTERED, Council, Inline, council_at

DUE = date(2026, 11, 27)
"""A Friday, twenty working days after the child entered care."""


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    found.looked_after()
    yield found
    found.house.engine.dispose()


def _proclaim(council: Council, monkeypatch: pytest.MonkeyPatch, *days: date) -> None:
    """As a newer release of the library would: alertd starts anew with it."""

    def with_them(nation: str, terms: tuple[object, ...] = ()) -> Calendar:
        known = calendar_for(nation)
        span = (date(2020, 1, 1) + timedelta(days=n) for n in range(366 * 15))
        names = {day: why for day in span if (why := known.why_not_working(day)) and day.weekday() < 5}
        return Calendar("england-and-wales", names | dict.fromkeys(days, "Proclaimed"), 2020, 2034)

    monkeypatch.setattr(evaluating, "calendar_for", with_them)
    council.house = replace(council.house, calendar=with_them("england-and-wales"))


def _due(council: Council) -> list[date]:
    with Session(council.house.engine) as session:
        return [date.fromisoformat(alert.finding["due"]) for alert in session.scalars(select(Alert).order_by(Alert.id))]


@pytest.mark.fault("F48")
def test_a_holiday_proclaimed_late_moves_what_is_open_and_tells_nobody_twice(
    council: Council, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert council.days(ENTERED, date(2026, 11, 16))
    assert _due(council) == [DUE]
    told = len(council.mail.sent)
    _proclaim(council, monkeypatch, date(2026, 11, 19), date(2026, 11, 20))
    council.day(date(2026, 11, 17))
    assert _due(council) == [date(2026, 12, 1)], "two working days more, and no second alert"
    [said] = [" ".join(body.split()) for _, _, body in council.mail.sent[told:]]
    assert "by Tue 1 Dec" in said, said
    council.days(date(2026, 11, 18), date(2026, 12, 1))
    assert "overdue" not in [reason for reason, _, _ in council.events()], council.events()


@pytest.mark.fault("F49")
def test_f49_what_came_due_while_nothing_ran_is_told_at_once_with_its_age_and_as_told_late(council: Council) -> None:
    council.days(ENTERED, date(2026, 11, 26))
    told = len(council.mail.sent)
    council.day(date(2026, 12, 1))
    late = [event for event in council.events() if event[2]]
    assert late, council.events()
    said = " ".join(" ".join(body.split()) for _, _, body in council.mail.sent[told:])
    assert "told late: unchanged since Sat 28 Nov Overdue: due Fri 27 Nov, 2 working days ago" in said, said
