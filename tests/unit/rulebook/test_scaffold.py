"""``alertd rules new`` begins a rule that loads, whose cases hold, and of which lint says only what to fill in."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alertd.cli.together import put_together
from alertd.errors import InputError
from alertd.rulebook.model import RuleKind
from alertd.rulebook.scaffold import begin
from alertd.rulebook.shelf import shelves

KINDS: list[RuleKind] = ["timescale", "gap", "notification"]


def rules(*args: object) -> Result:
    return CliRunner().invoke(put_together(["rules"]), ["rules", *map(str, args)])


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_rule_loads_and_its_cases_hold(tmp_path: Path, kind: RuleKind) -> None:
    pack = tmp_path / "its.yaml"
    assert rules("new", "its.rule", "--kind", kind, "--pack", pack).exit_code == 0
    (shelf,) = shelves([pack])
    assert [(r.id, r.kind, r.enabled, r.tests) for r in shelf.rules] == [("its.rule", kind, False, 2)]
    assert rules("test", pack).stdout == "2 cases, 0 failed\n"


@pytest.mark.parametrize("kind", KINDS)
def test_lint_says_only_what_is_to_fill_in(tmp_path: Path, kind: RuleKind) -> None:
    pack = tmp_path / "its.yaml"
    begin("its.rule", kind, pack)
    result = rules("lint", pack)
    assert result.exit_code == 1
    said = [line.removeprefix(f"{pack}:5: its.rule: ") for line in result.stdout.splitlines()]
    keys = ("title", "why", "law.cite", "clears", "disabled_because", "edition")
    assert said == [f"{key}: is still to fill in" for key in keys]


def test_what_the_files_held_stays_before_it(tmp_path: Path) -> None:
    pack = tmp_path / "its.yaml"
    for name in ("its.first", "its.second", "its.third"):
        begin(name, "timescale", pack)
    (shelf,) = shelves([pack])
    assert [rule.id for rule in shelf.rules] == ["its.first", "its.second", "its.third"]
    assert len(shelf.cases) == 6


def test_a_rule_can_be_begun_in_an_overlay(tmp_path: Path) -> None:
    overlay = tmp_path / "its.overlay.yaml"
    overlay.write_text('overlay: its.council\nedition: "one"\nlevel: authority\n')
    begin("its.rule", "gap", overlay)
    assert rules("test", overlay).stdout == "2 cases, 0 failed\n"


@pytest.mark.parametrize(
    ("rule_id", "name", "said"),
    [
        ("Its Rule", "its.yaml", "'Its Rule' is not a rule id"),
        ("cla.review.first", "its.yaml", "there is a rule 'cla.review.first' already, in an installed pack"),
        ("its.there", "its.yaml", "there is a rule 'its.there' already"),
        ("its.rule", "its.test.yaml", "is no rule file"),
        ("its.rule", "its.json", "is no rule file"),
        ("its.rule", "absent/its.yaml", "there is no such folder"),
        ("its.rule", "other.overlay.yaml", "there is no such overlay"),
    ],
)
def test_what_cannot_be_begun_is_refused(tmp_path: Path, rule_id: str, name: str, said: str) -> None:
    begin("its.there", "timescale", tmp_path / "its.yaml")
    before = {path: path.read_text() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match=said):
        begin(rule_id, "timescale", tmp_path / name)
    assert {path: path.read_text() for path in tmp_path.iterdir()} == before


def test_a_file_that_cannot_take_it_stays_as_it_was(tmp_path: Path) -> None:
    pack = tmp_path / "its.yaml"
    begin("its.there", "timescale", pack)
    pack.write_text(pack.read_text() + "\nowner: Somebody\n")
    before = {path: path.read_text() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match="cannot be added at the end of this file"):
        begin("its.rule", "timescale", pack)
    assert {path: path.read_text() for path in tmp_path.iterdir()} == before
