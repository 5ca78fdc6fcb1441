"""Where the parts of a chart lie."""

from __future__ import annotations

import pytest

from alertd.web.charts import Bars, Lines, round_above

TIMES = ("Jan", "Feb", "Mar", "Apr", "May")


def lines(*values: float | None, times: tuple[str, ...] = TIMES) -> Lines:
    return Lines("id", "Title", "Says.", "Month", times, [("Visits", values)], unit="%")


def test_the_greatest_bar_leaves_room_for_its_value_and_the_others_are_in_proportion() -> None:
    bars = Bars("id", "Late", "Says.", "Team", [("A", 40), ("B", 10), ("C", 0), ("D", None)]).bars
    assert [bar.width for bar in bars] == ["80.00%", "20.00%", "0.00%", "0.00%"]
    assert [bar.shown for bar in bars] == ["40", "10", "0", "[c]"]
    assert [bar.y for bar in bars] == [0, 52, 104, 156]


def test_bars_of_nothing_have_no_length() -> None:
    assert [bar.width for bar in Bars("id", "Late", "", "Team", [("A", 0), ("B", None)]).bars] == ["0.00%", "0.00%"]
    assert Bars("id", "Late", "", "Team", []).bars == []


def test_the_table_says_what_the_chart_does() -> None:
    assert Bars("id", "Late", "", "Team", [("A", 1234.5), ("B", None)], unit=" days").table == [
        ["A", "1,234.5 days"],
        ["B", "[c]"],
    ]
    assert lines(71, None, 80, 0, 90).table == [
        ["Jan", "71%"],
        ["Feb", "[c]"],
        ["Mar", "80%"],
        ["Apr", "0%"],
        ["May", "90%"],
    ]


def test_a_line_spans_the_chart_and_stops_where_a_value_may_not_be_shown() -> None:
    ((name, pieces, points),) = lines(0, 50, None, 100, 100).lines
    assert name == "Visits"
    assert [(point.x, point.y) for point in points] == [("2.00%", 190), ("26.00%", 101), ("74.00%", 12), ("98.00%", 12)]
    assert [(one.x, other.x) for one, other in pieces] == [("2.00%", "26.00%"), ("74.00%", "98.00%")]


def test_a_single_time_stands_in_the_middle() -> None:
    chart = lines(3, times=("Jan",))
    assert [point.x for point in chart.lines[0][2]] == ["50.00%"]
    assert chart.labels == [("Jan", "50.00%", "middle")]


def test_few_times_are_named_so_that_they_fit_a_telephone() -> None:
    assert [label[0] for label in lines(1, 2, 3, 4, 5).labels] == ["Jan", "Mar", "May"]
    assert [label[0] for label in lines(1, 2, 3, 4, times=TIMES[:4]).labels] == ["Jan", "Apr"]


@pytest.mark.parametrize(
    ("value", "top"), [(1, 1), (3, 4), (9, 10), (10, 10), (11, 20), (42, 60), (93, 100), (0.3, 0.4), (1001, 2000)]
)
def test_the_scale_ends_at_a_plain_number(value: float, top: float) -> None:
    assert round_above(value) == pytest.approx(top)


def test_the_scale_is_named_at_nothing_the_half_and_the_top() -> None:
    assert lines(71, 80, 93, 90, 90).ticks == [("0%", 190), ("50%", 101), ("100%", 12)]
    assert [text for text, _ in lines(0, 0, None, 0, 0).ticks] == ["0%", "0.5%", "1%"]


def test_a_chart_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="more or fewer values"):
        lines(1, 2)
    with pytest.raises(ValueError, match="one to three lines, and id has 4"):
        Lines("id", "Title", "", "Month", ("Jan",), [("a", [1])] * 4)
