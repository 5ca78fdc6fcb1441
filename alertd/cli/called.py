"""How a command is called, and what its end means."""

from __future__ import annotations

import typer
from typer.exceptions import TyperException

from alertd.errors import InputError


def called(app: typer.Typer) -> int:
    """Run the command of ``app`` that the arguments ask for; its exit code. Wrong usage is an InputError like any
    other."""
    try:
        return app(prog_name="alertd", standalone_mode=False) or 0
    except TyperException as error:
        what = error.format_message().replace("Value error, ", "")
        if what.startswith("Usage:"):  # the help itself, for a command group named alone
            typer.echo(what, err=True)
            return 2
        command = getattr(getattr(error, "ctx", None), "command_path", "alertd")
        raise InputError(what.removesuffix("."), fix=f"See: {command} --help") from None
