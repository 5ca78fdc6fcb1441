"""The README holds nothing that was not run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def alertd(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "alertd", *words], cwd=cwd, capture_output=True, text=True, timeout=60)


def test_the_clock_line_runs_as_written(tmp_path: Path) -> None:
    done = alertd("clock", "--from", "2026-12-02", "--within", "20 working days", cwd=tmp_path)
    assert 'alertd clock --from 2026-12-02 --within "20 working days"' in README
    assert done.stdout.startswith("2027-01-04\n")


def test_the_columns_of_the_staff_files_are_those_the_directory_reads() -> None:
    from alertd.people.load import PEOPLE_COLUMNS, TEAM_COLUMNS

    assert f"`{','.join(PEOPLE_COLUMNS)}`" in README
    assert f"`{','.join(TEAM_COLUMNS)}`" in README


def test_every_room_named_is_there_and_every_command_exists() -> None:
    for room in re.findall(r"`((?:alertd|rules|notifiers|config|systemd)/[\w/.]*)`", README):
        assert (ROOT / room).exists(), room
    from alertd.cli.together import put_together

    names = {c.name or (c.callback.__name__ if c.callback else "") for c in put_together().registered_commands}
    names |= {g.name for g in put_together().registered_groups}
    for command in re.findall(r"`?alertd (\w+)[ `]", README):
        if command in ("is", "in"):
            continue
        assert command in names, command


def test_the_figures_of_rules_are_those_of_the_packs() -> None:
    from alertd.rulebook.builtin import builtin_pack
    from alertd.rulebook.shelf import shelves

    found = [shelf.rulebook for shelf in shelves([builtin_pack("england")])]
    rules = {rule.id: rule for book in found for rule in book.rules}
    assert f"Of {sum(rule.enabled for rule in rules.values())} English rules that ship enabled" in README
    (some,) = re.findall(r"\(docs/coverage\.md\), some (\d+)", README)
    assert abs(len(rules) - int(some)) < 10
