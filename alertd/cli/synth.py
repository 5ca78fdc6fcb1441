"""``alertd synth``: make a synthetic authority to try alertd on."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import TaskID
from rich.table import Table

from alertd.cases.records import LONDON
from alertd.cli.output import console, progress_bar
from alertd.errors import InputError
from alertd.synth import FEEDS, Manifest, make, make_feed, write_people


def synth(
    out: Annotated[str, typer.Option(metavar="FILE|URL", help="A SQLite file, or any SQLAlchemy address.")],
    la: Annotated[str, typer.Option(help="DfE code of the authority whose published volumes to follow.")] = "350",
    children: Annotated[int, typer.Option(help="Children in need at any point of the year.")] = 4000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same authority.")] = 1,
    as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="The last day it knows; today if not given.")
    ] = None,
    dirty: Annotated[float, typer.Option(help="Share of rows to spoil as real systems do.")] = 0.01,
    people: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write people.csv, teams.csv and restrictions.csv.")
    ] = None,
    manifest: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the manifest as JSON.")] = None,
    as_: Annotated[
        str, typer.Option("--as", metavar="FEED", help=f"What to write: {', '.join(FEEDS)}.", show_default=True)
    ] = "ssd",
) -> None:
    """Make a synthetic authority: a Standard Safeguarding Dataset of children who do not exist.

    Volumes and ratios follow the Department for Education's open data for 2024 (Open Government
    Licence v3.0). An older synthetic database at --out is replaced; anything else is left alone.

    With --as, the same children as another feed would tell of them, with no row spoilt; of a return, the latest
    year that has ended. For annex_a a name that ends in xlsx is a workbook, for ssda903 one that ends in xml is
    one file; any other is a folder of CSV files. Nothing that is there already is written over.
    """
    day = _day(as_of)
    with progress_bar() as bar:
        tasks: dict[str, TaskID] = {}

        def progress(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step)
            bar.update(tasks[step], completed=done, total=total)

        if as_ == "ssd":
            made = make(out, la=la, children=children, seed=seed, as_of=day, dirty=dirty, progress=progress)
        elif manifest:
            raise InputError("goes with an ssd", where="--manifest", fix="Leave it out, or make an ssd")
        else:
            make_feed(as_, Path(out), la=la, children=children, seed=seed, as_of=day, progress=progress)
    if people:
        write_people(people, la=la, children=children, seed=seed, as_of=day)
    if manifest:
        try:
            manifest.write_text(made.json(), encoding="utf-8")
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror}", where=str(manifest)) from None
    if as_ == "ssd":
        _show(console(), made)


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(LONDON).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is not a date", where="--as-of", fix="Write it as 2026-11-20") from None


def _show(out: Console, made: Manifest) -> None:
    title = f"Synthetic authority after {made.name} ({made.la}), seed {made.seed}, as of {made.as_of}"
    table = Table("Figure", title=title)
    table.add_column("Made", justify="right")
    table.add_column(f"Published, scaled to {made.children:,} children", justify="right")
    for figure in made.figures:
        table.add_row(figure.name, f"{figure.made:,}", f"{figure.published:,.0f}{' *' if figure.national else ''}")
    out.print(table)
    out.print("* England's ratio: the authority's own figure is suppressed or not shipped.")
    spoilt = Table("Spoilt on purpose", title=f"{sum(made.dirty.values()):,} of {sum(made.rows.values()):,} rows")
    spoilt.add_column("Rows", justify="right")
    for kind, n in made.dirty.items():
        spoilt.add_row(kind, f"{n:,}")
    out.print(spoilt)
    out.print(f"Visits left out as not yet recorded: {made.unrecorded_visits:,}")
    for note in made.notes:
        out.print(f"- {note}")
