"""The JSON Schema of rule files: in step with the models, true of everything shipped, and of use to an editor."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from alertd.cli.rules_new import schema as print_schema
from alertd.rulebook.builtin import rules_folder
from alertd.rulebook.schema import schema
from alertd.rulebook.strict_yaml import read_yaml

WRITTEN = Path(__file__).parents[3] / "docs" / "rules.schema.json"
SHIPPED = sorted(path for path in rules_folder().glob("*/*.yaml"))
BROKEN = Path(__file__).parent / "broken"


@lru_cache(maxsize=1)
def validator() -> Any:
    found = json.loads(WRITTEN.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


def faults(path: Path) -> list[str]:
    """What an editor would underline; it sees days as text."""
    value = json.loads(json.dumps(read_yaml(path).value, default=str))
    return [f"{error.json_path}: {error.message[:200]}" for error in validator().iter_errors(value)]


def test_the_schema_in_docs_is_that_of_the_models(capsys: pytest.CaptureFixture[str]) -> None:
    print_schema()
    assert WRITTEN.read_text("utf-8") == capsys.readouterr().out, "run: alertd rules schema > docs/rules.schema.json"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_every_shipped_pack_overlay_and_sheet_of_cases_is_valid(path: Path) -> None:
    assert faults(path) == []


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("bad_confidence", "$.rules[0].law.confidence"),
        ("bad_duration", "$.rules[0].clock.within"),
        ("bad_id", "$.rules[0].id"),
        ("bare_number", "$.rules[0].clock.within"),
        ("missing_key", "$.rules[0]"),
        ("unknown_key", "$.rules[0]"),
        ("unknown_key_in_clock", "$.rules[0].clock"),
        ("unknown_kind", "$.rules[0].for"),
        ("unknown_kind_in_until", "$.rules[0].until.record"),
        ("unknown_field_in_where", "$.rules[0].until.where"),
        ("unknown_operator", "$.rules[0].until.where"),
        ("unknown_agency", "$.rules[0].tell"),
        ("count_of_none", "$.rules[0].count.at_least"),
        ("key_of_the_loader", "$.rules[0]"),
        ("rules_not_a_list", "$.rules"),
        ("overlays/unknown_change.overlay", "$.changes[0]"),
        ("overlays/unknown_level.overlay", "$.level"),
        ("overlays/limit_without_a_unit.overlay", "$.changes[0].limit"),
        ("overlays/loosened_without_a_reason.overlay", "$.changes[0].loosened_by"),
    ],
)
def test_a_broken_file_is_underlined_where_it_is_broken(name: str, place: str) -> None:
    found = faults(BROKEN / f"{name}.yaml")
    assert found
    assert all(fault.startswith(place) for fault in found), found


@pytest.mark.parametrize(
    ("case", "place"),
    [
        ("{name: a, rule: a.b, as_of: soon, expect: nothing}", "$.cases[0].as_of"),
        ("{name: a, rule: a.b, as_of: 2026-11-28, expect: none}", "$.cases[0].expect"),
        ("{name: a, rule: a.b, as_of: 2026-11-28, records: [{kind: care}], expect: nothing}", "$.cases[0].records[0]"),
        ("{name: a, rule: a.b, as_of: 2026-11-28, expect: [{stage: late}]}", "$.cases[0].expect"),
    ],
)
def test_a_broken_case_is_underlined(tmp_path: Path, case: str, place: str) -> None:
    path = tmp_path / "x.test.yaml"
    path.write_text(f"cases: [{case}]\n")
    found = faults(path)
    assert found
    assert all(fault.startswith(place) for fault in found), found


def test_every_part_says_what_it_is() -> None:
    bare = [name for name, part in schema()["$defs"].items() if not part.get("description") and name != "record"]
    assert bare == []
