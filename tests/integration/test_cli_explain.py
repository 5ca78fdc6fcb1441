"""``alertd explain``: the working of one clock, and why there is none."""

from __future__ import annotations

from pathlib import Path

from tests.support.cli import Here, alertd, write_return

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
