"""From a file as written to a model, or one error that says what is wrong, at which key, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from alertd.errors import InputError
from alertd.rulebook.model import (
    Age,
    Birthday,
    Clock,
    Count,
    DatedSpan,
    ExplainedBy,
    FromEvent,
    Gestation,
    InARow,
    Law,
    NoOpen,
    Others,
    Rule,
    Setting,
    Starting,
    Until,
)
from alertd.rulebook.names import UnknownNameError
from alertd.rulebook.profiles import Checkpoint, Ladder, Model, Step, WarningProfile
from alertd.rulebook.strict_yaml import Document, Loc, suggest

FILLED: Final = frozenset({"pack", "edition", "place", "tests", "shipped", "shadow", "loosened_by"})
"""What loading fills in a rule, and nobody writes."""

M = TypeVar("M", bound=Model)


def validate(document: Document, model: type[M], parts: Mapping[str, type[Model]] | None = None) -> M:
    """The file as a model, every fault told with the line of its key.

    ``parts`` are the models under the keys of the file, for suggesting a known key.
    """
    if not isinstance(document.value, dict):
        keys = ", ".join(_keys_of(model))
        raise InputError("is not a mapping", where=document.at(()), fix=f"Write the keys {keys}.")
    try:
        return model.model_validate(document.value, by_alias=True, by_name=False)
    except ValidationError as error:
        # A misspelt key explains the one that is missing, so it is told first.
        errors = sorted(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
    what, loc, fix = _explain(errors[0], document, model, parts or MODELS)
    more = f" ({len(errors) - 1} more wrong in this file)" if len(errors) > 1 else ""
    raise InputError(what + more, where=document.at(loc), fix=fix)


def _explain(
    error: ErrorDetails, document: Document, root: type[Model], parts: Mapping[str, type[Model]]
) -> tuple[str, Loc, str | None]:
    """One pydantic error in words: what is wrong, at which key, and what to do."""
    loc, kind = _real(error["loc"], document), error["type"]
    last = error["loc"][-1] if error["loc"] else ""
    cause = error.get("ctx", {}).get("error")
    if kind == "extra_forbidden":
        above = (parts[str(part)] for part in reversed(error["loc"][:-1]) if part in parts)
        known = _keys_of(next(above, root))
        return f"unknown key {last!r}", loc, suggest(str(last), known, "Known keys are")
    if kind == "missing":
        return f"`{last}:` is missing", loc, f"Add `{last}:`."
    if isinstance(cause, UnknownNameError):
        return (*_key_first(str(cause), loc, document, cause.name), suggest(cause.name, cause.known, "There are"))
    if isinstance(cause, ValueError):
        return (*_key_first(str(cause), loc, document), None)
    if kind == "literal_error":
        allowed = str(error["ctx"]["expected"])
        return f"{error['input']!r} is not one of {allowed}", loc, None
    if kind == "string_pattern_mismatch":
        fix = "Write lower-case words joined by dots, as cla.review.first."
        return f"{error['input']!r} is not a rule id", loc, fix
    plain: dict[str, tuple[str, str | None]] = {
        "string_type": ("is not text", "Put it in quotes."),
        "model_type": ("is not a mapping", "Write `key: value` lines under it."),
        "tuple_type": ("is not a list", "Write items that begin with `- `."),
        "date_from_datetime_parsing": ("is not a day", "Write it as 2026-11-30."),
        "date_type": ("is not a day", "Write it as 2026-11-30."),
        "dict_type": ("is not a mapping", "Write `key: value` lines under it."),
    }
    what, to_do = plain.get(kind, (error["msg"][0].lower() + error["msg"][1:], None))
    shown = error["input"]
    return (f"{shown!r} {what}" if kind in plain and isinstance(shown, bool | int | float | str) else what), loc, to_do


def _key_first(text: str, loc: Loc, document: Document, name: str = "") -> tuple[str, Loc]:
    """The model's own errors begin with the key they are about: ``until.where: …``. Its place, and the rest."""
    key, _, rest = text.partition(": ")
    found = (*loc, *key.split("."))
    if rest and found in document.lines:
        return rest, (*found, name) if (*found, name) in document.lines else found
    return text, loc


def _real(loc: tuple[str | int, ...], document: Document) -> Loc:
    """The place in the file: without the tags pydantic adds, conditions by key instead of number."""
    real: Loc = ()
    value = document.value
    for part in loc:
        if isinstance(value, dict) and isinstance(part, int):
            names = [n for n, wanted in value.items() for _ in (wanted if isinstance(wanted, dict) else (0,))]
            part = names[part]
        if (*real, part) in document.lines:
            real = (*real, part)
            value = value[part]  # type: ignore[index]
    return real


MODELS: Final[Mapping[str, type[Model]]] = {
    "rules": Rule,
    "law": Law,
    "clock": Clock,
    "until": Until,
    "without": Until,
    "count": Count,
    "in_a_row": InARow,
    "no_open": NoOpen,
    "others": Others,
    "explained_by": ExplainedBy,
    "age": Age,
    "starting": Starting,
    "a setting": Setting,
    "dated lengths": DatedSpan,
    "a birthday": Birthday,
    "an event": FromEvent,
    "weeks of gestation": Gestation,
    "warnings": WarningProfile,
    "at": Checkpoint,
    "ladders": Ladder,
    "steps": Step,
}


def _keys_of(model: type[Model]) -> list[str]:
    filled = FILLED if model is Rule else frozenset()
    return [f.alias or name for name, f in model.model_fields.items() if name not in filled]
