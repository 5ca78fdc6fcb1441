"""Every setting, found in the models themselves: the page docs/settings.md, and what tests look through."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from functools import cache
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from alertd.outbox.channel_config import SECRET, ChannelConfig
from alertd.settings import Settings

NAME: Final = "NAME"
"""What stands in a dotted name for one that an authority chooses."""


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: its dotted name, the model that it is of, and what that says of it."""

    name: str
    of: type[BaseModel]
    field: FieldInfo
    meaning: str

    @property
    def secret(self) -> bool:
        """Whether its value, or the file that it names, is nobody else's."""
        return any(one is SECRET or one is SecretStr for one in _parts(self.field.annotation)) or (
            SECRET in self.field.metadata
        )

    @property
    def is_file(self) -> bool:
        """Whether it is the path of a file or folder."""
        return Path in _parts(self.field.annotation)

    @property
    def variable(self) -> str:
        """The variable of the environment; blank where there is none, because a name in it is the authority's."""
        return "" if NAME in self.name else "ALERTD_" + self.name.replace(".", "__").upper()


def sections() -> dict[str, type[BaseModel]]:
    """The sections by name, those of channels that are installed too; those that are no more than a table of names and
    values are left out."""
    found = {name: model for name, field in Settings.model_fields.items() if (model := _model(field.annotation))}
    of_channels = channels()
    found["email"] = of_channels.pop("email")
    return found | {f"channels.{kind}": model for kind, model in of_channels.items()}


def channels() -> dict[str, type[ChannelConfig]]:
    """The settings of each kind of channel that is installed and says what it takes."""
    found = {}
    for point in sorted(entry_points(group="alertd.notifiers"), key=lambda point: point.name):
        hints = get_type_hints(point.load(), include_extras=True)
        models = [one for hint in hints.values() for one in _parts(hint) if _is(one, ChannelConfig)]
        if models:
            found[point.name] = models[0]
    return found


def keys() -> Iterator[Key]:
    """Every setting, section by section."""
    for section, model in sections().items():
        yield from _keys(model, section)


def _keys(model: type[BaseModel], at: str) -> Iterator[Key]:
    meanings, below = _meanings(model), []
    for name, field in model.model_fields.items():
        dotted = f"{at}.{field.alias or name}"
        if found := _model(field.annotation):
            below.append((found, f"{dotted}.{NAME}" if get_origin(field.annotation) is dict else dotted))
        else:
            yield Key(dotted, model, field, meanings.get(name, ""))
    for found, dotted in below:
        yield from _keys(found, dotted)


def _model(annotation: Any) -> type[BaseModel] | None:
    return next((one for one in _parts(annotation) if _is(one, BaseModel)), None)


def _is(one: Any, wanted: type) -> bool:
    return isinstance(one, type) and issubclass(one, wanted) and one is not wanted


def _parts(annotation: Any) -> Iterator[Any]:
    """A type and all that it is made of."""
    yield annotation
    for one in get_args(annotation):
        yield from _parts(one)


@cache
def _meanings(model: type[BaseModel]) -> Mapping[str, str]:
    """What stands below each key of a model and of those it is made from."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if one in (BaseModel, object) or not issubclass(one, BaseModel):
            continue
        (definition,) = ast.parse(inspect.getsource(one)).body
        assert isinstance(definition, ast.ClassDef)
        for key, said in pairwise(definition.body):
            if isinstance(key, ast.AnnAssign) and isinstance(key.target, ast.Name) and isinstance(said, ast.Expr):
                found[key.target.id] = " ".join(ast.literal_eval(said.value).split())
    return found


_WORDS: Final[Mapping[Any, str]] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    Path: "path",
    time: "time of day",
    SecretStr: "text",
}


def _in_words(annotation: Any) -> str:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _in_words(args[0])
    if origin is Literal:
        return " or ".join(f"`{one}`" for one in args)
    if origin in (Union, types.UnionType):
        return " or ".join(_in_words(one) for one in args if one is not type(None))
    if origin is tuple:
        return f"list of {_in_words(args[0])}"
    if origin is dict:
        return "table"
    return _WORDS[annotation]


def _bounds(field: FieldInfo) -> str:
    limits = {
        name: getattr(one, name) for one in field.metadata for name in ("ge", "gt", "le", "lt") if hasattr(one, name)
    }
    low = f"from {limits['ge']}" if "ge" in limits else f"above {limits['gt']}" if "gt" in limits else ""
    return f"{low} to {limits['le']}".strip() if "le" in limits else low


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**needed**"
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined or value in (None, "", (), {}):
        return ""
    values = [
        str(one)[:5] if isinstance(one, time) else str(one) for one in (value if isinstance(value, tuple) else [value])
    ]
    return ", ".join(f"`{str(one).lower() if isinstance(value, bool) else one}`" for one in values)


_HEAD: Final = """# Settings

<!-- Generated. Do not edit; run: alertd reference settings > docs/settings.md -->

Everything that can be set, by section. `config/alertd.toml` is an example that runs as it is, and
`alertd check --config alertd.toml` tries what is set, connection by connection. A path is relative to the settings
file. A key that is misspelt is refused, with its line.

**Above the file** stand credentials of systemd, and above those variables of the environment. A variable is
`ALERTD_SECTION__KEY`, a list or table in it is JSON; one of a section that does not exist is refused. A section that is
made of names of your own, and one of several `[[feed]]`, has none.

**Secrets** are best in files that only alertd's user can read; a file that is open to others is refused. A credential
that is named as the setting of a file is that file, whatever the settings say. The units pass what root has put into
`/etc/alertd/secrets`, as `email.password_file` or `database.url_file`; another file is passed by its name:

```ini
[Service]
LoadCredential=feed.url_file:/srv/elsewhere/case-database
```

Of several feeds, it is `feed.NAME.url_file`. No secret is printed, logged or counted.

Most can be changed while alertd runs: `systemctl reload alertd`, see [operating.md](operating.md).
"""


def page() -> str:
    """The page, in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    found: dict[str, list[Key]] = {}
    for key in keys():
        found.setdefault(key.name.rpartition(".")[0], []).append(key)
    for section, its in found.items():
        yield f"\n## [{section}]\n\n{_said(its[0].of)}\n"
        yield "| key | what it is | default | meaning | variable |\n|---|---|---|---|---|"
        for key in its:
            variable = f"`{key.variable}`" if key.variable else ""
            short = key.name.rpartition(".")[2]
            kind = ", ".join(filter(None, (_in_words(key.field.annotation), _bounds(key.field))))
            kind += "; a secret" if key.secret else ""
            yield f"| `{short}` | {kind} | {_default(key.field)} | {key.meaning} | {variable} |"
        if section == "feed":
            yield _PRECEDENCE


_PRECEDENCE: Final = """
## [precedence]

For a kind of record, the feeds that come before all others: `cp_visit = ["lists"]`."""


def _said(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").replace("``", "`").split())
