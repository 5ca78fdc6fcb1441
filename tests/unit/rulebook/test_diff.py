"""What ``alertd rules diff`` says of two packs, or of a pack and what is laid over it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alertd.cli.rules_diff import affected
from alertd.cli.together import put_together
from alertd.rulebook.diff import Difference, differences
from alertd.rulebook.load import load_rulebook
from tests.support.cli import write_return

PACK = """\
pack: law.example
edition: "one"
rules:
  - id: law.review
    title: First review
    why: It shows a difference.
    law: {cite: The law, confidence: V}
    for: care_period
    clock: {from: start, within: 20 working days}
    until: {record: cla_review}
    clears: A review is recorded.
    warn: D20
    escalate: L1
  - id: practice.visit
    title: Visit
    why: It is a practice standard.
    law: {cite: Practice, confidence: P}
    for: care_period
    clock: {every: {setting: practice.visit.interval, default: 6 weeks}, from: start}
    until: {record: cla_visit}
    clears: A visit is recorded.
    warn: W6
    escalate: L1
"""
FIRST = date(2026, 11, 23)


def compare(tmp_path: Path, after: str = PACK, overlay: str = "") -> list[Difference]:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(PACK)
    new.write_text(after)
    laid = tmp_path / "council.overlay.yaml"
    laid.write_text(f'overlay: a.council\nedition: "one"\nlevel: authority\n{overlay}')
    books = load_rulebook([old]), load_rulebook([new], overlays=[laid] if overlay else [])
    return differences(*books, FIRST)


def test_a_pack_does_not_differ_from_itself(tmp_path: Path) -> None:
    assert compare(tmp_path) == []


def test_where_a_rule_stands_and_which_edition_it_is_is_no_difference(tmp_path: Path) -> None:
    assert compare(tmp_path, PACK.replace('"one"', '"two"').replace("rules:\n", "\n\nrules:\n")) == []


def test_rules_added_and_removed(tmp_path: Path) -> None:
    found = compare(tmp_path, PACK.replace("law.review", "law.other"))
    assert [(d.rule, d.what) for d in found] == [("law.other", "added"), ("law.review", "removed")]


def test_a_key_is_told_with_both_values(tmp_path: Path) -> None:
    (found,) = compare(tmp_path, PACK.replace("{record: cla_visit}", "{record: cla_visit, where: {child_seen: true}}"))
    assert [(k.key, k.before, k.after) for k in found.keys] == [("until.where", None, "child_seen is true")]
    assert found.days is None


def test_a_length_is_told_in_days_over_a_year_of_starts(tmp_path: Path) -> None:
    """Four weeks of working days end between 26 and 33 days after the start; 28 calendar days end on the 28th."""
    (found,) = compare(tmp_path, PACK.replace("20 working days", "28 calendar days"))
    assert [(k.key, k.before, k.after) for k in found.keys] == [("clock.within", "20 working days", "28 calendar days")]
    assert found.days == (-5.0, 2.0)


def test_the_earlier_of_the_laws_and_the_authoritys_date_is_what_moves(tmp_path: Path) -> None:
    (found,) = compare(tmp_path, overlay="changes: [{rule: law.review, limit: 2 weeks}]\n")
    assert [k.key for k in found.keys] == ["clock.local"]
    assert found.days is not None
    assert found.days[1] < 0
    (unmoved,) = compare(tmp_path, overlay="changes: [{rule: law.review, limit: 20 working days}]\n")
    assert unmoved.days is None


def test_a_setting_changes_the_rules_that_read_it(tmp_path: Path) -> None:
    (found,) = compare(tmp_path, overlay="settings: {practice.visit.interval: 4 weeks}\n")
    assert found.rule == "practice.visit"
    assert [(k.key, k.before, k.after) for k in found.keys] == [("setting practice.visit.interval", None, "4 weeks")]
    assert found.days == (-14.0, -14.0)


def test_children_are_affected_whose_stage_or_date_differs_under_the_name_the_rule_had() -> None:
    def clock(rule: str, child: str) -> tuple[str, str, str, str]:
        return (rule, child, "care_period:1", "start")

    before = {clock("law.review", c): ("running", "2026-12-01") for c in ("C1", "C2", "C3")}
    after = {
        clock("wales.review", "C1"): ("running", "2026-12-01"),
        clock("wales.review", "C2"): ("due", "2026-12-01"),
        clock("wales.visit", "C3"): ("running", "2026-12-01"),
    }
    found = affected(before, after, {"law.review": "wales.review"})
    assert found == {"law.review": ["C2", "C3"], "wales.visit": ["C3"]}


def run(*args: object) -> str:
    result = CliRunner().invoke(put_together(["rules"]), ["rules", "diff", *map(str, args)])
    assert result.exit_code == 0, result.exception
    return result.stdout


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    path = tmp_path / "council.overlay.yaml"
    path.write_text(
        'overlay: a.council\nedition: "one"\nlevel: authority\n'
        "changes: [{rule: cla.review.first, limit: 15 working days}]\n"
    )
    return path


def test_an_overlay_is_laid_over_the_england_packs(overlay: Path) -> None:
    (row,) = map(json.loads, run("england", overlay, "--as-of", "2026-11-23", "--format", "jsonl").splitlines())
    assert row == {
        "rule": "cla.review.first",
        "title": "First looked-after review",
        "what": "changed",
        "keys": [{"key": "clock.local", "before": None, "after": "15 working days"}],
        "days": [-12.0, -7.0],
        "instead": None,
    }


def test_a_teams_overlay_is_compared_as_its_team_is_judged(overlay: Path) -> None:
    overlay.write_text(overlay.read_text().replace("level: authority", "level: team\nteams: [north]"))
    assert "clock.local" in run("england", overlay)


def test_a_rule_of_wales_is_compared_with_the_one_it_stands_in_for() -> None:
    rows = {r["rule"]: r for r in map(json.loads, run("england", "wales", "--format", "jsonl").splitlines())}
    assert rows["cp.core.first"]["instead"] == "wales.cp.core.first"
    assert not any(r["what"] == "removed" for r in rows.values())


def test_packs_that_do_not_differ_say_so() -> None:
    assert "no rule differs" in run("england", "england")


def test_a_feed_shows_for_which_children_a_limit_moves(overlay: Path, tmp_path: Path) -> None:
    feed = write_return(tmp_path / "feed")
    out = run("england", overlay, "--source", f"ssda903:{feed}", "--as-of", "2018-10-15", "--format", "jsonl")
    (row,) = map(json.loads, out.splitlines())
    assert (row["children"], row["examples"]) == (1, ["101"])
