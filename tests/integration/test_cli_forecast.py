"""``alertd forecast``: a line for each clock, sums for a team, and a page that needs nothing else."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from alertd.cases.holding import Holding
from tests.support.cli import AS_OF, Here, write_return
from tests.support.council import Inline

DAY = ("--as-of", AS_OF.isoformat())
YEAR_END = ("--as-of", "2019-03-31")
REVIEW = {
    "week": "2019-04-08",
    "due": "2019-04-12",
    "rule": "cla.review.first",
    "child": "103",
    "record": "care_period:2019-03-15",
    "occurrence": "start",
    "team": "",
    "worker": "",
}


class Page(HTMLParser):
    """What a page is made of: its tags with their attributes, and the text of its cells, by row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self._in_cell = tag in ("td", "th") or (self._in_cell and tag in ("br", "small"))

    def handle_data(self, data: str) -> None:
        if self._in_cell and data.strip():
            self.rows[-1][-1] += data.strip()

    def check(self) -> None:
        """Nothing is run or fetched; every table has its caption, every head its scope."""
        names = [tag for tag, _ in self.tags]
        assert not {"script", "link", "img", "iframe", "object"} & set(names)
        assert not [a for _, attrs in self.tags for a in attrs if a.startswith("on") or a in ("src", "href")]
        assert names.count("table") == names.count("caption") > 0
        assert all(attrs.get("scope") for tag, attrs in self.tags if tag == "th")
        assert ("html", {"lang": "en-GB"}) in self.tags


def test_json_and_csv_have_the_same_line_for_each_clock(tmp_path: Path, here: Here) -> None:
    source = f"ssda903:{write_return(tmp_path / 'return')}"
    done = here("forecast", "--source", source, *YEAR_END, "--format", "json")
    assert done.code == 0
    found = [json.loads(line) for line in done.out.splitlines()]
    assert REVIEW in found
    assert found == sorted(found, key=lambda row: (row["week"], row["due"], row["rule"], row["child"]))
    as_csv = here("forecast", "--source", source, *YEAR_END, "--format", "csv").out
    assert list(csv.DictReader(io.StringIO(as_csv))) == found
    assert not here("forecast", "--source", source, *YEAR_END, "--format", "csv", "--weeks", "2").out.count("12 Apr")


def test_the_table_adds_up_to_the_lines(ssd: Path, here: Here) -> None:
    ask = ("forecast", "--source", f"ssd:{ssd / 'authority.db'}", *DAY)
    rows = [json.loads(line) for line in here(*ask, "--format", "json").out.splitlines()]
    table = [line.split() for line in here(*ask).out.splitlines()]
    assert len(rows) > 5
    per_worker = Counter((row["team"], row["worker"]) for row in rows)
    assert {(line[0], line[1]): int(line[-1]) for line in table[1:-1]} == per_worker
    assert table[-1][0] == "all" and int(table[-1][-1]) == len(rows)
    weeks = Counter(row["week"] for row in rows)
    assert [int(n) for n in table[-1][1:-1]] == [weeks[f"2026-{m}"] for m in
        ("11-16", "11-23", "11-30", "12-07", "12-14", "12-21", "12-28")] + [weeks["2027-01-04"]]  # fmt: skip


def test_the_page_stands_alone_and_says_the_same(ssd: Path, tmp_path: Path, here: Here) -> None:
    out = tmp_path / "ahead.html"
    ask = ("forecast", "--source", f"ssd:{ssd / 'authority.db'}", *DAY)
    done = here(*ask, "--format", "html", "--out", out)
    assert (done.code, done.out) == (0, "")
    page = Page(out.read_text("utf-8"))
    page.check()
    rows = [json.loads(line) for line in here(*ask, "--format", "json").out.splitlines()]
    said = {row[0]: row[1:] for row in page.rows}
    assert said["Worker"][:2] == ["16Nov", "23Nov"]
    assert int(said["All"][-1]) == len(rows)
    for worker, n in Counter(row["worker"] for row in rows if row["worker"]).items():
        assert int(said[worker][-1]) == n
    assert f"{len(rows)} clocks fall due" in done.err


def test_a_page_of_nothing_is_a_page(tmp_path: Path, here: Here) -> None:
    source = f"ssda903:{write_return(tmp_path / 'return')}"
    done = here("forecast", "--source", source, "--as-of", "2010-01-01", "--format", "html")
    assert done.code == 0
    Page(done.out).check()


def test_what_cannot_be_used_is_one_line_before_any_work(tmp_path: Path, here: Here) -> None:
    source = f"ssda903:{write_return(tmp_path / 'return')}"
    nowhere = tmp_path / "none" / "x.html"
    assert here("forecast", "--source", source, "--out", nowhere).one_line == (
        f"{nowhere}: cannot be written. Name a file in a folder you may write to"
    )
    assert "is not a date" in here("forecast", "--source", source, "--as-of", "soon").one_line
    assert "--weeks" in here("forecast", "--source", source, "--weeks", "0").one_line


@pytest.mark.fault("F62")
def test_markup_and_formulas_in_a_feed_are_text(ssd: Path, tmp_path: Path, here: Here) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("alertd.insight.forecast.holding", lambda *_: Holding("=1+<b>W", "T"))
        patch.setattr("alertd.engine.sweep.ProcessPoolExecutor", Inline)
        ask = ("forecast", "--source", f"ssd:{ssd / 'authority.db'}", *DAY, "--format")
        assert "<b>W" not in here(*ask, "html").out
        assert all(row["worker"].startswith("'=1+") for row in csv.DictReader(io.StringIO(here(*ask, "csv").out)))
