"""Settings: one TOML file, with credentials of systemd and ``ALERTD_<SECTION>__<KEY>`` in the environment above it.

Paths in the file are relative to the file. A misspelt key is an error that names its line.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import (
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from alertd.cases.kinds import KINDS
from alertd.errors import InputError, did_you_mean
from alertd.outbox.channel_config import in_words, read_secret
from alertd.settings import given
from alertd.settings.delivery import Mailbox, Outbox, Watchdog
from alertd.settings.engine import Engine
from alertd.settings.keeping import Backup, Retention
from alertd.settings.partners import Partners
from alertd.settings.people import People
from alertd.settings.places import place
from alertd.settings.receive import Receive
from alertd.settings.section import Section
from alertd.settings.sections import NEVER, QUIET_BELOW, Authority, Database, Feed, Rules, Schedule
from alertd.settings.templates import Templates
from alertd.settings.watching import Heartbeat, Log, Metrics, Traces
from alertd.settings.web import Web

__all__ = [
    "NEVER",
    "QUIET_BELOW",
    "Authority",
    "Backup",
    "Database",
    "Engine",
    "Feed",
    "Heartbeat",
    "Log",
    "Mailbox",
    "Metrics",
    "Outbox",
    "Partners",
    "People",
    "Receive",
    "Retention",
    "Rules",
    "Schedule",
    "Settings",
    "Templates",
    "Traces",
    "Watchdog",
    "Web",
    "load",
]


def _one_or_more(value: Any) -> Any:
    if isinstance(value, dict):
        return (value,)
    if not isinstance(value, list | tuple):
        raise ValueError("is not a section: write [feed], or [[feed]] for each of several")  # noqa: TRY004 - pydantic's
    return value


class Settings(BaseSettings):
    """Everything an installation sets. ``email`` is checked by the e-mail channel itself, and each of the further
    ``channels`` by its own.

    ``feed`` is one section or several, in their order of precedence; ``precedence`` names, for a kind of
    record, the feeds that come before all others. What may hold a password is left out of the printed form.
    """

    model_config = SettingsConfigDict(
        env_prefix="ALERTD_", env_nested_delimiter="__", extra="forbid", frozen=True, populate_by_name=True
    )

    authority: Authority = Authority()
    database: Database = Database()
    feed: Annotated[tuple[Feed, ...], BeforeValidator(_one_or_more), Field(min_length=1)]
    precedence: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    rules: Rules = Rules()
    engine: Engine = Engine()
    people: People
    schedule: Schedule = Schedule()
    partners: Partners = Partners()
    templates: Templates = Templates()
    web: Web | None = None
    receive: Receive | None = None
    outbox: Outbox = Outbox()
    backup: Backup = Backup()
    retention: Retention = Retention()
    mailbox: Mailbox | None = None
    watchdog: Watchdog | None = None
    log: Log = Log()
    metrics: Metrics | None = None
    heartbeat: Heartbeat | None = None
    traces: Traces | None = None
    email: dict[str, Any] = Field(repr=False)
    channels: dict[str, dict[str, Any]] = Field(default_factory=dict, repr=False)
    _file: tuple[Path, str] | None = PrivateAttr(default=None)

    @field_validator("feed")
    @classmethod
    def _told_apart(cls, feeds: tuple[Feed, ...]) -> tuple[Feed, ...]:
        names = [feed.name for feed in feeds]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"two feeds have the name {twice!r}: give each feed its own name")
        return feeds

    @field_validator("precedence")
    @classmethod
    def _of_kinds_and_feeds(
        cls, precedence: dict[str, tuple[str, ...]], info: ValidationInfo
    ) -> dict[str, tuple[str, ...]]:
        names = [feed.name for feed in info.data.get("feed", ())]
        for kind, order in precedence.items():
            if kind not in KINDS:
                raise ValueError(f"{kind!r} is no kind of record. {did_you_mean(kind, KINDS) or ''}".strip())
            for name in order:
                if name not in names:
                    raise ValueError(f"{kind}: there is no feed {name!r}; there are {', '.join(names)}")
        return precedence

    @property
    def file(self) -> Path | None:
        """The file they were read from; None where they were made otherwise."""
        return self._file[0] if self._file else None

    def place(self, name: str) -> str:
        """``file:line: name`` for the dotted name of a setting; any other text as it is."""
        keys = name.split(".")
        return place(*self._file, keys) if self._file and keys[0] in type(self).model_fields else name

    @contextmanager
    def placed(self, setting: str) -> Iterator[None]:
        """Let an error name the line of the setting that it is about: of ``setting`` where it says no place."""
        try:
            yield
        except InputError as error:
            where = error.where or setting
            where = "people.duty" if where == "duty address" else re.sub("^setting ", "rules.settings.", where)
            raise InputError(error.what, where=self.place(where), fix=error.fix) from error

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
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError("there is no such file", where=str(path), fix="Give the path with --config") from None
    except UnicodeDecodeError:
        raise InputError("is not UTF-8 text", where=str(path)) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _broken_toml(path, error) from None
    sections = list(Settings.model_fields)
    given.unknown_variable(sections)
    try:
        settings = Settings(**given.with_credentials(data, given.credentials(), sections))
    except ValidationError as error:
        raise _wrong_setting(path, text, error) from None
    except SettingsError as error:
        raise _wrong_environment(error) from None
    settings._file = (path, text)
    return _with_addresses(_beside(settings, path.resolve().parent), path.resolve().parent)


def _with_addresses(settings: Settings, folder: Path) -> Settings:
    """With the addresses of databases that stand in files of their own, because of a password."""

    def of(section: str, one: Database | Feed) -> dict[str, Any]:
        file = one.url_file
        return {"url": _url_beside(read_secret(file, f"{section} address"), folder)} if file else {}

    database = settings.database
    update: dict[str, Any] = {
        "database": database.model_copy(update=of("database", database)),
        "feed": tuple(feed.model_copy(update=of("feed", feed)) for feed in settings.feed),
    }
    return settings.model_copy(update=update)


def _beside(settings: Settings, folder: Path) -> Settings:
    """With every relative path read as beside the settings file."""
    packs = tuple(str(folder / p) if "/" in p else p for p in settings.rules.packs)
    overlays = tuple(folder / path for path in settings.rules.overlays)
    sections = {name: getattr(settings, name) for name in Settings.model_fields}
    update: dict[str, Any] = {name: one.beside(folder) for name, one in sections.items() if isinstance(one, Section)}
    update |= {
        "feed": tuple(
            feed.beside(folder).model_copy(update={"url": _url_beside(feed.url, folder)}) for feed in settings.feed
        ),
        "database": update["database"].model_copy(update={"url": _url_beside(settings.database.url, folder)}),
        "rules": update["rules"].model_copy(update={"packs": packs, "overlays": overlays}),
        "email": _files_beside(settings.email, folder),
        "channels": _files_beside(settings.channels, folder),
    }
    return settings.model_copy(update=update)


def _files_beside(written: Any, folder: Path) -> Any:
    """The settings of a channel, which alone knows their meaning: what is called a file or folder is one."""
    if isinstance(written, dict):
        return {
            key: str(folder / value)
            if isinstance(value, str) and re.search(r"(^|_)(file|folder)$", key)
            else _files_beside(value, folder)
            for key, value in written.items()
        }
    return [_files_beside(one, folder) for one in written] if isinstance(written, list) else written


def _url_beside(url: str, folder: Path) -> str:
    if file := re.match(r"(sqlite(?:\+\w+)?:///)(?!:memory:|file:)(.+)", url):
        return f"{file[1]}{folder / file[2]}"
    return url if "://" in url else str(folder / url)


def _broken_toml(path: Path, error: tomllib.TOMLDecodeError) -> InputError:
    found = re.search(r"(.*) \(at line (\d+)", str(error))
    what, line = (found[1], f"{path}:{found[2]}") if found else (str(error), str(path))
    return InputError(f"is not TOML: {what}", where=line, fix="Correct that line, or the one before it")


def _wrong_setting(path: Path, text: str, error: ValidationError) -> InputError:
    # A misspelt key may also be the one that is missing: say the cause.
    first = min(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
    keys = _as_written([str(part) for part in first["loc"]], text)
    where = place(path, text, keys)
    if first["type"] == "extra_forbidden":
        near = did_you_mean(keys[-1], _known(keys[:-1]))
        return InputError("is not a setting", where=where, fix=near or "docs/settings.md has all that are")
    if first["type"] == "missing":
        *section, key = keys
        if not section:
            return InputError("is missing", where=f"{path}: [{key}]", fix="Add the section")
        return InputError("is missing", where=where, fix=f"Add {key} to [{'.'.join(section)}]")
    what, fix = in_words(first)
    return InputError(what, where=where, fix=fix)


def _as_written(keys: list[str], text: str) -> list[str]:
    """Without the number of a feed where there is only the section [feed], and of alternatives that were tried."""
    if keys[:1] == ["feed"] and keys[1:2] and not re.search(r"(?m)^\s*\[\[feed\]\]", text):
        return [keys[0], *keys[2:]]
    return keys


def _wrong_environment(error: SettingsError) -> InputError:
    field = re.search(r'field "(\w+)"', str(error))
    names = [name for name in sorted(os.environ) if field and name.upper().startswith(f"ALERTD_{field[1].upper()}")]
    where = f"{', '.join(names) or 'ALERTD_...'} in the environment"
    return InputError("cannot be read", where=where, fix='Write a list or a section as JSON, as ["06:30", "12:30"]')


def _known(section: list[str]) -> list[str]:
    model: Any = Settings
    for key in (key for key in section if not key.isdigit()):
        field = model.model_fields.get(key)
        if field is None:
            return []
        model = next(iter(get_args(field.annotation)), field.annotation)
        if not hasattr(model, "model_fields"):
            return []
    return list(getattr(model, "model_fields", {}))
