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
    assert lines[0] == "ref 103, as of Sun 31 Mar 2019 23:59"
    for said in (
        "First looked-after review (cla.review.first, timescale)",
        "care_period:2019-03-15, starts.csv:4: upcoming",
        "starts Fri 15 Mar 2019, day 0, from starts.csv:4",
        "limit 20 working days",
        "statutory Fri 12 Apr 2019 <- binds",
        "local none",
        "plan none",
        "11 Mar 2019 0 - -",
        "18 Mar 2019 1 2 3 4 5 - -",
    ):
        assert said in lines
    assert any(line.startswith("law SI 2010/959 reg 33(1)") for line in lines)
    assert any(line.startswith("clears when A looked-after review is recorded") for line in lines)
    assert "08 Apr 2019 16 17 18 19 20" in lines
    assert lines[-1] == "Mon 1 Apr 2019 00:00 care_period:2019-03-15: becomes unknown"  # the return ends there


def test_no_clock_is_said_with_its_reason(tmp_path: Path, here: Here) -> None:
    source = f"ssda903:{write_return(tmp_path / 'return')}"
    done = here("explain", "cla.review.next", "102", "--source", source, *YEAR_END)
    assert done.code == 0
    reason = "it counts from looked-after review number 2 and later, and 1 is recorded (starts.csv:3)"
    assert done.out.splitlines()[-2:] == ["why not", f"  care_period:2018-05-01: {reason}"]


def test_as_json_it_is_one_object_for_programs(tmp_path: Path, here: Here) -> None:
    source = f"ssda903:{write_return(tmp_path / 'return')}"
    found = json.loads(
        here("explain", "cla.review.first", "103", "--source", source, *YEAR_END, "--format", "json").out
    )
    assert (found["child"], found["why"][0]["due"], found["why"][0]["days"][-1]["number"]) == ("103", "2019-04-12", 20)
    assert found["when_next"][0]["after"]["stage"] == "unknown"


def test_an_authority_is_explained_its_own_rules_with_what_it_laid_over_them(tmp_path: Path, here: Here) -> None:
    (tmp_path / "ours.overlay.yaml").write_text(
        "overlay: ours\nedition: of 2018\nlevel: authority\nsettings: {cp.visit.interval: 10 working days}\n"
        "changes: [{rule: cla.review.first, limit: 10 working days}]\n"
    )
    (tmp_path / "alertd.toml").write_text(
        '[feed]\nkind = "ssda903"\nurl = "return"\n[rules]\noverlays = ["ours.overlay.yaml"]\n'
        '[people]\npeople = "p.csv"\nteams = "t.csv"\nduty = "duty@council.example"\nallowed_domains = []\n[email]\n'
    )
    source = f"ssda903:{write_return(tmp_path / 'return')}"
    ask = ("explain", "cla.review.first", "103", "--source", source, *YEAR_END)
    done = here(*ask, "--config", tmp_path / "alertd.toml")
    assert done.code == 0, done.err
    ours = done.out
    assert "local          Fri 29 Mar 2019  <- binds" in ours
    assert "statutory      Fri 12 Apr 2019\n" in ours
    assert "told to nobody the pack england.looked_after is not adopted" in ours
    both = here(*ask, "--config", tmp_path / "alertd.toml", "--set", "cp.visit.interval=2 weeks").one_line
    assert both == "--config goes without --rules and --set. Write them in the settings file."


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
    lines = here("explain", "cp.visit", child, *ask, "--all").out.splitlines()
    stages = [line.rpartition(": ")[2] for line in lines if line.startswith("cp_plan:")]
    assert len(stages) > 2 and stages[0] == "met" != stages[-1]
    starts = [line.split("starts")[1].split(",")[0].strip() for line in lines if "  starts  " in line]
    days = [datetime.strptime(start, "%a %d %b %Y") for start in starts]
    assert days[:-1] == sorted(days[:-1])
