"""Settings: one TOML file, with ``ALERTD_<SECTION>__<KEY>`` in the environment above it.

Paths in the file are relative to the file. A misspelt key is an error that names its line.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from datetime import time
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from alertd.errors import InputError

Nation = Literal["england-and-wales", "scotland", "northern-ireland"]
FeedKind = Literal["ssd", "ssda903"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Authority(_Section):
    """Whose daemon this is. ``nation`` selects the bank holidays: those of the responsible authority."""

    name: str = "Children's services"
    nation: Nation = "england-and-wales"


class Database(_Section):
    """Where alerts and deliveries live: any SQLAlchemy URL of SQLite or PostgreSQL."""

    url: str = "sqlite:///alertd.db"


class Feed(_Section):
    """The case data. ``url`` is a database for ``ssd`` and a folder for ``ssda903``.

    ``max_loss``: the share of a table's rows that may be gone since the last accepted reading
    before the whole reading is refused.
    """

    kind: FeedKind
    url: str
    schema_: str | None = Field(default=None, alias="schema")
    prefix: str = "ssd_"
    timeframe_years: int = Field(default=6, ge=1, le=30)
    max_loss: float = Field(default=0.2, gt=0, le=1)


class Rules(_Section):
    """The packs to load, by installed name or path, and the authority's own lengths."""

    packs: tuple[str, ...] = ("england",)
    settings: dict[str, str] = Field(default_factory=dict)


class People(_Section):
    """The directory files, the address that is told when nobody else can be, and where mail may go."""

    people: Path
    teams: Path
    duty: str
    allowed_domains: tuple[str, ...]


class Schedule(_Section):
    """When alertd looks. ``evaluate`` and ``digest`` are times of day in Europe/London.

    ``evaluate`` wants to be after the feed's nightly refresh. The feed is also read at start-up.
    """

    evaluate: tuple[time, ...] = (time(6, 30),)
    digest: time = time(8, 0)
    dispatch_seconds: int = Field(default=30, ge=1, le=600)

    @field_validator("digest", "evaluate")
    @classmethod
    def _no_zone(cls, value: time | tuple[time, ...]) -> time | tuple[time, ...]:
        for one in value if isinstance(value, tuple) else (value,):
            if one.tzinfo is not None:
                raise ValueError("a time of day is in Europe/London and takes no offset")
        return value


class Settings(BaseSettings):
    """Everything an installation sets. ``email`` is checked by the e-mail channel itself."""

    model_config = SettingsConfigDict(
        env_prefix="ALERTD_", env_nested_delimiter="__", extra="forbid", frozen=True, populate_by_name=True
    )

    authority: Authority = Authority()
    database: Database = Database()
    feed: Feed
    rules: Rules = Rules()
    people: People
    schedule: Schedule = Schedule()
    email: dict[str, Any]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment stands above the file."""
        return env_settings, init_settings


def load(path: Path) -> Settings:
    """Read and check a settings file. Raises InputError naming ``file:line: key``."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError("there is no such file", where=str(path), fix="Give the path with --config") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({type(error).__name__})", where=str(path)) from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _broken_toml(path, error) from None
    try:
        settings = Settings(**data)
    except ValidationError as error:
        raise _wrong_setting(path, text, error) from None
    return _beside(settings, path.resolve().parent)


def _beside(settings: Settings, folder: Path) -> Settings:
    """With every relative path read as beside the settings file."""
    people = settings.people.model_copy(
        update={"people": folder / settings.people.people, "teams": folder / settings.people.teams}
    )
    feed = settings.feed.model_copy(update={"url": _url_beside(settings.feed.url, folder)})
    database = settings.database.model_copy(update={"url": _url_beside(settings.database.url, folder)})
    packs = tuple(str(folder / p) if "/" in p else p for p in settings.rules.packs)
    rules = settings.rules.model_copy(update={"packs": packs})
    email = dict(settings.email)
    for key in ("password_file", "ca_file"):
        if key in email:
            email[key] = str(folder / email[key])
    update = {"people": people, "feed": feed, "database": database, "rules": rules, "email": email}
    return settings.model_copy(update=update)


def _url_beside(url: str, folder: Path) -> str:
    if url.startswith("sqlite:///"):
        return f"sqlite:///{folder / url.removeprefix('sqlite:///')}"
    return url if "://" in url else str(folder / url)


def _broken_toml(path: Path, error: tomllib.TOMLDecodeError) -> InputError:
    found = re.search(r"(.*) \(at line (\d+)", str(error))
    what, line = (found[1], f"{path}:{found[2]}") if found else (str(error), str(path))
    return InputError(f"is not TOML: {what}", where=line)


def _wrong_setting(path: Path, text: str, error: ValidationError) -> InputError:
    first = error.errors()[0]
    keys = [str(part) for part in first["loc"]]
    name = ".".join(keys)
    where = f"{path}:{_line_of(text, keys)}: {name}"
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(keys[-1], _known(keys[:-1]), 1)
        return InputError("is not a setting", where=where, fix=f"Did you mean {near[0]}?" if near else None)
    if first["type"] == "missing":
        return InputError(
            "is missing", where=f"{path}: {name}", fix=f"Add {keys[-1]} to [{'.'.join(keys[:-1]) or keys[-1]}]"
        )
    return InputError(first["msg"].removeprefix("Value error, "), where=where)


def _known(section: list[str]) -> list[str]:
    model: Any = Settings
    for key in section:
        field = model.model_fields.get(key)
        if field is None:
            return []
        model = field.annotation
        if get_args(model):
            return []
    return list(getattr(model, "model_fields", {}))


def _line_of(text: str, keys: list[str]) -> int:
    """The line of a key in a TOML text: its own, else its section's, else the first."""
    section, line_of_section = "", 1
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[([^\]]+)\]", line):
            section = header[1].strip()
            if section == ".".join(keys[:-1]) or section == keys[0]:
                line_of_section = number
        elif re.match(rf'\s*"?{re.escape(keys[-1])}"?\s*=', line) and section == ".".join(keys[:-1]):
            return number
    return line_of_section
