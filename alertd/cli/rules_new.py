"""``alertd rules new`` and ``alertd rules schema``: what helps whoever writes rules."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from alertd.rulebook.scaffold import begin


class NewKind(StrEnum):
    """The kinds of rule a template is held for."""

    timescale = "timescale"
    gap = "gap"
    notification = "notification"


def new(
    rule_id: Annotated[str, typer.Argument(metavar="ID", help="The new rule's id, as local.visit.first.")],
    pack: Annotated[Path, typer.Option(help="The rule file it is added to; begun if it is not there.")],
    kind: Annotated[NewKind, typer.Option(help="timescale, gap or notification.")] = NewKind.timescale,
) -> None:
    """Begin a rule and its two test cases from a template; `alertd rules lint` says what is still to fill in."""
    sheet = begin(rule_id, kind.value, pack)
    print(f"{rule_id} is at the end of {pack}, its two cases at the end of {sheet}")
    print(f"Next: fill it in, then alertd rules lint {pack} and alertd rules test {pack}")


def schema() -> None:
    """Print the JSON Schema of rule packs, overlays and test cases, for an editor."""
    from alertd.rulebook.schema import schema as of_all

    print(json.dumps(of_all(), indent=1, ensure_ascii=False))
