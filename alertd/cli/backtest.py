"""``alertd rules backtest``: what rules would have said, replayed from a feed that knows what came of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from alertd.calendars.calendar import Nation, calendar_for
from alertd.calendars.clock import end_of
from alertd.cases.records import in_words
from alertd.cli.evaluate import KnownOption, NationOption, RulesOption, SetOption, SourceOption, WindowOption
from alertd.cli.output import progress_bar
from alertd.cli.report import (
    A_FEW,
    FormatOption,
    OutOption,
    Report,
    ReportFormat,
    WorkersOption,
    check_out,
    reading,
    say,
    write,
)
from alertd.cli.sources import parse_known_on, parse_settings, parse_window
from alertd.engine.evaluate import measurable
from alertd.engine.stages import MOMENT
from alertd.engine.sweep import each
from alertd.errors import InputError
from alertd.insight.backtest import Replayed, kinds_that_say, only, replay
from alertd.insight.figures import BEFORE, Loads, Month, by_month, loads_of
from alertd.insight.page import backtest_page, number, percent
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rulebook
from alertd.rulebook.overlay import read_overlay
from alertd.rulebook.packs import OVERLAY_SUFFIX, pack_files

COLUMNS = ("rule", "month", "alerts", "cannot_tell", "people", "messages", "met", "recorded_late", "median_days_late")
HEAVIEST = 10


def backtest(
    source: SourceOption,
    from_: Annotated[str, typer.Option("--from", metavar="DAY", help="The first day, as 2025-04-01.")],
    to: Annotated[str, typer.Option("--to", metavar="DAY", help="The last day.")],
    packs: Annotated[
        list[Path] | None, typer.Argument(metavar="[PACK]...", help="Only the rules of these packs and overlays.")
    ] = None,
    disabled: Annotated[
        bool, typer.Option("--disabled", help="Also try the rules of these packs that are not enabled.")
    ] = False,
    window: WindowOption = None,
    as_known_on: KnownOption = None,
    format_: FormatOption = ReportFormat.table,
    out: OutOption = None,
    set_: SetOption = None,
    rules: RulesOption = None,
    nation: NationOption = "england-and-wales",
    workers: WorkersOption = None,
) -> None:
    """Replay the days of a feed and show what rules would have said: alerts, messages, and what came of them.

    Named packs are laid over the England packs, or over those of --rules, and only their rules are
    reported; without any, all rules are. Nothing is sent and nothing is kept.
    """
    check_out(out)
    first, last = _day("--from", from_), _day("--to", to)
    if last < first:
        raise InputError("--to lies before --from", fix="Give the first day first")
    rulebook, ids = _chosen(packs or [], rules, set_ or [], nation, disabled=disabled)
    found: list[Replayed] = []
    failed: dict[str, str] = {}
    with progress_bar() as bar:
        snapshot = reading(bar, source, end_of(last) - MOMENT, parse_window(window), parse_known_on(as_known_on))
        task = bar.add_task("Replaying children", total=len(snapshot.cases))
        children = each(
            snapshot,
            rulebook,
            replay,
            first,
            last,
            workers=workers,
            batch=A_FEW,
            progress=lambda n: bar.advance(task, n),
            failed=failed.__setitem__,
        )
        for _, alerts in children:
            found.extend(alert for alert in alerts if alert.rule in ids)
    say_so = kinds_that_say(snapshot.cases)
    months = by_month(found, rulebook, say_so)
    loads = loads_of(found, calendar_for(nation), first, last)
    notes = list(_notes(months, loads))
    report = Report(
        tables=lambda: [_by_month(months), *([_heaviest(loads)] if loads.each else [])],
        columns=COLUMNS,
        rows=[month.as_json() for month in months],
        page=lambda: backtest_page(
            months, loads, rulebook, first=first, last=last, source=snapshot.source, notes=notes
        ),
        further=[*(load.as_json() for load in loads.each), loads.as_json()],
    )
    write(report, format_, out)
    unmeasured = [f.rule for f in measurable(rulebook, snapshot.holds, snapshot.lacks)[1]]
    say(snapshot, rulebook, unmeasured, failed)
    for note in notes:
        print(note, file=sys.stderr)
    if failed:
        raise typer.Exit(1)


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option} {text!r} is not a day", fix="Write it as 2025-04-01") from None


def _chosen(
    named: Sequence[Path], base: Sequence[Path] | None, settings: Sequence[str], nation: Nation, *, disabled: bool
) -> tuple[Rulebook, frozenset[str]]:
    """The rulebook to replay, and the ids of the rules to report."""
    if disabled and not named:
        raise InputError("--disabled goes with a PACK", fix="Name the pack whose rules are to be tried")
    overlays = [path for path in named if path.name.endswith(OVERLAY_SUFFIX)]
    files = list(pack_files([path for path in named if path not in overlays]))
    below = {path.resolve(): path for path in pack_files(list(base or [builtin_pack("england")]))}
    every = [*below.values(), *(path for path in files if path.resolve() not in below)]
    book = load_rulebook(every, overlays=overlays, settings=parse_settings(list(settings)), nation=nation)
    all_rules = [rule for one in (book, *book.teams.values()) for rule in one.rules]
    if not named:
        return book, frozenset(rule.id for rule in all_rules)
    places = {str(path.resolve()) for path in (*files, *overlays)}
    ids = {rule.id for rule in all_rules if str(Path(rule.place.rpartition(":")[0]).resolve()) in places}
    ids |= {change.rule for path in overlays for change in read_overlay(path)[1].changes}
    return only(book, ids, disabled=disabled), frozenset(ids)


def _notes(months: Sequence[Month], loads: Loads) -> list[str]:
    """What the figures do not say of themselves."""
    said = []
    if loads.each:
        said.append(
            f"Messages to workers: {loads.per_day:.2f} a worker and working day on the mean, {loads.worst} on the "
            f"worst day, for the {len(loads.each)} workers who would have been told anything."
        )
    if loads.unnamed:
        said.append(f"The feed names no worker for {loads.unnamed} messages: they are in no worker's load.")
    if all(month.recorded_late is None for month in months):
        said.append(
            "The share met but for a late record is blank: no record of this feed says when it was entered, "
            "so what was done in time and entered late cannot be told from what was entered at once."
        )
    elif any(month.recorded_late is None for month in months):
        said.append(
            "The share met but for a late record is blank for rules of which no record says when it was entered."
        )
    said.append("Shares are of the alerts opened in the month; those still open on the last day count as not met.")
    if any(month.month == BEFORE for month in months):
        said.append("“before” are alerts that stood on the first day: only what was told of them from then on counts.")
    return said


def _by_month(months: Sequence[Month]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("rule", "month"):
        table.add_column(name)
    for name in ("alerts", "cannot tell", "people", "messages", "later met", "late record only", "median days late"):
        table.add_column(name, justify="right")
    for m in months:
        figures = (str(m.alerts), str(m.cannot_tell), str(m.people), str(m.messages))
        table.add_row(m.rule, m.month, *figures, percent(m.met), percent(m.recorded_late), number(m.median_days_late))
    return table


def _heaviest(loads: Loads) -> Table:
    heaviest = sorted(loads.each, key=lambda load: (-load.per_day, load.worker))[:HEAVIEST]
    title = f"The heaviest loads of {len(loads.each)}" if len(loads.each) > HEAVIEST else "Load on workers"
    table = Table(box=None, header_style="bold", title=title, title_justify="left")
    table.add_column("worker")
    for name in ("messages", "a working day", "worst day", "on"):
        table.add_column(name, justify="right")
    for load in heaviest:
        on = in_words(load.worst_day)
        table.add_row(load.worker, str(load.messages), f"{load.per_day:.2f}", str(load.worst), on)
    return table
