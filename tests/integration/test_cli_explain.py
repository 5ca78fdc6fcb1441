"""``alertd explain``: the working of one clock, and why there is none."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path

from tests.support.cli import AS_OF, Here, alertd, write_return

DAY = ("--as-of", AS_OF.isoformat())
YEAR_END = ("--as-of", "2019-03-31")


def test_the_working_shows_the_record_the_days_the_dates_and_what_clears_it(tmp_path: Path) -> None:
    source = f"ssda903:{write_return(tmp_path / 'return')}"
    done = alertd("explain", "cla.review.first", "103", "--source", source, *YEAR_END)
    assert (done.code, done.err) == (0, "")
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert lines[0].startswith("ref 103, as of Sun 31 Mar 2019 23:59; calendar: england-and-wales: ")
    for said in (
        "First looked-after review (cla.review.first): upcoming",
        "record care_period:2019-03-15, starts.csv:4",
        "starts Fri 15 Mar 2019, day 0, from starts.csv:4",
        "limit 20 working days",
        "statutory Fri 12 Apr 2019 <- binds",
        "local none",
        "plan none",
        "Fri 15 Mar 2019 day 0",
        "Sat 16 Mar 2019 - Saturday",
        "Mon 18 Mar 2019 day 1",
    ):
        assert said in lines
    assert any(line.startswith("law SI 2010/959 reg 33(1)") for line in lines)
    assert any(line.startswith("clears when A looked-after review is recorded") for line in lines)
    assert lines[-1] == "Fri 12 Apr 2019 day 20"
    days = [line for line in lines if line[:3] in {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}]
    assert len(days) == 29, "every day from the start to the limit, once"


def test_no_clock_is_said_with_its_reason(tmp_path: Path, here: Here) -> None:
    source = f"ssda903:{write_return(tmp_path / 'return')}"
    done = here("explain", "cla.review.next", "102", "--source", source, *YEAR_END)
    assert done.code == 0
    assert done.out.splitlines()[-1].startswith("Looked-after review (cla.review.next): no clock: too few cla_review")


def test_an_unknown_child_or_rule_and_a_disabled_rule_are_one_line(tmp_path: Path, here: Here) -> None:
    source = f"ssda903:{write_return(tmp_path / 'return')}"
    ask = ("--source", source, *YEAR_END)
    assert here("explain", "cla.review.first", "999", *ask).one_line == (
        "ref 999: the feed holds no such child. Check the number against the feed"
    )
    assert "Did you mean cla.review.first?" in here("explain", "cla.review.fist", "103", *ask).one_line
    assert "the rule 'assess.seen' is not enabled" in here("explain", "assess.seen", "103", *ask).one_line
    assert "Missing argument" in here("explain", "cla.review.first", *ask).one_line


def test_of_many_clocks_the_open_one_comes_last(ssd: Path, here: Here) -> None:
    ask = (
        "--source",
        f"ssd:{ssd / 'authority.db'}",
        "--as-of",
        AS_OF.isoformat(),
        "--set",
        "cp.visit.interval=2 weeks",
    )
    found = here("evaluate", *ask, "--rule", "cp.visit", "--all", "--format", "jsonl").out.splitlines()
    clocks = Counter(row["child"] for row in map(json.loads, found))
    open_ = {row["child"] for row in map(json.loads, found) if row["met"] is None and not row["closed"]}
    child = max(open_, key=lambda ref: clocks[ref])
    lines = here("explain", "cp.visit", child, *ask).out.splitlines()
    stages = [line.rpartition(": ")[2] for line in lines if "(cp.visit): " in line]
    assert len(stages) > 2 and stages[0] == "met" != stages[-1]
    starts = [line.split("starts")[1].split(",")[0].strip() for line in lines if "  starts  " in line]
    days = [datetime.strptime(start, "%a %d %b %Y") for start in starts]
    assert days[:-1] == sorted(days[:-1])
