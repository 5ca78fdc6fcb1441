"""The page on the layout of own lists, and the command that prints it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alertd.cases.kinds import KINDS
from alertd.cases.sources.own_lists import FILLS, columns_of, required
from alertd.cli.coverage import shipped
from alertd.cli.kinds import alone, needing, page
from alertd.cli.together import put_together
from alertd.errors import InputError

DOCS = Path(__file__).resolve().parents[3] / "docs"


def run(*arguments: str) -> str:
    done = CliRunner().invoke(put_together(["sources"]), ["sources", "kinds", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_page_is_in_step_with_the_kinds_and_the_rules() -> None:
    kept = (DOCS / "csv-layout.md").read_text("utf-8")
    told = "docs/csv-layout.md is old. Run: alertd sources kinds --format md > docs/csv-layout.md"
    assert kept == page(shipped()) == run("--format", "md"), told


def test_the_page_has_every_kind_with_every_column() -> None:
    sections = page(shipped()).split("\n### ")[1:]
    assert [section.partition("\n")[0] for section in sections] == [*KINDS]
    for section, kind in zip(sections, KINDS.values(), strict=True):
        assert [name for name in columns_of(kind) if f"\n| {name} |" not in section] == [], kind.name


def test_a_list_is_counted_for_the_rules_that_only_it_is_lacking_for() -> None:
    rows = shipped()
    assert len(alone(KINDS["core_group"], rows)) == len(needing(KINDS["core_group"], rows)) > 0
    assert "gap.need_unplanned" in needing(KINDS["need"], rows)
    assert "gap.need_unplanned" not in alone(KINDS["need"], rows)  # needs planned_action as well
    assert "cp.visit" in needing(KINDS["cp_visit"], rows)
    assert "cp.visit" not in alone(KINDS["cp_visit"], rows)  # the SSD holds it


def test_an_empty_list_is_printed_with_its_heading() -> None:
    assert run("need", "--format", "csv") == "child,key,happened,closed,type\n"


def test_the_other_forms() -> None:
    lines = [json.loads(line) for line in run("--format", "jsonl").splitlines()]
    assert [line["kind"] for line in lines] == [*KINDS]
    pep = next(line for line in lines if line["kind"] == "pep")
    assert pep["columns"][3]["codes"] == ["initiated", "meeting", "quality_assured"]
    assert "cla.pep.first" in pep["alone"]
    assert "happened" in run("need") and "Pathway plan" in run()
    assert run("need", "--format", "md").startswith("### need\n")


@pytest.mark.parametrize(
    ("arguments", "told"), [(["neeed"], "Did you mean need"), (["--format", "csv"], "Name its kind")]
)
def test_wrong_arguments_say_what_to_do(arguments: list[str], told: str) -> None:
    done = CliRunner().invoke(put_together(["sources"]), ["sources", "kinds", *arguments])
    assert isinstance(done.exception, InputError) and told in str(done.exception)


def test_everything_is_filled_and_what_is_required_is_a_column() -> None:
    assert set(FILLS) == set(KINDS)
    for kind in KINDS.values():
        assert set(required(kind)) <= set(columns_of(kind)) == {"child", "key", *FILLS[kind.name]}
