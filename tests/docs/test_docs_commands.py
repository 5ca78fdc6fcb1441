"""Every command that the documentation names is one, with the options and the arguments that it is given."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from alertd.cli.together import put_together
from tests.docs.written import PAGES, ROOT, Block, name, of_kind, spoken

ROOT_COMMAND = typer.main.get_command(put_together())
_NAMES = """apt-get cat cd chmod cp curl dask dpkg echo gzip install journalctl kill ln ls mkdir
mv openssl pip psql pytest python3 sha256sum source systemctl"""
OTHERS = frozenset(_NAMES.split())
"""Programs of others: that they exist and take what they are given is not ours to look at."""


def lines_of(block: Block) -> Iterator[str]:
    """The commands of a block: a whole line each, or after `$ ` where what they print is shown too."""
    text = block.text.replace("\\\n", " ")
    for line in text.splitlines():
        if block.kind == "console":
            if line.startswith("$ "):
                yield line[2:]
        elif line.strip() and not line.lstrip().startswith("#"):
            yield line


def fault_of(words: list[str]) -> str:
    """What is wrong with a whole command of alertd's; blank where nothing is."""
    command: Any = ROOT_COMMAND
    context = command.make_context("alertd", words[1:])
    while hasattr(command, "commands"):
        rest = [*context._protected_args, *context.args]
        if not rest:
            return ""  # a group named alone shows its help
        called, command, given = command.resolve_command(context, rest)
        try:
            context = command.make_context(called, given, parent=context)
        except typer.BadParameter:
            # A word in capitals stands for what the reader puts there, which may have to be a number.
            given = [re.sub(r"^[A-Z]{2,}$", "7", word) for word in given]
            context = command.make_context(called, given, parent=context)
    return ""


def check(line: str) -> str:
    """What is wrong with a line of a shell; blank where nothing is."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|>")
    lexer.whitespace_split = True
    several: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= set(";&|>"):
            several.append([] if word != ">" else ["> "])  # what is written into a file is no command
        else:
            several[-1].append(word)
    faults = (of_one(words) for words in several if words and words[0] != "> ")
    return next((f"{line.strip()}: {fault}" for fault in faults if fault), "")


def of_one(words: list[str]) -> str:
    """What is wrong with one command; blank where nothing is."""
    while words and (words[0] in ("sudo", "time") or re.fullmatch(r"\w+=\S*", words[0])):
        words = words[1:]
    program = words[0].rsplit("/", 1)[-1] if words else ""
    if program == "alertd":
        try:
            return fault_of(["alertd", *words[1:]])
        except (typer.BadParameter, typer.exceptions.TyperException) as error:
            return error.format_message()
        except typer.Exit:
            return ""
    if program == "make":
        there = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        return "" if set(words[1:]) <= set(there) else "no such target"
    if program == "systemctl":
        units = [word for word in words[2:] if not word.startswith("-")]
        known = {unit.name for unit in (ROOT / "systemd").iterdir()}
        lost = [unit for unit in units if not {unit, f"{unit}.service"} & known]
        return f"no such unit {lost}" if lost else ""
    return "" if program in OTHERS else f"{program!r} is no command known here"


@pytest.mark.parametrize("block", of_kind("sh", "console"), ids=name)
def test_every_command_of_a_block_is_one_and_takes_what_it_is_given(block: Block) -> None:
    found = list(lines_of(block))
    assert found, "a block of commands without one"
    assert [fault for line in found if (fault := check(line))] == []


def test_every_command_named_in_the_text_is_one() -> None:
    """In passing a command may be named without all that it needs; what is said of it must still be there."""
    faults = []
    for page in PAGES:
        for place, code in spoken(page):
            if not re.match(r"alertd [a-z]", code):
                continue
            words = shlex.split(code.replace("…", "").replace("...", ""))[1:]
            command: Any = ROOT_COMMAND
            while words and not words[0].startswith("-") and hasattr(command, "commands"):
                command = command.commands.get(words.pop(0))
            if command is None:
                faults.append(f"{place}: {code}: no such command")
                continue
            options = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
            wrong = {word.split("=")[0] for word in words if word.startswith("--")} - options - {"--help"}
            faults += [f"{place}: {code}: no option {word}" for word in sorted(wrong)]
    assert faults == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("alertd rules lst", "No such command"),
        ("alertd status --confg alertd.toml", "No such option"),
        ("alertd explain cp.visit", "Missing"),
        ("alrtd status", "no command"),
        ("make coffee", "no such target"),
        ("systemctl restart alertdd", "no such unit"),
    ],
)
def test_a_command_that_is_none_is_found(line: str, wrong: str) -> None:
    assert wrong in check(line)
