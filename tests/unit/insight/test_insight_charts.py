"""Charts that any policy lets show, and tables a spreadsheet opens without harm."""

from __future__ import annotations

import csv
import re
from datetime import date
from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from alertd.insight import pictures
from alertd.insight.charts import Bar, Column, Point, bars, line, spread
from alertd.insight.comparison import Line, Reader, compare
from alertd.insight.downloads import as_csv, days_csv, months_csv, plain, rules_csv
from alertd.insight.national import national
from alertd.insight.timeliness import Books, Cell, Counts, months_to

SVG = "{http://www.w3.org/2000/svg}"
ENDS = ("before", "limit", "after", "In time", "Late")
MONTHS = months_to(date(2026, 11, 29))
RULE = "cp.icpc"


def figures() -> Line:
    """Mine as they are; the team's, similar teams' and the service's rounded."""
    done = {Cell(RULE, team, "2026-11", "in_time", -3): n for team, n in (("A", 60), ("B", 90), ("C", 200))}
    done |= {Cell(RULE, team, "2026-10", "late", 12): n for team, n in (("A", 2), ("B", 30), ("C", 40))}
    books = Books(done, workers={(RULE, team): 6 for team in "ABC"})
    mine = {RULE: Counts({("2026-11", "in_time", -3): 6, ("2026-10", "late", 12): 1})}
    reader = Reader(mine, frozenset({"A"}), frozenset({"B"}))
    return compare(books, reader, [RULE], MONTHS, national())[0]


def every_chart() -> list[str]:
    found = figures()
    me, service = found.figures["me"], found.figures["service"]
    assert me is not None and service is not None
    return [
        pictures.shares("Conference", found, "a"),
        *(pictures.months("Conference", figure, "b", 0.8) for figure in (me, service)),
        *(pictures.days("Conference", figure, "c") for figure in (me, service)),
    ]


def test_a_chart_needs_no_style_and_no_script_and_says_what_it_shows() -> None:
    for text in every_chart():
        root = etree.fromstring(text.encode())
        assert root.tag == f"{SVG}svg" and root.get("width") == "360"
        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
            *("svg", "title", "desc", "rect", "line", "text", "circle", "polyline", "defs", "pattern"),
        }
        attributes = {name for element in root.iter() for name in element.attrib}
        assert not any(name in ("style", "class", "href") or name.startswith("on") for name in attributes)
        title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
        assert title is not None and desc is not None and title.text and desc.text
        assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"


def test_what_is_hidden_is_in_no_chart() -> None:
    text = pictures.shares("Conference", figures(), "a")
    assert "You: 86% (small base)" in text
    assert "England, year ending 31 March 2025: 81.4%" in text
    assert "5 or fewer" in every_chart()[4] and "10 days after: 72" not in every_chart()[4]


def test_words_cannot_leave_their_place() -> None:
    text = bars('<script>"&', "]]>", [Bar("<b>", 0.5, "&amp;")], key="k")
    assert "<script>" not in text and "<b>" not in text
    assert etree.fromstring(text.encode()).findtext(f"{SVG}title") == '<script>"&'


def _numbers(text: str, name: str) -> list[float]:
    return [float(found) for found in re.findall(rf' {name}="([-0-9.e]+)"', text)]


share = st.one_of(st.none(), st.floats(0, 1))
count = st.one_of(st.none(), st.integers(0, 10**6))


@given(st.lists(share, max_size=40), st.lists(st.tuples(count, count), max_size=23), share)
def test_everything_drawn_lies_within_the_picture(
    found: list[float | None], days: list[tuple[int | None, int | None]], mark: float | None
) -> None:
    for text in (
        bars("t", "d", [Bar("x", one, "x") for one in found], key="k", mark=mark),
        line("t", "d", [Point("Nov 26", one) for one in found], key="k", mark=mark),
        spread("t", "d", [Column(n - 11, *both) for n, both in enumerate(days)], key="k", ends=ENDS),
    ):
        high = float(etree.fromstring(text.encode()).get("height"))
        for names, most in ((("x", "x1", "x2", "cx", "width"), 360.0), (("y", "y1", "y2", "cy", "height"), high)):
            assert all(0 <= at <= most for name in names for at in _numbers(text, name))


def test_a_month_that_is_not_shown_is_a_gap_and_not_none_in_time() -> None:
    text = line("t", "d", [Point("a", 0.5), Point("b", 0.6), Point("c", None), Point("d", 0.7)], key="k")
    (drawn,) = re.findall(r'points="([^"]*)"', text)
    assert len(drawn.split()) == 2
    assert text.count("<polyline") == 1 and text.count(' r="4"') == 3 and text.count(' r="2.5"') == 1


def test_bars_are_as_long_as_they_say_and_columns_as_high() -> None:
    bar = bars("t", "d", [Bar("x", 0.5, "x"), Bar("y", 0.25, "y")], key="k")
    assert [w for w in _numbers(bar, "width") if w not in (360, 336)] == [168, 84]
    columns = spread("t", "d", [Column(-1, 40, 0), Column(0, 80, 0), Column(1, 0, 20)], key="k", ends=ENDS)
    assert [h for h in _numbers(columns, "height") if h in (130, 65, 32.5)] == [65, 130, 32.5]


@given(st.text())
def test_no_cell_is_run_by_a_spreadsheet(text: str) -> None:
    (cell,) = next(
        csv.reader(StringIO(as_csv(["x"], [[text]]).removeprefix("\ufeff").split("\r\n", 1)[1], newline="")), [""]
    )
    assert not cell or cell[0] not in "=+-@\t\r"
    assert cell in (text, f"'{text}")


def test_numbers_below_none_stay_numbers() -> None:
    assert plain(-3) == -3
    assert [plain(text) for text in ("=1", "+1", "-1", "@x", "\tx", "x", "")] == [
        "'=1",
        "'+1",
        "'-1",
        "'@x",
        "'\tx",
        "x",
        "",
    ]


def test_the_tables() -> None:
    found = [("Conference", figures())]
    rows = list(csv.DictReader(StringIO(rules_csv(found).removeprefix("\ufeff"))))
    shown = [(row["whose"], row["done"], row["late"], row["share in time"], row["small base"]) for row in rows]
    assert shown[0] == ("You", "7", "1", "0.857", "yes")
    assert shown[1][:3] == ("Your team", "about 55", "5 or fewer")
    assert shown[-1][0] == "England" and rows[-1]["share in time"] == "0.814"
    assert "Department for Education" in rows[-1]["source"] and rows[-1]["source"].endswith("8c0f-23941b3b6161")
    assert all(None not in row and None not in row.values() for row in rows)
    months = list(csv.DictReader(StringIO(months_csv(found).removeprefix("\ufeff"))))
    assert [row["month"] for row in months if row["whose"] == "You"] == list(MONTHS)
    days = list(csv.DictReader(StringIO(days_csv(found).removeprefix("\ufeff"))))
    mine = [(row["days after the limit"], row["outcome"], row["done"]) for row in days if row["whose"] == "You"]
    assert ("-3", "in time", "6") in mine and ("11", "late", "1") in mine and len(mine) == 24
