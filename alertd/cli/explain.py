"""``alertd explain``: why this child has this date under this rule, why none, and what comes next."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from alertd.cases.records import in_words
from alertd.cli.evaluate import (
    AsOfOption,
    ConfigOption,
    KnownOption,
    NationOption,
    RulesOption,
    SetOption,
    SourceOption,
    WindowOption,
    choose_rulebook,
    only_rules,
)
from alertd.cli.sources import parse_as_of, parse_known_on, parse_window, read_source
from alertd.engine.explain import explain_one, lines
from alertd.errors import InputError


class ExplainFormat(StrEnum):
    """How an explanation is printed."""

    text = "text"
    json = "json"


def explain(
    rule: Annotated[str, typer.Argument(help="The rule's id.")],
    child: Annotated[str, typer.Argument(help="The child's number in the feed.")],
    source: SourceOption,
    as_of: AsOfOption = None,
    weeks: Annotated[int, typer.Option(min=0, max=520, help="How far ahead `when next` looks.")] = 26,
    format_: Annotated[ExplainFormat, typer.Option("--format", help="text or json.")] = ExplainFormat.text,
    everything: Annotated[
        bool, typer.Option("--all", help="The calendar of past clocks too, not a line each.")
    ] = False,
    window: WindowOption = None,
    as_known_on: KnownOption = None,
    set_: SetOption = None,
    rules: RulesOption = None,
    nation: NationOption = "england-and-wales",
    config: ConfigOption = None,
) -> None:
    """Show why a rule asks what it asks of this child, why it does not, and when that changes.

    The record that started the clock, a calendar of every day counted or skipped, the three dates and
    what would clear it; for other records, what holds the rule back; then every change to come.
    """
    instant = parse_as_of(as_of)
    rulebook = choose_rulebook(rules, set_, nation, config)
    only_rules(rulebook, [rule])
    snapshot = read_source(source, instant, parse_window(window), known_on=parse_known_on(as_known_on))
    case = next((c for c in snapshot.cases if c.child == child), None)
    if case is None:
        what, fix = "the feed holds no such child", "Check the number against the feed"
        raise InputError(what, where=f"ref {child}", fix=fix)
    one = replace(snapshot, cases=(case,))
    found = explain_one(one, rulebook, rule, instant, instant + timedelta(weeks=weeks))
    if format_ is ExplainFormat.json:
        print(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
        return
    print(f"ref {child}, as of {in_words(instant)}")
    if found.when_next and instant < parse_as_of(None) - timedelta(days=1):
        print("`when next` counts what the feed, read today, holds of the days after that.")
    for line in lines(found, every_day=everything):
        print(line)
