"""``alertd rules``: list, test and lint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alertd.cli.rules import rules_app
from alertd.errors import InputError

PACK = """\
pack: local.example
edition: "one"
rules:
  - id: local.review
    title: Local review
    why: It shows the command.
    law: {cite: Local policy, confidence: P}
    for: care_period
    clock: {from: start, within: 20 working days}
    until: {record: cla_review}
    clears: A review is recorded.
    warn: D20
    escalate: L1
"""
CASES = """\
cases:
  - name: Overdue after twenty working days
    rule: local.review
    as_of: 2026-11-28
    records: [{kind: care_period, start: 2026-10-30}]
    expect: [{stage: overdue, due: 2026-11-27}]
  - name: Silent for a child who is not looked after
    rule: local.review
    as_of: 2026-11-28
    expect: nothing
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    (tmp_path / "local.yaml").write_text(PACK)
    (tmp_path / "local.test.yaml").write_text(CASES)
    return tmp_path / "local.yaml"


def run(*args: object) -> Result:
    return CliRunner().invoke(rules_app, [str(a) for a in args])


def test_list_prints_one_json_line_a_rule_sorted_by_id(pack: Path) -> None:
    result = run("list", "--format", "jsonl", "--rules", pack)
    assert result.exit_code == 0
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [r["id"] for r in rows] == sorted(r["id"] for r in rows)
    assert len(rows) >= 28
    assert next(r for r in rows if r["id"] == "local.review") == {
        "id": "local.review",
        "title": "Local review",
        "kind": "timescale",
        "nation": "local",
        "pack": "local.example",
        "edition": "one",
        "cite": "Local policy",
        "confidence": "P",
        "clock": "20 working days from start, until cla_review",
        "tells": [["worker", "team_manager"], ["service_manager"], ["head_of_service"]],
        "needs": ["care_period", "care_period.start", "cla_review", "cla_review.happened"],
        "enabled": True,
        "disabled_because": None,
        "shadow": "",
        "owner": "",
        "review_by": None,
        "replaces": None,
        "difference": None,
        "tests": 2,
        "fires": True,
        "silent": True,
    }


def test_list_shows_rules_of_wales_beside_those_they_stand_in_for() -> None:
    rows = {r["id"]: r for r in map(json.loads, run("list", "--format", "jsonl").stdout.splitlines())}
    assert rows["wales.cp.core.first"]["nation"] == "wales"
    assert rows["wales.cp.core.first"]["replaces"] == "cp.core.first"
    assert rows["cp.core.first"]["nation"] == "england"


def test_every_rule_has_its_clock_in_words() -> None:
    rows = {r["id"]: r for r in map(json.loads, run("list", "--format", "jsonl").stdout.splitlines())}
    assert all(r["clock"] for r in rows.values())
    assert rows["cla.review.second"]["clock"] == "3 months from cla_review 1, until cla_review"
    assert rows["gap.moves"]["clock"].startswith("3 or more of placement in the last 12 months")


def test_list_prints_a_table_with_every_id_whole() -> None:
    result = run("list")
    assert result.exit_code == 0
    assert "cp.visit.bedroom" in result.stdout


def test_test_passes_when_every_case_holds(pack: Path) -> None:
    result = run("test", pack)
    assert (result.exit_code, result.stdout) == (0, "2 cases, 0 failed\n")


def test_a_test_file_stands_for_its_rules(pack: Path) -> None:
    assert run("test", pack.with_name("local.test.yaml")).exit_code == 0


def test_test_shows_expected_and_found_and_fails(pack: Path) -> None:
    sheet = pack.with_name("local.test.yaml")
    sheet.write_text(CASES.replace("due: 2026-11-27", "due: 2026-11-30"))
    result = run("test", pack)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == f"{sheet}:2: local.review: Overdue after twenty working days"
    assert lines[1] == "    expected  overdue  due 2026-11-30"
    assert lines[2].startswith("    found     overdue  due 2026-11-27")
    assert lines[-1] == "2 cases, 1 failed"


def test_test_without_cases_is_an_error(pack: Path) -> None:
    pack.with_name("local.test.yaml").unlink()
    result = run("test", pack)
    assert isinstance(result.exception, InputError)


def test_lint_is_content_with_a_good_pack(pack: Path) -> None:
    assert run("lint", pack).exit_code == 0


def test_lint_names_the_problem_and_fails(pack: Path) -> None:
    pack.write_text(PACK.replace("warn: D20", "warn: M3"))
    result = run("lint", pack)
    assert result.exit_code == 1
    assert f"{pack}:4: local.review: warning profile M3 begins" in result.stdout


def test_a_rule_and_the_one_that_stands_in_for_it_are_each_tested_where_they_hold(pack: Path) -> None:
    welsh = pack.with_name("welsh.yaml")
    welsh.write_text(PACK.replace("- id: local.review", "- id: welsh.review\n    replaces: local.review"))
    pack.with_name("welsh.test.yaml").write_text(CASES.replace("local.review", "welsh.review"))
    result = run("test", pack, welsh)
    assert (result.exit_code, result.stdout.strip()) == (0, "4 cases, 0 failed")


def overlay(pack: Path, limit: str = "10 working days") -> Path:
    path = pack.with_name("council.overlay.yaml")
    path.write_text(
        f'overlay: local.council\nedition: "one"\nlevel: authority\nchanges: [{{rule: local.review, limit: {limit}}}]\n'
    )
    return path


def test_the_cases_of_an_overlay_run_over_the_packs_named_with_it(pack: Path) -> None:
    sheet = overlay(pack).with_name("council.overlay.test.yaml")
    sheet.write_text(CASES.replace("2026-11-27", "2026-11-13"))
    assert run("test", pack, pack.with_name("council.overlay.yaml")).stdout == "4 cases, 0 failed\n"
    sheet.write_text(CASES)
    assert run("test", pack, pack.with_name("council.overlay.yaml")).stdout.endswith("4 cases, 1 failed\n")


def test_a_teams_overlay_is_tested_as_its_team_is_judged(pack: Path) -> None:
    path = overlay(pack)
    path.write_text(path.read_text().replace("level: authority", "level: team\nteams: [north]"))
    path.with_name("council.overlay.test.yaml").write_text(CASES.replace("2026-11-27", "2026-11-13"))
    assert run("test", pack.parent).stdout == "4 cases, 0 failed\n"


def test_lint_looks_at_what_an_overlay_changes(pack: Path) -> None:
    result = run("lint", pack, overlay(pack, "5 working days"))
    assert f"{pack}:4: local.review: warning profile D20 begins 10 working days before due" in result.stdout


def test_a_pack_of_stand_ins_is_tested_over_what_it_stands_in_for(pack: Path) -> None:
    pack.write_text(PACK.replace("- id: local.review", "- id: local.review\n    replaces: cla.review.first"))
    assert run("test", pack).stdout == "2 cases, 0 failed\n"
