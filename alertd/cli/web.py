"""``alertd web``: the pages that partners and calendar programs reach."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alertd import log
from alertd.bootstrap import build
from alertd.errors import InputError
from alertd.settings import load


def web(config: Annotated[Path, typer.Option(help="The settings file.")]) -> None:
    """Serve the pages behind links in mails, and the calendars, until told to stop, at the address in [web]."""
    from alertd.web.app import app  # a web server is nothing for the other commands to wait for
    from alertd.web.serve import listen

    settings = load(config)
    if settings.web is None:
        fix = "Give the url by which people reach it, and host and port"
        raise InputError("there is no section [web]", where=str(config), fix=fix)
    log.configure()
    house = build(settings)
    try:
        listen(app(house), settings.web, "serving", impatient=True, url=settings.web.url)
    finally:
        house.engine.dispose()
