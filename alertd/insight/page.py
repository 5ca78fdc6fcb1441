"""The pages of a forecast and a backtest: each one HTML file that needs nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from alertd.cases.records import in_words
from alertd.insight.figures import BEFORE, Loads, Month
from alertd.insight.forecast import Coming, by_week
from alertd.rulebook.model import Rulebook


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table by week: whose, or what, how many in each week, and altogether."""

    label: str
    weeks: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.weeks)


@dataclass(frozen=True, slots=True)
class Team:
    """The lines of one team."""

    name: str
    rows: tuple[Row, ...]

    @property
    def sums(self) -> Row:
        return _sums(self.name, self.rows)


def forecast_page(
    items: Sequence[Coming], weeks: Sequence[date], titles: dict[str, str], *, as_of: datetime, source: str, untold: int
) -> str:
    """The forecast as a page. ``titles`` are those of the rules, by id; ``untold`` clocks have no date."""
    people = by_week(items, lambda item: (item.team, item.worker))
    teams = tuple(
        Team(team or "No team named", tuple(_row(worker or "No worker named", n, weeks) for (_, worker), n in rows))
        for team, rows in groupby(people.items(), key=lambda pair: pair[0][0])
    )
    by_rule = [_row(titles[rule], n, weeks) for (rule,), n in by_week(items, lambda item: (item.rule,)).items()]
    rules = sorted(by_rule, key=lambda row: (-row.total, row.label))
    return environment().get_template("forecast.html.j2").render(
        weeks=weeks,
        teams=teams,
        rules=rules,
        all=_sums("All", [team.sums for team in teams]) if teams else _row("All", Counter(), weeks),
        most=max((row.total for team in teams for row in team.rows), default=1),
        as_of=in_words(as_of),
        source=source,
        untold=untold,
    )  # fmt: skip


def _row(label: str, counts: Counter[date], weeks: Iterable[date]) -> Row:
    return Row(label, tuple(counts[week] for week in weeks))


def _sums(label: str, rows: Iterable[Row]) -> Row:
    return Row(label, tuple(sum(column) for column in zip(*(row.weeks for row in rows), strict=True)))


def backtest_page(
    months: Sequence[Month],
    loads: Loads,
    rulebook: Rulebook,
    *,
    first: date,
    last: date,
    source: str,
    notes: Sequence[str],
) -> str:
    """The backtest as a page. ``notes`` are what the reader has to know beside the figures."""
    titles = titles_of(rulebook)
    rules = [(titles[rule], rule, tuple(rows)) for rule, rows in groupby(months, key=lambda month: month.rule)]
    return environment().get_template("backtest.html.j2").render(
        rules=rules,
        before=BEFORE,
        opened=sum(month.alerts for month in months if month.month != BEFORE),
        some_say=any(month.recorded_late is not None for month in months),
        loads=loads,
        heaviest=sorted(loads.each, key=lambda load: (-load.per_day, load.worker)),
        most=max((month.alerts for month in months if month.month != BEFORE), default=1),
        most_load=max((load.per_day for load in loads.each), default=1.0),
        span=f"{in_words(first)} to {in_words(last)}",
        source=source,
        notes=notes,
    )  # fmt: skip


def titles_of(rulebook: Rulebook) -> dict[str, str]:
    """The titles of all rules, by id; those of the teams' own among them."""
    return {rule.id: rule.title for book in (*rulebook.teams.values(), rulebook) for rule in book.rules}


@lru_cache(maxsize=1)
def environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("alertd.insight"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"month": _month_words, "percent": percent, "number": number, "in_words": in_words}
    return environment


def _month_words(month: str) -> str:
    return "before" if month == BEFORE else f"{date.fromisoformat(f'{month}-01'):%b %Y}"


def percent(share: float | None) -> str:
    """``42 %``; blank for a share that nobody can tell."""
    return "" if share is None else f"{share:.0%}"


def number(value: float | None) -> str:
    """``7`` or ``7.5``; blank where there is none."""
    return "" if value is None else f"{value:g}"
