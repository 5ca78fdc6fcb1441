"""``alertd run`` by itself. It stays for months, and holds nothing of what only the other commands need."""

from __future__ import annotations

import typer

from alertd.cli.called import called
from alertd.cli.daemon import run
from alertd.memory import share_one_arena

_app = typer.Typer(name="alertd", pretty_exceptions_enable=False, rich_markup_mode=None)
_app.command()(run)


@_app.callback()
def _root() -> None:
    """With it the command is named, as among all the others."""


def run_alone() -> int:
    """Run ``alertd run`` as the arguments ask for; its exit code."""
    share_one_arena()
    return called(_app)
