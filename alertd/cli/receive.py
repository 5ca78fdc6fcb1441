"""``alertd receive``: take deliveries of the CSC API payload; ``alertd receive token``: let somebody deliver."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from alertd import log
from alertd.errors import InputError
from alertd.settings import load
from alertd.settings.receive import Receive

receive_app = typer.Typer(help="Take deliveries of the CSC API payload.", rich_markup_mode=None)

ConfigOption = Annotated[Path | None, typer.Option(help="The settings file.")]


@receive_app.callback(invoke_without_command=True)
def receive(context: typer.Context, config: ConfigOption = None) -> None:
    """Take deliveries of the CSC API payload until told to stop, at the address in [receive]."""
    if context.invoked_subcommand is None:
        from alertd.web.serve import serve  # a web server is nothing for the other commands to wait for

        settings = _settings(config)
        log.configure()
        serve(settings)


@receive_app.command("token")
def token(
    name: Annotated[str, typer.Argument(help="Who is to deliver, as the log will say it.")],
    config: ConfigOption = None,
) -> None:
    """Make a token for a sender and print it, once; only its hash is kept."""
    from alertd.web.tokens import add_token

    settings = _settings(config)
    print(add_token(settings.tokens_file, name))
    print(f"Its hash is in {settings.tokens_file}. The token itself is not shown again.", file=sys.stderr)


def _settings(config: Path | None) -> Receive:
    if config is None:
        raise InputError("there are no settings", fix="Name the file with --config")
    found = load(config).receive
    if found is None:
        fix = "Give inbox, la_code and tokens_file there"
        raise InputError("there is no section [receive]", where=str(config), fix=fix)
    return found
