"""A whole simulated year, from the making of the authority to the report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

from alertd import synth
from alertd.calendars.calendar import calendar_for
from alertd.cases.reading import collected
from alertd.cases.records import LONDON, Snapshot, local_day
from alertd.cases.sources.readers import Place, opened
from alertd.engine.agenda import Identity
from alertd.engine.evaluate import measurable
from alertd.engine.sweep import each
from alertd.rulebook.model import Rulebook
from alertd.simulation.claims import Talk
from alertd.simulation.feed import FeedYear, free_fields
from alertd.simulation.figures import Books, report
from alertd.simulation.road import Clock, Road, Tick, Walked, make_house, runs_of
from alertd.simulation.staff import MORNING, Office, StaffYear, staff_year
from alertd.simulation.timeline import Seen, live
from alertd.synth.authority import begin
from alertd.synth.staff import Staff

LAST_DAY: Final = date(2026, 11, 20)
"""The year's last day where none is given: the same seed then gives the same year on any day."""

LENGTHS: Final = {"cp.visit.interval": "10 working days"}
"""The lengths for which the law gives no number, as the example settings have them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What year to simulate: ``days`` up to ``as_of``, both included."""

    children: int = 4000
    days: int = 365
    seed: int = 1
    as_of: date = LAST_DAY
    la: str = "350"
    workers: int | None = None

    @property
    def span(self) -> list[date]:
        """The days, in order."""
        return [self.as_of - timedelta(n) for n in reversed(range(self.days))]


def simulate(asked: Asked, tick: Tick = lambda _step, _done, _of: None) -> dict[str, Any]:
    """Make the authority, walk its year down the real road in a temporary folder, check it and report.

    ``tick`` hears how far it is. The same arguments give the same report, but for ``seconds``.
    """
    with TemporaryDirectory(prefix="alertd-simulation-") as name:
        folder = Path(name)
        began = perf_counter()
        snapshot, staff = _authority(asked, folder, tick)
        calendar = calendar_for("england-and-wales")
        span = asked.span
        year = staff_year(staff, calendar, span[0], span[-1], asked.seed)
        office = Office(year)
        office.move_to(datetime.combine(span[0], time(0), LONDON))
        start = datetime.combine(span[0], MORNING, LONDON)
        house = make_house(folder, office, LENGTHS, start, asked.seed)
        try:
            made = perf_counter()
            runs = runs_of(span, year.late_days)
            able, unable = measurable(house.rulebook, snapshot.holds, snapshot.lacks, snapshot.latest, snapshot.silent)
            feed = _feed_year(asked, span, year, staff, house.rulebook)
            lives, failed = _lives(asked, snapshot, house.rulebook, feed, runs, tick)
            lived = perf_counter()
            clock = house.clock
            assert isinstance(clock, Clock)
            walked = Walked(runs)
            talk = Talk(asked.seed, _done(lives))
            Road(house, clock, office, folder, able, unable, _by_run(lives), walked, talk).walk(span, tick)
            walked.seconds |= {"make": made - began, "timelines": lived - made}
            tick("Checking", 0, 1)
            books = Books(house, span, year, lives, walked, frozenset(failed), talk)
            return report(asked, books)
        finally:
            house.engine.dispose()


def _authority(asked: Asked, folder: Path, tick: Tick) -> tuple[Snapshot, Staff]:
    given = {"la": asked.la, "children": asked.children, "seed": asked.seed, "as_of": asked.as_of}
    synth.make(str(folder / "authority.db"), **given, progress=tick)  # type: ignore[arg-type]
    place = Place(
        kind="ssd",
        url=f"sqlite:///{folder / 'authority.db'}",
        schema=None,
        prefix="ssd_",
        timeframe_years=6,
        queries={},
    )
    end = datetime.combine(asked.as_of, time(23, 59), LONDON)
    with opened(place, end, None) as found:
        snapshot = found if isinstance(found, Snapshot) else collected(found)
    return snapshot, begin(asked.la, asked.children, asked.seed, asked.as_of)[2]


def _feed_year(asked: Asked, span: Sequence[date], year: StaffYear, staff: Staff, rulebook: Rulebook) -> FeedYear:
    made = {p.id for p in staff.people if p.leaves is not None}
    mates: dict[str, list[str]] = defaultdict(list)
    for area, people in sorted(staff.areas.items()):
        if area != "iro":
            for person in people:
                mates[person.team].append(person.id)
    return FeedYear(
        asked.seed,
        span[0],
        span[-1],
        calendar_for("england-and-wales"),
        year.leaves,
        frozenset(year.leaves.keys() - made),
        year.moves,
        {team: tuple(ids) for team, ids in mates.items()},
        free_fields(rulebook),
    )


def _lives(
    asked: Asked, snapshot: Snapshot, rulebook: Rulebook, feed: FeedYear, runs: Sequence[datetime], tick: Tick
) -> tuple[dict[str, list[Seen]], dict[str, str]]:
    failed: dict[str, str] = {}
    done = 0

    def progress(n: int) -> None:
        nonlocal done
        done += n
        tick("Evaluating every change", done, len(snapshot.cases))

    found = dict(
        each(
            snapshot,
            rulebook,
            live,
            feed,
            tuple(runs),
            workers=asked.workers,
            batch=20,
            progress=progress,
            failed=failed.__setitem__,
        )
    )
    return dict(sorted(found.items())), failed


def _by_run(lives: Mapping[str, Sequence[Seen]]) -> dict[datetime, list[tuple[str, Seen]]]:
    found: dict[datetime, list[tuple[str, Seen]]] = defaultdict(list)
    for child, seen in lives.items():
        for one in seen:
            found[one.at].append((child, one))
    return found


def _done(lives: Mapping[str, Sequence[Seen]]) -> dict[Identity, date]:
    """The day on which each clock was met, as the feed had it in the end."""
    return {f.identity: local_day(f.met) for seen in lives.values() for one in seen for f in one.findings if f.met}
