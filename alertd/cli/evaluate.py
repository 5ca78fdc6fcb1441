"""``alertd evaluate``: what is due, overdue or cannot be told, straight from a feed. Writes nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from alertd.bootstrap import rulebook_of
from alertd.calendars.calendar import Nation
from alertd.cases.records import Snapshot
from alertd.cli.output import Format, progress_bar, write_findings
from alertd.cli.sources import (
    KNOWN_HELP,
    SOURCE_HELP,
    parse_as_of,
    parse_known_on,
    parse_settings,
    parse_window,
    read_source,
)
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.engine.sweep import sweep
from alertd.errors import InputError, did_you_mean
from alertd.insight.backtest import only
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rulebook
from alertd.settings import load

SourceOption = Annotated[str, typer.Option(help=SOURCE_HELP)]
KnownOption = Annotated[str | None, typer.Option(metavar="DATE", help=KNOWN_HELP)]
AsOfOption = Annotated[str | None, typer.Option(help="A day (its end) or an instant with offset; now if left out.")]
WindowOption = Annotated[str | None, typer.Option(help="FROM:TO, the days an SSDA903 return speaks for.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="A local length, NAME=LENGTH. Repeatable.")]
RulesOption = Annotated[list[Path] | None, typer.Option("--rules", help="A pack in place of the England packs.")]
ConfigOption = Annotated[
    Path | None, typer.Option(help="A settings file: its packs, overlays, lengths and school terms, as the daemon has.")
]
NationOption = Annotated[
    Nation, typer.Option(help="Whose bank holidays: england-and-wales, scotland, northern-ireland.")
]


def evaluate(
    source: SourceOption,
    as_of: AsOfOption = None,
    window: WindowOption = None,
    as_known_on: KnownOption = None,
    rule: Annotated[list[str] | None, typer.Option(help="Only this rule. Repeatable.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what asks for nothing: running, met, ended.")] = False,
    format_: Annotated[Format, typer.Option("--format", help="table, jsonl or csv.")] = Format.table,
    set_: SetOption = None,
    rules: RulesOption = None,
    nation: NationOption = "england-and-wales",
    config: ConfigOption = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes; one a processor if left out.")] = None,
) -> None:
    """Evaluate a feed once and print the findings: no configuration needed, no database."""
    instant = parse_as_of(as_of)
    rulebook = only_rules(choose_rulebook(rules, set_, nation, config), rule)
    with progress_bar() as bar:
        reading = bar.add_task("Reading the feed", total=None)
        snapshot = read_source(
            source,
            instant,
            parse_window(window),
            lambda what, n: bar.update(reading, description=what, completed=n),
            known_on=parse_known_on(as_known_on),
        )
        bar.remove_task(reading)
        task = bar.add_task("Evaluating children", total=len(snapshot.cases))
        result = sweep(
            snapshot,
            rulebook,
            instant,
            workers=workers,
            keep=lambda f: (everything or f.asks_for_action) and (not rule or f.rule in (*rule, "*")),
            progress=lambda n: bar.advance(task, n),
        )
    write_findings(result.findings, format_)
    _say(snapshot, result.findings)


def choose_rulebook(
    packs: Sequence[Path] | None, settings: Sequence[str] | None, nation: Nation, config: Path | None = None
) -> Rulebook:
    """The authority's own rulebook, as the daemon has it; or the packs named, else England's, with the lengths set."""
    if config:
        if packs or settings:
            raise InputError("--config goes without --rules and --set", fix="Write them in the settings file.")
        return rulebook_of(load(config))
    chosen = list(packs or [builtin_pack("england")])
    return load_rulebook(chosen, settings=parse_settings(list(settings or [])), nation=nation)


def only_rules(rulebook: Rulebook, ids: Sequence[str] | None) -> Rulebook:
    """The rulebook with only the rules named and those they look at. Raises InputError for an id nobody knows."""
    if not ids:
        return rulebook
    ids_known = [rule.id for rule in rulebook.rules]
    for one in ids:
        rule = rulebook.rule(one)
        if rule is None:
            raise InputError(
                f"there is no rule {one!r}", fix=did_you_mean(one, ids_known) or "`alertd rules list` shows them"
            )
        if not rule.enabled:
            raise InputError(f"the rule {one!r} is not enabled: {rule.disabled_because}", where=rule.place)
    return only(rulebook, ids)


def _say(snapshot: Snapshot, findings: Sequence[Finding]) -> None:
    """What the reader should know beside the findings, on standard error."""
    for note in snapshot.notes:
        print(f"note: {note}", file=sys.stderr)
    for reject in snapshot.rejects[:10]:
        print(f"left out: {reject.where}: {reject.why}", file=sys.stderr)
    if len(snapshot.rejects) > 10:
        print(f"left out: and {len(snapshot.rejects) - 10} more rows", file=sys.stderr)
    children = len({f.child for f in findings if f.child != WHOLE_FEED[0]})
    print(f"{len(snapshot.cases)} children read, {len(findings)} findings on {children} of them", file=sys.stderr)
