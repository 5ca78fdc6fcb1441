"""What is kept of a child as one page that needs nothing else, and as one JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from alertd.cases.records import in_words
from alertd.keeping.look_first import Question
from alertd.keeping.subject_access import Kept

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d)?")


@dataclass(frozen=True, slots=True)
class Heading:
    """Of whom, by whom, when and why it was put together. ``also`` are numbers that were merged into this one."""

    number: str
    also: tuple[str, ...]
    made: datetime
    by: str
    why: str


def as_json(kept: Kept, heading: Heading, questions: Sequence[Question]) -> str:
    """All of it, for programs."""
    head = {**asdict(heading), "made": heading.made.isoformat()}
    found = {**head, "look_first": [asdict(one) for one in questions], **asdict(kept)}
    return json.dumps(found, ensure_ascii=False, indent=1)


def as_page(
    kept: Kept,
    heading: Heading,
    questions: Sequence[Question],
    *,
    titles: Mapping[str, str],
    name_of: Callable[[str], str],
) -> str:
    """All of it, for people. ``titles`` are those of the rules; ``name_of`` names a person or agency."""
    page = _environment().get_template("subject_access.html.j2")
    return page.render(kept=kept, questions=questions, titles=titles, name_of=name_of, shown=_shown, **asdict(heading))


def _shown(value: Any) -> str:
    """A value in words: days and times as people write them."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return in_words(value)
        case str():
            return _if_a_day(value)
        case dict():
            return "; ".join(f"{name.replace('_', ' ')}: {_shown(one)}" for name, one in value.items())
        case list() | tuple():
            return "; ".join(_shown(one) for one in value)
        case _:
            return str(value)


def _if_a_day(text: str) -> str:
    """Only what is written as alertd writes it: a number may look like a day to others."""
    if not _DAY.fullmatch(text):
        return text
    try:
        return in_words(datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text))
    except ValueError:
        return text


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("alertd.keeping"),
        autoescape=select_autoescape(("html.j2", "html")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
