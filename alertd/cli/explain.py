"""``alertd explain``: why this child has this date under this rule, every day counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Annotated

import typer

from alertd.calendars.calendar import calendar_for
from alertd.calendars.clock import CountedDay
from alertd.cases.records import in_words, local_day
from alertd.cli.evaluate import (
    AsOfOption,
    NationOption,
    RulesOption,
    SetOption,
    SourceOption,
    WindowOption,
    choose_rulebook,
    only_rules,
)
from alertd.cli.sources import parse_as_of, parse_window, read_source
from alertd.engine.explain import Explanation, describe, why_no_clock
from alertd.engine.explain import explain as working
from alertd.engine.findings import Finding
from alertd.engine.sweep import sweep
from alertd.errors import InputError


def explain(
    rule: Annotated[str, typer.Argument(help="The rule's id.")],
    child: Annotated[str, typer.Argument(help="The child's number in the feed.")],
    source: SourceOption,
    as_of: AsOfOption = None,
    window: WindowOption = None,
    set_: SetOption = None,
    rules: RulesOption = None,
    nation: NationOption = "england-and-wales",
) -> None:
    """Show the record that started the clock, every day counted or skipped, the three dates and what would clear it."""
    instant = parse_as_of(as_of)
    rulebook = only_rules(choose_rulebook(rules, set_, nation), [rule])
    snapshot = read_source(source, instant, parse_window(window))
    case = next((c for c in snapshot.cases if c.child == child), None)
    chosen = rulebook.rules[0]
    if case is None:
        raise InputError(why_no_clock(chosen, None), where=f"ref {child}", fix="Check the number against the feed")
    calendar = calendar_for(nation)
    one = replace(snapshot, cases=(case,))
    findings = sorted(sweep(one, rulebook, instant, workers=1).findings, key=_when)
    print(f"ref {child}, as of {in_words(instant)}; calendar: {calendar.describe()}")
    for finding in findings:
        _show(working(finding, chosen, rulebook, calendar))
    if not findings:
        print(f"{chosen.title} ({chosen.id}): no clock: {why_no_clock(chosen, case)}")


def _when(finding: Finding) -> tuple[bool, date]:
    """Oldest first, and what is still open last of all: where a terminal leaves the reader."""
    start = local_day(finding.start) if finding.start else date.max
    return (finding.met is None and not finding.closed, start)


def _show(explanation: Explanation) -> None:
    print()
    for line in describe(explanation):
        print(line)
    for line in _strip(explanation.days):
        print(f"    {line}")


def _strip(days: Iterable[CountedDay]) -> Iterable[str]:
    """Each day on its line: its number, or why it does not count."""
    for day in days:
        number = f"day {day.number}" if day.number is not None else "-"
        yield f"{in_words(day.day)}  {number:<7} {day.skipped_because or ''}".rstrip()
