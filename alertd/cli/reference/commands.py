"""The page that lists every command with its arguments and options, made from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

_HEAD = """# Commands

<!-- Generated. Do not edit; run: alertd reference commands > docs/commands.md -->

Every command with what it takes. `alertd COMMAND --help` says the same. Exit codes are 0 where it is done, 1 where it
is done and something needs somebody, 2 where what was given cannot be used: then one line says what is wrong, where,
and what to do.
"""


def page() -> str:
    """The whole page, in Markdown."""
    from alertd.cli.together import put_together  # this command is among them

    return "\n".join(_lines(typer.main.get_command(put_together()))) + "\n"


def _lines(root: Any) -> Iterator[str]:
    yield _HEAD
    yield "| command | does |\n|---|---|"
    found = list(_walk(root, "alertd"))
    for words, command in found:
        if words != "alertd":
            yield f"| [`{words}`](#{words.replace(' ', '-')}) | {_first(command.help)} |"
    for words, command in found:
        if words != "alertd":
            yield from _command(words, command)


def _walk(command: Any, words: str) -> Iterator[tuple[str, Any]]:
    yield words, command
    for name, below in getattr(command, "commands", {}).items():
        if not below.hidden:
            yield from _walk(below, f"{words} {name}")


def _command(words: str, command: Any) -> Iterator[str]:
    yield f"\n{'##' if words.count(' ') == 1 else '###'} {words}\n"
    yield "\n\n".join(_cell(paragraph) for paragraph in (command.help or "").strip().split("\n\n"))
    below = getattr(command, "commands", {})
    if below:
        yield (
            "\nCommands of its own: "
            + ", ".join(f"[`{name}`](#{f'{words} {name}'.replace(' ', '-')})" for name in below)
            + "."
        )
    params = [param for param in command.params if param.name != "help"]
    if params:
        yield "\n| takes | note | means |\n|---|---|---|"
        yield from (_param(param) for param in params)


def _param(param: Any) -> str:
    names = " ".join(f"`{name}`" for name in (*param.opts, *param.secondary_opts))
    if param.param_type_name == "argument":
        names = f"`{param.metavar or param.name.upper()}`"
    default = getattr(param.default, "value", param.default)
    shown = isinstance(default, str | int | float) and not isinstance(default, bool) and default != ""
    note = "required" if param.required else f"`{default}` unless given" if shown else ""
    return f"| {names} | {note} | {_cell(param.help)} |"


def _first(text: str | None) -> str:
    return _cell((text or "").strip().split("\n\n")[0])


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
