"""What the settings of every channel share: how they are read, how a fault in them is said, and where secrets are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from alertd.errors import InputError, did_you_mean


class ChannelConfig(BaseModel):
    """The settings of a channel. A misspelt key is an error, and no error repeats a value: it may be a secret."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Secret:
    """Marks a setting whose value, or the file that it names, nobody but alertd may read."""


SECRET: Final = Secret()
SecretFile = Annotated[Path, SECRET]
"""The path of a file of one secret, which :func:`read_secret` reads."""

C = TypeVar("C", bound=BaseModel)


_WRONG: Final[Mapping[str, tuple[str, str]]] = {
    "bool": ("is neither true nor false", "Write true or false, without quotes"),
    "int": ("is no whole number", "Write it without quotes, as 60"),
    "float": ("is no number", "Write it without quotes, as 0.5"),
    "time": ("is no time of day", 'Write it in quotes, as "06:30"'),
    "tuple": ("is no list", 'Write it as ["one", "another"]'),
    "list": ("is no list", 'Write it as ["one", "another"]'),
    "dict": ("is no section", "Write its keys below a heading of its own"),
    "model": ("is no section", "Write its keys below a heading of its own"),
    "path": ("is no path", "Put it in quotes"),
    "string": ("is not text", 'Put it in quotes, a length with its unit: "10 working days"'),
}
"""What is said of a value of the wrong type, by the first word of the name of the fault."""
_LIMITS: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
_FORMS: Final[Mapping[str, str]] = {
    "sender": "Write an address: alertd@council.example",
    "bounces": "Write an address: bounces@council.example",
    "url": "Write it as https://host/path",
    "issuer": "Write it as https://host/path, just as the provider does",
    "base_url": "Write it as https://host",
    "mailbox": "Write it in capitals, as X26HC005",
}
"""How a text of the wrong form is to be written, by its key."""


def in_words(error: ErrorDetails) -> tuple[str, str | None]:
    """What is wrong with a value and what to do, in words that never repeat it: it may be a secret."""
    kind, key = error["type"], next((str(one) for one in reversed(error["loc"]) if isinstance(one, str)), "")
    if kind == "literal_error":
        wanted = str(error.get("ctx", {}).get("expected", ""))
        near = did_you_mean(str(error.get("input", "")), re.findall(r"'([^']+)'", wanted))
        return f"is none of {wanted}".replace(" or ", ", "), near
    if kind == "string_pattern_mismatch":
        return "is not of the form that is wanted", _FORMS.get(key, "Write it as the other side shows it")
    if kind in ("string_too_short", "too_short"):
        return "is empty", "Give it at least one" if kind == "too_short" else "Give it a value"
    if kind == "string_too_long":
        return f"is longer than {error.get('ctx', {}).get('max_length')} characters", "Write it shorter"
    if kind in _LIMITS:
        words, limit = _LIMITS[kind]
        return f"must be {words} {error.get('ctx', {}).get(limit):g}", None
    first, _, rest = kind.partition("_")
    if first in _WRONG and (rest.startswith(("type", "parsing", "from", "attributes"))):
        return _WRONG[first]
    return error["msg"].removeprefix("Value error, "), None


def read_config(kind: str, model: type[C], written: C | Mapping[str, object]) -> C:
    """The settings of a channel of this kind; ``InputError`` says which key (``kind.key``) cannot be used, and why."""
    try:
        return model.model_validate(written)
    except ValidationError as fault:
        errors = fault.errors(include_url=False)
        first = min(errors, key=lambda e: e["type"] != "extra_forbidden")  # a misspelt key before the missing one
        where = ".".join([kind, *(str(part) for part in first["loc"] if part != "[key]")])
        if first["type"] == "missing":
            raise InputError("is missing", where=where, fix=f"Add {first['loc'][-1]}") from None
        if first["type"] != "extra_forbidden":
            what, fix = in_words(first)
            raise InputError(what, where=where, fix=fix) from None
        fix = did_you_mean(str(first["loc"][-1]), model.model_fields) or "docs/settings.md has all that are"
        raise InputError("is not a setting", where=where, fix=fix) from None


def read_secret(file: Path, what: str = "secret") -> str:
    """What a file of one secret holds; ``InputError`` where it is missing, empty or open to everybody."""
    where = str(file)
    try:
        if file.stat().st_mode & 0o007:
            raise InputError(f"the {what} file is open to every user", where=where, fix=f"Run: chmod o= {where}")
        secret = file.read_text("utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as fault:
        raise InputError(f"the {what} file cannot be read ({type(fault).__name__})", where=where) from fault
    if not secret:
        raise InputError(f"the {what} file is empty", where=where)
    return secret
