"""``alertd clock``: work out one due date and show the counting, or many from a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from alertd.calendars.calendar import Calendar, calendar_for
from alertd.calendars.clock import count, due, plan_by
from alertd.calendars.durations import Duration
from alertd.cases.records import LONDON
from alertd.errors import InputError

_COLUMNS: Final = ["from", "within", "nation"]


def clock(
    from_: Annotated[
        str | None, typer.Option("--from", help="The day it starts, or the moment with its offset, in ISO form.")
    ] = None,
    within: Annotated[
        str | None, typer.Option(help='How long it runs, as "20 working days", "6 months" or "72 hours".')
    ] = None,
    nation: Annotated[
        str, typer.Option(help="Whose bank holidays: england-and-wales, scotland or northern-ireland.")
    ] = "england-and-wales",
    batch: Annotated[
        str | None, typer.Option(metavar="FILE", help="CSV lines from,within,nation (- reads standard input).")
    ] = None,
) -> None:
    """Work out when a clock runs out. The start is day 0.

    With --batch, prints one due date for each line of FILE, in order, and nothing when a line
    cannot be read. Blank lines and a header line are passed over, further columns are ignored.
    """
    if batch is not None and from_ is None and within is None:
        name, text = _read(batch)
        for answer in list(_answers(name, text)):  # all of them before the first is printed
            typer.echo(answer)
    elif batch is None and from_ is not None and within is not None:
        _explain(_start(from_), _length(within), calendar_for(nation))
    else:
        raise InputError("no clock to run", fix="Give --from and --within, or --batch alone")


def _explain(start: date | datetime, within: Duration, calendar: Calendar) -> None:
    end = due(start, within, calendar)
    typer.echo(_iso(end))
    skipped = [day for day in count(start, within, calendar) if day.skipped_because]
    for day in skipped:
        typer.echo(f"  skipped {day.day:%a} {day.day}: {day.skipped_because}")
    if not isinstance(end, datetime) and (why := calendar.why_not_working(end)):
        typer.echo(f"  plan by {plan_by(end, calendar):%a} {plan_by(end, calendar)}: the due day is {why}")
    typer.echo(f"Calendar: {calendar.describe()}")


def _read(batch: str) -> tuple[str, str]:
    """The batch's name for messages, and its text."""
    name = "standard input" if batch == "-" else batch
    try:
        raw = typer.get_binary_stream("stdin").read() if batch == "-" else Path(batch).read_bytes()
        return name, raw.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=name) from None
    except UnicodeDecodeError:
        raise InputError("is not UTF-8 text", where=name, fix="Save it as CSV in UTF-8") from None


def _answers(name: str, text: str) -> Iterator[str]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for n, row in enumerate(filter(None, rows)):
            cells = [cell.strip() for cell in row[:3]]
            if n == 0 and cells == _COLUMNS:
                continue
            if len(cells) < len(_COLUMNS):
                raise InputError("the line has too few columns", fix="Write from,within,nation")
            start, within, nation = cells
            yield _iso(due(_start(start), _length(within), calendar_for(nation)))
    except InputError as error:
        raise InputError(error.what, where=f"{name}:{rows.line_num}", fix=error.fix) from None
    except csv.Error as error:
        raise InputError(f"not CSV: {error}", where=f"{name}:{rows.line_num}") from None


def _start(text: str) -> date | datetime:
    """An ISO day, or an ISO moment with its offset from UTC."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InputError(
        "the start is neither a day nor a moment with its offset",  # not shown: a wrong file may hold names
        fix="Write it as 2026-12-02 or 2026-12-02T09:30:00+00:00",
    )


def _length(text: str) -> Duration:
    try:
        return Duration.parse(text)
    except ValueError:
        raise InputError(
            "the length is not a whole number of a unit",
            fix="Write working days, calendar days, weeks, months, years, hours or school days, as 20 working days",
        ) from None


def _iso(value: date | datetime) -> str:
    """ISO; a moment in London time, with its offset."""
    return value.astimezone(LONDON).isoformat() if isinstance(value, datetime) else value.isoformat()
