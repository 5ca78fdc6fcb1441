"""``alertd rules backtest``: what comes of each rule, month by month, and how much reaches whom."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from alertd.rulebook.builtin import england
from tests.integration.test_cli_forecast import Page
from tests.support.cli import Here, write_return

SAMPLE = Path(__file__).parents[3] / "shared" / "samples" / "ssda903-csc-validator"
REVIEWS = {
    "2018-reviews.csv": "CHILD,DOB,REVIEW,REVIEW_CODE\n101,03/02/2010,22/10/2018,PN1\n101,03/02/2010,01/02/2019,PN1\n"
}
YEAR = ("--from", "2018-04-01", "--to", "2019-03-31")
LOOKED_AFTER = england() / "looked_after.yaml"
VISITS = england() / "looked_after_visits.yaml"


def rows(here: Here, *args: str | Path) -> list[dict[str, Any]]:
    done = here("rules", "backtest", *args, "--format", "json")
    assert done.code == 0, done
    return [json.loads(line) for line in done.out.splitlines()]


@pytest.fixture
def source(tmp_path: Path) -> str:
    """101 has the second review of 22 January on 1 February, ten days late; 102 and 103 as ever."""
    folder = write_return(tmp_path / "return")
    for name, text in REVIEWS.items():
        (folder / name).write_text(text)
    return f"ssda903:{folder}"


def test_a_review_held_late_is_in_the_month_its_alert_opened(source: str, here: Here) -> None:
    found = rows(here, LOOKED_AFTER, "--source", source, *YEAR)
    assert [(row["rule"], row["month"]) for row in found if "rule" in row] == sorted(
        (row["rule"], row["month"]) for row in found if "rule" in row
    )
    (second,) = [row for row in found if row.get("rule") == "cla.review.second" and row["median_days_late"]]
    assert (second["alerts"], second["met"], second["median_days_late"]) == (1, 1.0, 10)
    assert (second["month"], second["recorded_late"], second["cannot_tell"]) == ("2018-12", None, 0)
    assert second["messages"] >= 3, "coming up, due, overdue, and the steps after it"
    assert {row["rule"].rpartition(".")[0] for row in found if "rule" in row} <= {"cla.review", "cla.plan"}
    assert found[-1] == {"workers": 0, "working_days": 253, "per_day": 0.0, "worst": 0, "unnamed": found[-1]["unnamed"]}
    assert found[-1]["unnamed"] > 0, "a return of 2018 names no workers"


def test_csv_has_the_months_and_every_run_says_the_same(source: str, here: Here) -> None:
    ask = ("rules", "backtest", LOOKED_AFTER, "--source", source, *YEAR, "--format")
    done = here(*ask, "csv")
    months = [row for row in rows(here, LOOKED_AFTER, "--source", source, *YEAR) if "rule" in row]
    read = list(csv.DictReader(io.StringIO(done.out)))
    assert [(row["rule"], row["month"], int(row["alerts"])) for row in read] == [
        (row["rule"], row["month"], row["alerts"]) for row in months
    ]
    assert here(*ask, "json", "--workers", "1").out == here(*ask, "json", "--workers", "2").out
    assert "no record of this feed says when it was entered" in done.err


def test_only_the_rules_of_the_packs_named_are_reported(ssd: Path, here: Here) -> None:
    ask = ("--source", f"ssd:{ssd / 'authority.db'}", "--from", "2026-09-01", "--to", "2026-10-31")
    everything, named = rows(here, *ask), rows(here, VISITS, *ask)
    ids = {row["rule"] for row in named if "rule" in row}
    assert ids and all(id_.startswith("cla.visit") for id_ in ids)
    assert [row for row in everything if row.get("rule") in ids] == [row for row in named if "rule" in row]
    loads = [row for row in everything if "worker" in row]
    assert loads == sorted(loads, key=lambda row: row["worker"])
    assert everything[-1]["workers"] == len(loads) > 0
    assert everything[-1]["worst"] == max(row["worst"] for row in loads)


def test_rules_that_are_not_enabled_are_tried_when_asked(tmp_path: Path, source: str, here: Here) -> None:
    pack = tmp_path / "ours.yaml"
    pack.write_text(
        """\
pack: council.ours
edition: "ours, 2026"
owner: "ours"
review_by: 2027-01-01
rules:
  - id: council.first_ten
    title: Review in ten days
    why: "Ours is sooner."
    law: {cite: "local policy 1", confidence: K}
    for: care_period
    clock: {from: start, within: 10 working days}
    until: {record: cla_review}
    clears: A review is recorded.
    warn: D20
    escalate: L2
    enabled: false
    disabled_because: not yet agreed
"""
    )
    ask = (pack, "--source", source, *YEAR)
    assert "none of these rules is enabled" in here("rules", "backtest", *ask).one_line
    tried = rows(here, *ask, "--disabled")
    assert {row["rule"] for row in tried if "rule" in row} == {"council.first_ten"}
    assert "--disabled goes with a PACK" in here("rules", "backtest", "--disabled", *ask[1:]).one_line


def test_the_page_stands_alone_and_the_table_says_the_same(ssd: Path, tmp_path: Path, here: Here) -> None:
    ask = ("--source", f"ssd:{ssd / 'authority.db'}", "--from", "2026-09-01", "--to", "2026-10-31")
    out = tmp_path / "back.html"
    done = here("rules", "backtest", VISITS, *ask, "--format", "html", "--out", out)
    assert (done.code, done.out) == (0, "")
    page = Page(out.read_text("utf-8"))
    page.check()
    shown = [row for row in page.rows if row[0] in ("before", "Sep 2026", "Oct 2026")]
    table = [line.split() for line in here("rules", "backtest", VISITS, *ask).out.splitlines()]
    printed = [line for line in table if line and line[0].startswith("cla.visit")]
    assert len(shown) > 1
    assert [row[1:5] for row in shown] == [line[2:6] for line in printed]


def test_what_cannot_be_used_is_one_line(source: str, here: Here) -> None:
    def said(*args: str | Path) -> str:
        return here("rules", "backtest", "--source", source, *args).one_line

    assert said("--from", "2019-01-01", "--to", "2018-01-01") == "--to lies before --from. Give the first day first"
    assert said("--from", "May", "--to", "2018-01-01") == "--from 'May' is not a day. Write it as 2025-04-01"
    assert "there is no such pack" in said("nowhere.yaml", *YEAR)
    assert "Missing option '--from'" in said()


def test_a_year_of_a_real_sized_return_is_replayed(here: Here) -> None:
    if not SAMPLE.is_dir():
        pytest.skip("the sample return is not here")
    done = rows(
        here, VISITS, LOOKED_AFTER, "--source", f"ssda903:{SAMPLE}", "--from", "2018-02-01", "--to", "2018-03-31"
    )
    months = [row for row in done if "rule" in row]
    assert {row["month"] for row in months} == {"before", "2018-02", "2018-03"}
    assert all(0 <= row["met"] <= 1 and row["cannot_tell"] <= row["alerts"] for row in months)
