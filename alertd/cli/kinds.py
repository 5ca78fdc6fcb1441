"""``alertd sources kinds``: the lists an authority can give of its own, and how each is laid out."""

from __future__ import annotations

import typer

sources_app = typer.Typer(help="What alertd can read, and how it has to look.", no_args_is_help=True)


@sources_app.command("kinds")
def show_kinds() -> None:
    """List the kinds of record."""


@sources_app.callback()
def _group() -> None:
    """The group has one command as yet; without this Typer would make it the group itself."""
