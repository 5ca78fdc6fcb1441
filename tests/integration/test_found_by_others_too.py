"""Three rules find what SQL by hand and another rules engine find: the same clocks, stages and due dates.

The two know nothing of alertd's engine or clocks. SQL begins from the dataset's tables, so what readers make of them
is looked at too.
"""

from __future__ import annotations

import pytest

from tests.bench.peers import RULES, Three, clocks


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Three:
    """The same children for all three."""
    return Three.over(tmp_path_factory.mktemp("three"), 300)


def test_every_rule_has_clocks_that_were_met_in_time_or_late_and_that_run(three: Three) -> None:
    stages = {(rule, stage) for rule, _, stage, _ in clocks(three.findings())}
    assert stages >= {(rule, stage) for rule in RULES for stage in ("met", "met_late", "running")}
    assert "overdue" in {stage for _, stage in stages}


def test_sql_by_hand_finds_the_same(three: Three) -> None:
    assert three.by_sql() == clocks(three.findings())


def test_clips_finds_the_same(three: Three) -> None:
    assert three.by_clips() == clocks(three.findings())
