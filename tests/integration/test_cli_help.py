"""Help, usage and the small commands: every option is told of, every wrong use is one line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import typer

from alertd import __version__
from alertd.cli.together import put_together
from tests.support.cli import Done, Here, alertd


def _walk(command: object, *words: str) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    yield words, [opt for param in getattr(command, "params", []) for opt in param.opts if opt.startswith("--")]
    for name, below in getattr(command, "commands", {}).items():
        yield from _walk(below, *words, name)


def test_the_help_of_every_command_names_each_option_and_says_what_it_does(here: Here) -> None:
    walked = dict(_walk(typer.main.get_command(put_together())))
    assert {("evaluate",), ("explain",), ("clock",), ("synth",), ("demo",), ("run",), ("check",)} <= walked.keys()
    assert {("rules", "list"), ("rules", "test"), ("rules", "lint")} <= walked.keys()
    for words, options in walked.items():
        done = here(*words, "--help")
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(f"Usage: alertd {' '.join(words)}".rstrip())
        named = {line.split()[0] for line in done.out.splitlines() if line.startswith("  -")}
        assert set(options) <= named, words
        for below in walked:
            if below and below[:-1] == words:
                assert f"\n  {below[-1]} " in done.out, below


def test_options_and_commands_without_a_word_of_help_do_not_exist() -> None:
    def silent(command: object, *words: str) -> Iterator[str]:
        if not getattr(command, "help", None):
            yield " ".join(words)
        for param in getattr(command, "params", []):
            if not param.help:
                yield " ".join([*words, *param.opts])
        for name, below in getattr(command, "commands", {}).items():
            yield from silent(below, *words, name)

    assert list(silent(typer.main.get_command(put_together()), "alertd")) == []


def test_a_group_named_alone_shows_its_help_and_wrong_use_is_one_line(here: Here) -> None:
    bare = alertd()
    assert (bare.code, bare.out) == (2, "")
    assert bare.err.startswith("Usage: alertd ") and "evaluate" in bare.err
    assert "lint" in here("rules").err
    assert here("evalaute").one_line.startswith("No such command 'evalaute'")
    assert here("evaluate").one_line == "Missing option '--source'. See: alertd evaluate --help"
    assert here("clock").one_line == "no clock to run. Give --from and --within, or --batch alone"
    assert here("--version").out == f"alertd {__version__}\n"


def test_rules_list_as_json_lines_holds_the_contract(here: Here) -> None:
    done = here("rules", "list", "--format", "jsonl")
    rules = [json.loads(line) for line in done.out.splitlines()]
    counted = Counter((rule["nation"], rule["kind"]) for rule in rules)
    assert counted["england", "timescale"] >= 95
    assert counted["england", "gap"] >= 33
    assert counted["england", "notification"] >= 28
    assert {rule["difference"] for rule in rules if rule["nation"] == "wales"} >= set(range(1, 17))
    assert [rule["id"] for rule in rules] == sorted(rule["id"] for rule in rules)
    for rule in rules:
        assert rule.keys() >= {"id", "title", "kind", "nation", "pack", "cite", "confidence", "enabled", "tests"}
        assert isinstance(rule["enabled"], bool)
        assert rule["tests"] >= 2 and rule["fires"] and rule["silent"], rule["id"]
        assert rule["cite"] and rule["confidence"]
    table = here("rules", "list").out
    assert all(rule["title"] in table and rule["cite"] in table for rule in rules), "a piped table is whole"


def test_clock_prints_the_due_date_and_the_days_it_skipped(here: Here, tmp_path: Path) -> None:
    done = alertd("clock", "--from", "2026-12-02", "--within", "20 working days")
    due, *rest = done.out.splitlines()
    skipped = [line for line in rest if line.startswith("  skipped ")]
    assert (done.code, due, done.err) == (0, "2027-01-04", "")
    assert len(skipped) == (date(2027, 1, 4) - date(2026, 12, 2)).days - 20
    assert "  skipped Mon 2026-12-28: Boxing Day (substitute day)" in skipped
    batch = tmp_path / "sums.csv"
    batch.write_text("2026-12-02,20 working days,england-and-wales\n2026-01-31,1 months,scotland\n")
    assert here("clock", "--batch", batch).out == "2027-01-04\n2026-02-28\n"
    batch.write_text("2026-12-02,20 working days,england-and-wales\n2026-13-31,1 months,scotland\n")
    assert here("clock", "--batch", batch).one_line.startswith(f"{batch}:2: the start is neither a day nor")


@pytest.mark.parametrize("what", [["--from", "2026-12-02", "--within", "20 days"], ["--nation", "wales"]])
def test_a_clock_that_cannot_run_is_one_line(here: Here, what: list[str]) -> None:
    given = ["--from", "2026-12-02", "--within", "20 working days"] if "--nation" in what else []
    assert here("clock", *given, *what).one_line


@pytest.mark.parametrize("where", ["alertd.cli.together.run_command", "alertd.cases.sources.ssda903.read"])
def test_ctrl_c_ends_without_a_word(here: Here, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(where, interrupted)
    assert here("evaluate", "--source", "ssda903:x") == Done(130, "", "")


def test_an_old_locale_is_no_traceback() -> None:
    done = alertd("rules", "list", "--format", "jsonl", env={"PYTHONIOENCODING": "latin-1"})
    assert done.code == 0
    assert len(done.out.splitlines()) >= 24
