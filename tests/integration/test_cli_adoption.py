"""``alertd rules adopt``, ``confirm`` and ``status``: from a pack in shadow to one that tells people."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from alertd.alerts.muting import HELD
from alertd.bootstrap import guard_of, rulebook_of
from alertd.db.tables import Alert
from alertd.settings import load
from tests.support.cli import Here
from tests.support.databases import opened

NOW = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
OFFICER = ("--officer", "An Officer", "--role", "principal social worker", "--date", "2026-11-23")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "alertd.toml"
    path.write_text(
        """\
[feed]
kind = "ssda903"
url = "return"
[rules]
adopted = "adopted.yaml"
[rules.settings]
"cp.visit.interval" = "10 working days"
[people]
people = "people.csv"
teams = "teams.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]
[email]
sender = "alertd@council.example"
"""
    )
    return path


def held(config: Path, rule: str) -> None:
    """An alert of that rule that waits to be confirmed."""
    engine = opened(load(config).database.url)
    with Session(engine) as session, session.begin():
        session.add(
            Alert(
                rule=rule, child="C1", record="cp_plan:P1", occurrence="start", state="open", stage="overdue",
                finding={}, muted=HELD, opened_at=NOW, changed_at=NOW,
            )
        )  # fmt: skip
    engine.dispose()


def test_a_pack_is_in_shadow_until_an_officer_adopts_it(config: Path, here: Here) -> None:
    assert all(rule.shadow for rule in rulebook_of(load(config)).rules)
    done = here("rules", "adopt", "england.child_protection", "--config", config, *OFFICER)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("england.child_protection (")
    live = {rule.pack for rule in rulebook_of(load(config)).rules if not rule.shadow}
    assert live == {"england.child_protection"}
    status = here("rules", "status", "--config", config).out
    (line,) = [text for text in status.splitlines() if text.strip().startswith("england.child_protection")]
    assert "2026-11-23 by An Officer, principal social worker" in line


def test_all_packs_that_begin_alike_are_adopted_together(config: Path, here: Here) -> None:
    assert here("rules", "adopt", "england", "--config", config, *OFFICER).code == 0
    assert not any(rule.shadow for rule in rulebook_of(load(config)).rules)


def test_adopting_again_says_what_is_new_to_adopt(config: Path, here: Here) -> None:
    here("rules", "adopt", "england.child_protection", "--config", config, *OFFICER)
    again = here("rules", "adopt", "england.child_protection", "--config", config, *OFFICER)
    assert ", 0 of them new or changed" in again.out


def test_a_pack_nobody_loads_is_refused_with_those_there_are(config: Path, here: Here) -> None:
    done = here("rules", "adopt", "england.child_protecton", "--config", config, *OFFICER)
    assert "Did you mean england.child_protection?" in done.one_line
    assert not (config.parent / "adopted.yaml").exists()


def test_settings_that_name_no_file_for_it_are_refused_with_the_line_to_add(config: Path, here: Here) -> None:
    config.write_text(config.read_text().replace('adopted = "adopted.yaml"\n', ""))
    done = here("rules", "adopt", "england", "--config", config, *OFFICER)
    assert 'Add adopted = "adopted.yaml" to [rules]' in done.one_line


def test_a_rule_that_is_held_is_let_go_by_name(config: Path, here: Here) -> None:
    held(config, "cp.visit")
    assert "cp.visit: held back with 1 alerts" in here("rules", "status", "--config", config).out
    done = here("rules", "confirm", "cp.visit", "--config", config, "--officer", "An Officer")
    assert done.out.startswith("cp.visit: 1 alerts are told from the next evaluation on")
    assert guard_of(load(config)).confirmed == {"cp.visit"}


def test_a_flood_is_let_go_by_somebody_with_a_name(config: Path, here: Here) -> None:
    held(config, "cp.visit")
    done = here("rules", "confirm", "cp.visit", "--config", config, "--officer", " ")
    assert done.one_line == "a confirmation needs the officer. Give --officer"


def test_a_rule_that_is_not_held_is_not_confirmed(config: Path, here: Here) -> None:
    known = here("rules", "confirm", "cp.visit", "--config", config, "--officer", "An Officer")
    assert known.one_line == "cp.visit is not held back. Held are none."
    unknown = here("rules", "confirm", "cp.vist", "--config", config, "--officer", "An Officer")
    assert "Did you mean cp.visit?" in unknown.one_line


def test_status_makes_no_database(config: Path, here: Here) -> None:
    assert here("rules", "status", "--config", config).code == 0
    assert not (config.parent / "alertd.db").exists()
