"""``alertd reference``: the pages of the documentation that are made from the program."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class PageName(StrEnum):
    """The pages that it makes."""

    commands = "commands"
    permissions = "permissions"
    rule_keys = "rule-keys"
    settings = "settings"


def reference(page: Annotated[PageName, typer.Argument(help="Which page: docs/PAGE.md.")]) -> None:
    """Print a page of the documentation that is made from the program, as Markdown."""
    from alertd.cli.reference import commands, permissions, rule_keys
    from alertd.settings import reference as settings

    pages = {
        PageName.commands: commands.page,
        PageName.permissions: permissions.page,
        PageName.rule_keys: rule_keys.page,
        PageName.settings: settings.page,
    }
    print(pages[page](), end="")
