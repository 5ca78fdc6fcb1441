"""Every setting that the documentation names is one, and every example of settings is taken as it stands."""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Mapping
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from alertd.errors import InputError
from alertd.outbox.channel_config import ChannelConfig, read_config
from alertd.settings import Settings
from tests.docs.written import PAGES, ROOT, Block, name, of_kind, spoken

LEAST = """
[feed]
kind = "ssd"
url = "authority.db"
[people]
people = "people.csv"
teams = "teams.csv"
duty = "duty@la350.example"
allowed_domains = ["la350.example"]
[email]
host = "relay.la350.example"
sender = "alertd@la350.example"
"""
"""What no installation can leave out; an example says only what it is about."""


def config_of(kind: str) -> type[ChannelConfig]:
    """What a channel takes, by its kind."""
    module = importlib.import_module(f"alertd_notifiers.{kind}.config")
    named = f"{kind.replace('_', '')}config"
    found: type[ChannelConfig] = next(cls for at, cls in vars(module).items() if at.lower() == named)
    return found


def laid(below: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """One mapping over another, section by section; an example with feeds of its own needs none of ours."""
    found = dict(below)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(found.get(key), dict) and key != "feed"
        found[key] = laid(found[key], value) if both else value
    return found


def check(text: str) -> None:
    """Raises for an example that an installation could not use."""
    written = laid(tomllib.loads(LEAST), tomllib.loads(text))
    settings = Settings(**written)
    read_config("email", config_of("email"), settings.email)
    for channel, given in settings.channels.items():
        kind = str(given.get("kind", channel))
        read_config(kind, config_of(kind), {key: value for key, value in given.items() if key != "kind"})


def is_ours(block: Block) -> bool:
    return "[project" not in block.text


@pytest.mark.parametrize("block", [block for block in of_kind("toml") if is_ours(block)], ids=name)
def test_an_example_of_settings_is_taken(block: Block) -> None:
    check(block.text)


@pytest.mark.parametrize("block", [block for block in of_kind("toml") if not is_ours(block)], ids=name)
def test_an_example_of_an_entry_point_names_groups_that_are_looked_for(block: Block) -> None:
    groups = tomllib.loads(block.text)["project"]["entry-points"]
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    assert groups and groups.keys() <= ours.keys()


@pytest.mark.parametrize("text", ["[web]\nurl = 'http://x.example'", "[wab]\nport = 1", "[channels.file]\nfoldr = 'a'"])
def test_an_example_that_an_installation_could_not_use_is_found(text: str) -> None:
    with pytest.raises((ValidationError, InputError)):
        check(text)


def model_within(annotation: Any) -> Any:
    """The model in an annotation such as ``Web | None`` or ``tuple[Feed, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := model_within(one))), None)


def exists(keys: list[str]) -> bool:
    """Whether there is such a section or setting, as ``["web", "oidc", "issuer"]``."""
    model: Any = Settings
    for place, key in enumerate(keys):
        if place == 0 and key == "email":
            model = config_of("email")
            continue
        if keys[0] == "channels" and place < 2:
            model = config_of(key) if place else Settings
            continue
        if model is None:
            return True  # a mapping of the installation's own names, as [rules.settings]
        if key not in model.model_fields:
            return key.isupper() or key.startswith('"')  # stands for a name of the installation's own
        model = model_within(model.model_fields[key].annotation)
    return True


NAMED = re.compile(r"\[{1,2}([\w.\"-]+)\]{1,2}(?: ([a-z_]+(?:\.[a-z_]+)*))?(?: = .*)?")
"""A section, or one of its settings, as people write it: ``[web]``, ``[[feed]]``, ``[web] url``."""


def test_every_setting_named_in_the_text_is_one() -> None:
    lost = []
    for page in PAGES:
        for place, code in spoken(page):
            if found := NAMED.fullmatch(code):
                keys = [*re.findall(r'"[^"]*"|[^."]+', found[1]), *(found[2] or "").split(".")]
                try:
                    known = exists([key for key in keys if key])
                except (ModuleNotFoundError, StopIteration):
                    known = keys[0] == "channels" and keys[1] in ("NAME", "pigeon")
                lost += [] if known else [f"{place}: {code}"]
    assert lost == []


def test_a_setting_that_is_none_is_found() -> None:
    assert exists(["web", "url"]) and exists(["web", "oidc", "issuer"]) and exists(["feed", "url"])
    assert exists(["email", "smime"]) and exists(["rules", "settings"])
    assert not exists(["wab"]) and not exists(["web", "uri"]) and not exists(["email", "relay"])
