"""A council runs ``pytest its-rules/``: every case beside a pack or an overlay is a test, and reads like one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# Imported here, because pytester forgets what a run within this process was the first to import.
from alertd.rulebook import shelf, testing  # noqa: F401

pytest_plugins = ["pytester"]

PACK = """\
pack: local.example
edition: "one"
rules:
  - id: local.review
    title: Local review
    why: It shows the collector.
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
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "its-rules"
    folder.mkdir()
    (folder / "local.yaml").write_text(PACK)
    (folder / "local.test.yaml").write_text(CASES)
    return folder


def options_on(folder: Path) -> list[str]:
    return ["-v", "-p", "no:cacheprovider", "--rootdir", str(folder)]


PytestOn = Callable[..., tuple[int, str]]


@pytest.fixture
def pytest_on(pytester: pytest.Pytester) -> PytestOn:
    """pytest in this process: the same as in one of its own, and 2 seconds faster."""

    def run(folder: Path, *options: str) -> tuple[int, str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            done = pytester.runpytest_inprocess(*options_on(folder), *options)
        return int(done.ret), "\n".join(done.outlines)

    return run


def test_every_case_is_a_test(rules: Path) -> None:
    command = [sys.executable, "-m", "pytest", *options_on(rules)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=rules)
    code, out = done.returncode, done.stdout
    assert code == 0, out
    assert "local.test.yaml::local.review: Overdue after twenty working days PASSED" in out
    assert "2 passed" in out


def test_cases_are_chosen_by_their_rule(rules: Path, pytest_on: PytestOn) -> None:
    code, out = pytest_on(rules, "-k", "local.review and Silent")
    assert (code, "1 passed, 1 deselected" in out) == (0, True)


def test_a_case_that_does_not_hold_shows_expected_and_found_and_no_code(rules: Path, pytest_on: PytestOn) -> None:
    (rules / "local.test.yaml").write_text(CASES.replace("due: 2026-11-27", "due: 2026-11-30"))
    code, out = pytest_on(rules)
    assert code == 1
    assert f"{rules / 'local.test.yaml'}:2: local.review: Overdue after twenty working days" in out
    assert "expected  overdue  due 2026-11-30" in out
    assert "found     overdue  due 2026-11-27" in out
    assert "Traceback" not in out
    assert "testing.py" not in out


def test_a_pack_that_cannot_be_loaded_is_one_line(rules: Path, pytest_on: PytestOn) -> None:
    (rules / "local.yaml").write_text(PACK.replace("warn: D20", "warn: D202"))
    code, out = pytest_on(rules)
    assert code == 2
    assert f"{rules / 'local.yaml'}:12: rules[1].warn: there is no warning profile 'D202'. Did you mean D20?" in out
    assert "Traceback" not in out


def test_the_test_files_of_other_tools_are_left_alone(rules: Path, pytest_on: PytestOn) -> None:
    (rules / "other.test.yaml").write_text("steps: [one]\n")
    (rules / "other.yaml").write_text("name: no pack\n")
    code, out = pytest_on(rules)
    assert (code, "2 passed" in out) == (0, True)
