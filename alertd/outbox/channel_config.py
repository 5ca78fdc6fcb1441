"""What the settings of every channel share: how they are read, how a fault in them is said, and where secrets are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

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


def read_config(kind: str, model: type[C], written: C | Mapping[str, object]) -> C:
    """The settings of a channel of this kind; ``InputError`` says which key (``kind.key``) cannot be used, and why."""
    try:
        return model.model_validate(written)
    except ValidationError as fault:
        errors = fault.errors(include_input=False, include_url=False)
        first = min(errors, key=lambda e: e["type"] != "extra_forbidden")  # a misspelt key before the missing one
        where = ".".join([kind, *map(str, first["loc"])])
        if first["type"] != "extra_forbidden":
            raise InputError(first["msg"].removeprefix("Value error, "), where=where) from None
        fix = did_you_mean(str(first["loc"][-1]), model.model_fields)
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
