"""Only what the first word asks for is loaded, and it is what it is among all commands."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from alertd.cli.together import _COMMANDS, put_together
from tests.support.cli import Here


def loaded_by(*words: str) -> set[str]:
    """The modules that a command of these words has at its end."""
    program = f"""
import sys, alertd.__main__ as main
sys.argv = ['alertd', *{words!r}]
try: main.main()
except SystemExit as end: assert end.code == 0, end.code
print('loaded', *sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("name", _COMMANDS)
def test_a_command_takes_the_same_words_whether_it_is_loaded_alone_or_with_all(name: str) -> None:
    among_all, alone = (
        CliRunner().invoke(app, [name, "--help"], prog_name="alertd") for app in (put_together(), put_together([name]))
    )
    assert alone.exit_code == among_all.exit_code == 0
    assert alone.output == among_all.output


def test_a_daemon_loads_no_module_that_only_other_commands_need() -> None:
    loaded = loaded_by("run", "--help")
    assert "alertd.daemon" in loaded
    others = {"alertd.cli.check", "alertd.synth", "alertd.simulation", "alembic", "psycopg", "icalendar"}
    readers = {"alertd.cases.sources.annex_a", "alertd.cases.sources.cin_census", "lxml", "python_calamine"}
    assert loaded.isdisjoint(others | readers)


def test_the_threads_of_a_daemon_share_their_memory(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    shared: list[None] = []
    monkeypatch.setattr("alertd.cli.daemon.share_one_arena", lambda: shared.append(None))
    monkeypatch.setattr("faulthandler.enable", lambda: None)  # standard error is no file here
    assert "nowhere.toml" in here("run", "--config", "nowhere.toml").one_line
    assert shared == [None]


def test_the_version_is_said_without_what_any_command_needs() -> None:
    loaded = loaded_by("--version")
    assert not [name for name in loaded if name.startswith(("sqlalchemy", "alertd.cli.daemon", "alertd.bootstrap"))]


@pytest.mark.parametrize("words", [["--help"], [], ["no-such-command"]])
def test_where_no_command_is_named_all_are_known(words: list[str]) -> None:
    program = f"import sys, alertd.__main__ as main; sys.argv = ['alertd', *{words!r}]; main.main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if words == ["no-such-command"]:
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "No such command 'no-such-command'" in done.stderr
    else:
        assert all(f"  {name} " in done.stdout + done.stderr for name in _COMMANDS)
