"""``alertd run`` is what it is among all commands, and holds nothing of the others."""

from __future__ import annotations

import subprocess
import sys

import typer
from typer.testing import CliRunner

from alertd.cli import alone, app


def test_it_takes_the_same_words() -> None:
    among_all, by_itself = (CliRunner().invoke(one, ["run", "--help"], prog_name="alertd") for one in (app, alone._app))
    assert by_itself.exit_code == among_all.exit_code == 0
    assert by_itself.output == among_all.output


def test_a_daemon_loads_no_module_that_only_other_commands_need() -> None:
    program = (
        "import sys; import alertd.__main__ as main; sys.argv = ['alertd', 'run']; main._command(); print(*sys.modules)"
    )
    loaded = set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )
    assert "alertd.daemon" in loaded
    others = {"alertd.cli.together", "alertd.synth", "alertd.simulation", "alembic", "psycopg", "icalendar"}
    readers = {"alertd.cases.sources.annex_a", "alertd.cases.sources.cin_census", "lxml", "python_calamine"}
    assert loaded.isdisjoint(others | readers)


def test_another_command_finds_them_all() -> None:
    assert isinstance(app, typer.Typer)
    assert CliRunner().invoke(app, ["synth", "--help"]).exit_code == 0
