"""The pages that are made from the program say what the program is today."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alertd.cli.reference import PageName, commands, permissions, rule_keys
from alertd.rulebook.key_words import KEY_WORDS
from alertd.rulebook.schema import schema
from alertd.settings import reference as settings
from tests.docs.written import DOCS

MADE: dict[PageName, Callable[[], str]] = {
    PageName.commands: commands.page,
    PageName.permissions: permissions.page,
    PageName.rule_keys: rule_keys.page,
    PageName.settings: settings.page,
}


@pytest.mark.parametrize("name", PageName)
def test_the_page_in_docs_is_what_the_program_says(name: PageName) -> None:
    kept = (DOCS / f"{name.value}.md").read_text("utf-8")
    assert kept == MADE[name](), (
        f"docs/{name.value}.md is old. Run: alertd reference {name.value} > docs/{name.value}.md"
    )


def test_every_key_of_a_rule_file_is_said_in_words_and_no_other() -> None:
    parts = {name: part["properties"].keys() for name, part in schema()["$defs"].items() if "properties" in part}
    del parts["record"]  # its keys are the fields of its kind
    assert {name: set(keys) for name, keys in parts.items()} == {name: set(keys) for name, keys in KEY_WORDS.items()}
    page = rule_keys.page()
    assert [key for words in KEY_WORDS.values() for key in words if f"| `{key}`" not in page] == []


def test_who_may_do_what_is_asked_and_not_written() -> None:
    """A few answers that matter, written down here apart from what decides them."""
    rows = permissions.page().splitlines()
    assert "| worker | yes: allocated worker | no | no | no | yes |" in rows
    assert "| administrator | no | no | no | yes | no |" in rows
    assert "| the child's worker | yes | yes | no | yes | yes | yes | no |" in rows, "what is overdue a manager accepts"
    assert "| another worker | no | no | no | no | no | no | no |" in rows, "nobody speaks of what is not theirs"
    assert "| another worker | no | no | no |" in rows, "and lets no notification go"
    assert "| `GET /children/{child}` | `child` |" in rows
