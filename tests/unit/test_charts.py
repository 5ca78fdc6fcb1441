"""The tables beside the charts of pages say what the charts do."""

from __future__ import annotations

from alertd.insight.comparison import Figure
from alertd.web.charts import days_chart, months_chart, shares_chart
from tests.unit.insight.test_insight_charts import figures

_MARK = ' r="2.5"'


def figure(who: str) -> Figure:
    return next(one for name, one in figures().figures.items() if name == who and one)


def test_the_shares_with_the_countrys() -> None:
    chart = shares_chart("Conference", figures())
    assert tuple(chart.rows[0]) == ("You", "86% (small base)")
    assert chart.rows[-1] == ("England, year ending 31 March 2025", "81.4%")
    for whose, share in chart.rows:
        assert f">{whose}</text>" in chart.svg and f">{share}</text>" in chart.svg


def test_the_months_and_what_is_not_shown_of_them() -> None:
    mine = months_chart("Conference", figure("me"), "You")
    assert (
        len(mine.rows) == 12
        and mine.rows[0] == ("Dec 25", "0", "0", "-")
        and mine.rows[-1] == ("Nov 26", "6", "0", "100% (small base)")
    )
    service = months_chart("Conference", figure("service"), "The service", 0.8)
    assert service.rows[0][1:] == ("5 or fewer", "5 or fewer", "not shown")
    assert (mine.svg.count(_MARK), service.svg.count(_MARK)) == (0, 11), "what is none is not marked as hidden"
    assert "The dashed line is the country's 80.0%" in service.svg and "dashed" not in mine.svg
    assert {mine.id, service.id} == {"months-me", "months-service"}, "two charts of a page have names of their own"


def test_the_days_and_where_they_lead() -> None:
    chart = days_chart("Conference", figure("me"), "You")
    assert ("3 days before", "in time", "6") in chart.rows and ("more than 10 days after", "late", "1") in chart.rows
    assert chart.hrefs == () and chart.linked(["/a"]).hrefs == ("/a",)
    assert len(chart.heads) == len(chart.rows[0])
