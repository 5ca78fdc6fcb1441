"""The language of test cases: what is compared, how a difference reads, and which cases are refused."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from alertd.cases.records import LONDON
from alertd.errors import InputError
from alertd.rulebook.builtin import england
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.testing import Case, Outcome, Runner, read_cases

BOOK = load_rulebook([england() / "looked_after.yaml"])


def case(tmp_path: Path, text: str) -> Case:
    path = tmp_path / "x.test.yaml"
    path.write_text("cases:\n  - name: A case\n    rule: cla.review.first\n    as_of: 2026-11-28\n" + text)
    return read_cases(path)[0]


def run(tmp_path: Path, text: str) -> Outcome:
    return Runner(BOOK).run(case(tmp_path, text))


CARE = "    records: [{kind: care_period, start: 2026-10-30}]\n"


def test_a_day_stands_for_its_end(tmp_path: Path) -> None:
    assert case(tmp_path, "    expect: nothing\n").as_of == datetime(2026, 11, 28, 23, 59, 59, tzinfo=LONDON)


def test_only_the_keys_written_are_compared(tmp_path: Path) -> None:
    assert run(tmp_path, CARE + "    expect: [{stage: overdue}]\n").passed


@pytest.mark.parametrize(
    "wrong",
    [
        "{stage: due}",
        "{stage: overdue, due: 2026-11-28}",
        "{stage: overdue, binding: plan}",
        "{stage: overdue, level: 0}",
    ],
)
def test_a_wrong_stage_day_binding_or_level_fails(tmp_path: Path, wrong: str) -> None:
    assert not run(tmp_path, CARE + f"    expect: [{wrong}]\n").passed


def test_a_difference_shows_what_was_expected_and_what_was_found(tmp_path: Path) -> None:
    lines = run(tmp_path, CARE + "    expect: [{stage: due, due: 2026-11-28}]\n").differences
    assert lines[0] == "expected  due  due 2026-11-28"
    assert lines[1].startswith("found     overdue  due 2026-11-27  start 2026-10-30  statutory 2026-11-27")


def test_a_finding_nobody_expected_fails(tmp_path: Path) -> None:
    outcome = run(tmp_path, CARE + "    expect: nothing\n")
    assert outcome.differences[0] == "expected  nothing"


def test_an_expected_finding_that_is_not_there_fails(tmp_path: Path) -> None:
    outcome = run(tmp_path, "    expect: [{stage: due}]\n")
    assert outcome.differences == ("expected  due", "found     nothing")


def test_one_finding_does_not_satisfy_two_expectations(tmp_path: Path) -> None:
    assert not run(tmp_path, CARE + "    expect: [{stage: overdue}, {stage: overdue}]\n").passed


def test_a_disabled_rule_is_tested_as_if_enabled(tmp_path: Path) -> None:
    off = BOOK.rules[0].model_copy(update={"enabled": False})
    book = BOOK.model_copy(update={"rules": (off,)})
    assert Runner(book).run(case(tmp_path, CARE + "    expect: [{stage: overdue}]\n")).passed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "    records: [{kind: care_perod}]\n    expect: nothing\n",
            r":5: .*'care_perod'\. Did you mean care_period\?",
        ),
        (
            "    records: [{kind: care_period, strat: 2026-10-30}]\n    expect: nothing\n",
            r":5: .*'strat'\. Did you mean",
        ),
        ('    records: [{kind: cla_visit, child_seen: "yes"}]\n    expect: nothing\n', r":5: .*is a yes/no field"),
        (
            "    records: [{kind: missing, start: soon}]\n    expect: nothing\n",
            r":5: .*'soon' is text, and neither a day",
        ),
        ("    expects: nothing\n", r":5: cases\[1\]\.expects: unknown key 'expects'.*Did you mean expect\?"),
        ("    expect: none\n", r":5: cases\[1\]\.expect: write the findings as a list, or `nothing`"),
        ("    expect: []\n", r":5: cases\[1\]\.expect: write the findings"),
        ("    expect: [{stage: late}]\n", r":5: cases\[1\]\.expect\[1\]\.stage: 'late' is not one of"),
        (
            "    records: [{kind: placement, key: P}, {kind: placement, key: P}]\n    expect: nothing\n",
            r":5: .*a second record placement:P",
        ),
    ],
)
def test_a_case_that_cannot_be_meant_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        case(tmp_path, text)


def test_a_case_of_an_unknown_rule_is_refused(tmp_path: Path) -> None:
    known = case(tmp_path, "    expect: nothing\n")
    with pytest.raises(InputError, match=r"no rule 'cla.review.first'"):
        Runner(BOOK.model_copy(update={"rules": BOOK.rules[1:]})).run(known)


def test_a_setting_the_rule_does_not_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x.test.yaml:2: setting cp.visit.interval: no rule reads this setting"):
        run(tmp_path, "    settings: {cp.visit.interval: 10 working days}\n    expect: nothing\n")
