"""What the documentation calls by name is called so: keys of channels, events of the log, fields, targets of make."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alertd.settings.delivery import Mailbox
from tests.docs.test_docs_settings import config_of, model_within
from tests.docs.written import DOCS, PAGES, ROOT, spoken

CHANNELS = sorted(path for path in (DOCS / "channels").glob("*.md") if path.name != "README.md")
SOURCES = ("alertd", "notifiers", "rules", "config", "systemd")
OF_OTHERS = {"preferred_username"}  # a claim that some providers of OpenID Connect have


def keys_of(page: Path) -> list[str]:
    """What stands in the first column of the tables of keys, each name by itself."""
    tables = re.findall(r"^\| key \|.*\n\|[-|\s]+\n((?:\|.*\n)+)", page.read_text("utf-8"), re.MULTILINE)
    cells = [row.split("|")[1] for table in tables for row in table.splitlines()]
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


@pytest.mark.parametrize("page", CHANNELS, ids=lambda page: page.stem)
def test_the_page_of_a_channel_names_each_of_its_keys_and_no_other(page: Path) -> None:
    model = config_of(page.stem)
    known = set(model.model_fields)
    within = {
        name
        for field in model.model_fields.values()
        if (one := model_within(field.annotation))
        for name in one.model_fields
    }
    assert [key for key in keys_of(page) if key.split(".")[0] not in known | within] == []
    text = page.read_text("utf-8")
    assert [
        key for key in sorted(known) if not re.search(rf"`[^`]*\b{key}\b|^\[.*\b{key}\b|^{key} =", text, re.M)
    ] == []


def test_the_keys_of_the_mailbox_are_those_of_its_page() -> None:
    named = keys_of(DOCS / "receipts.md")
    assert set(named) <= set(Mailbox.model_fields) and len(named) >= 9


def test_every_name_in_the_text_is_one_that_the_program_has() -> None:
    """Settings, events of the log, roles, fields, metrics: whatever is written_like_this."""
    files = [path for room in SOURCES for path in (ROOT / room).rglob("*") if path.suffix in (".py", ".yaml", ".toml")]
    files += (ROOT / "alertd").rglob("*.j2")
    had = set(re.findall(r"[a-z0-9]+(?:_[a-z0-9]+)+", "".join(path.read_text("utf-8", "replace") for path in files)))
    lost = []
    for page in PAGES:
        for place, code in spoken(page):
            if re.fullmatch(r"[a-z0-9]+(?:_[a-z0-9]+)+", code) and code not in had | OF_OTHERS:
                lost.append(f"{place}: {code}")
    assert lost == []


def test_every_target_of_make_named_in_the_text_is_one() -> None:
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {(place, code) for page in PAGES for place, code in spoken(page) if re.match(r"make [a-z]", code)}
    assert named and sorted(f"{place}: {code}" for place, code in named if code.split()[1] not in there) == []
