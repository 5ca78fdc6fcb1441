"""Care periods, placements and legal statuses, from the episodes of an SSDA903 return.

A care period is the chain of episodes from RNE=S to the first end whose reason is not X1 ("a new
episode starts the same day"). An episode is open while DEC is blank, whatever REC says. Short
breaks (legal status V3 or V4) stay out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby, pairwise
from typing import Final

from alertd.cases.records import Record, Unreadable, Window, make_record
from alertd.cases.sources.dates import uk_day
from alertd.cases.sources.ssda903_tables import File, no_child

SHORT_BREAKS: Final = frozenset({"V3", "V4"})
_CONTINUES: Final = frozenset({"X1", ""})  # a blank reason does not say that care ended

SHORT_BREAK: Final = "short breaks (V3, V4)"
RESTATED: Final = "stated again (same child and DECOM): the later return's, or the longer one, is taken"
OVERLAP: Final = "episodes still running when the next began: closed on the day the next began"
NO_START: Final = "care periods without an episode of RNE S: their start is in doubt"
NO_END: Final = "care periods whose last episode ended with X1, or no reason, and none follows: their end is in doubt"


@dataclass(slots=True)
class Episode:
    """One row of the episodes table. ``end`` is None while open."""

    start: date
    end: date | Unreadable | None
    rne: str
    rec: str
    status: str
    place: str
    home: tuple[str, str]
    change: str
    where: str


Episodes = dict[str, dict[date, Episode]]
"""By child and DECOM: a return restates an open episode every year."""


def read_episodes(file: File) -> Episodes:
    """The episodes of one file; of two for the same child and day, the one that lasts longer."""
    found: Episodes = {}
    names = ("CHILD", "DECOM", "DEC", "RNE", "REC", "LS", "PLACE", "URN", "PL_POST", "REASON_PLACE_CHANGE")
    for where, (child, decom, dec, rne, rec, status, place, urn, post, change) in file.rows(*names):
        start, end = uk_day(decom), uk_day(dec)
        if nobody := no_child(child):
            file.reject(where, nobody, "CHILD")
            continue
        if not isinstance(start, date):
            bad = f"has a DECOM that {start.why}" if isinstance(start, Unreadable) else "has no DECOM"
            file.reject(where, bad, "DECOM")
            continue
        if isinstance(end, Unreadable):
            end = Unreadable(f"DEC {end.why}", end.cause)
        elif end and end < start:
            end = Unreadable("DEC is before DECOM", "conflict")
        home = (urn.upper(), post.upper().replace(" ", ""))
        coded = (rne.upper(), rec.upper(), status.upper(), place.upper())
        episode = Episode(start, end, *coded, home, change.upper(), where)
        known = found.setdefault(child, {}).setdefault(start, episode)
        if known is episode:
            continue
        file.account.aside[RESTATED] += 1
        if _reach(episode) > _reach(known):
            found[child][start] = episode
    return found


def _reach(episode: Episode) -> date:
    return episode.end if isinstance(episode.end, date) else date.max


def looked_after(child: str, episodes: Iterable[Episode], window: Window, tally: Counter[str]) -> Iterator[Record]:
    """The care periods, placements and legal statuses of one child; oddities are counted in ``tally``.

    ``window`` is what the returns naming the child can speak for. An open episode is closed by
    the next that begins.
    """
    everything = sorted(episodes, key=lambda e: e.start)
    short = [e for e in everything if e.status in SHORT_BREAKS]
    kept = [e for e in everything if e.status not in SHORT_BREAKS]
    for before, after in pairwise(kept):
        unknown_end = isinstance(before.end, Unreadable) and _breaks(before, after)
        if _reach(before) > after.start and not unknown_end:
            before.end, before.rec = after.start, "X1"
            tally[OVERLAP] += 1
    starts = {e.start for e in everything}
    from_short = {e.end for e in short if e.rec == "X1"}
    for chain in _chains(kept):
        first, last = chain[0], chain[-1]
        if first.rne != "S":
            tally[NO_START] += 1
        if isinstance(last.end, date) and last.rec in _CONTINUES and last.end not in starts:
            tally[NO_END] += 1
            last.end = _end_doubt(last.end, last.rec, window)
        yield from _records(child, chain, _start_doubt(first, window, from_short))


def _breaks(before: Episode, after: Episode) -> bool:
    return after.rne == "S" or before.rec not in _CONTINUES


def _chains(episodes: Iterable[Episode]) -> Iterator[list[Episode]]:
    chain: list[Episode] = []
    for episode in episodes:
        if chain and _breaks(chain[-1], episode):
            yield chain
            chain = []
        chain.append(episode)
    if chain:
        yield chain


def _start_doubt(first: Episode, window: Window, from_short: set[date | Unreadable | None]) -> Unreadable | None:
    if first.rne == "S":
        return None
    if window.start and first.start < window.start:
        return Unreadable("began before the return: no episode with RNE S", "window")
    if first.start in from_short:  # rightly coded so, and nobody can mend it
        return Unreadable("follows a short break: no episode with RNE S of its own", "window")
    return Unreadable("no episode with RNE S", "conflict")


def _end_doubt(end: date, rec: str, window: Window) -> Unreadable:
    why = f"the last episode ended with {rec or 'no reason'} but none follows"
    beyond = window.end is not None and end > window.end  # the next return has what follows
    return Unreadable(why, "window" if beyond else "conflict")


def _records(child: str, chain: list[Episode], doubt: Unreadable | None) -> Iterator[Record]:
    def state(kind: str, run: list[Episode], begins: bool, **coded: str) -> Record:
        """``begins``: the first episode of the chain is where this state begins, so far as is known."""
        start = doubt if doubt and run[0] is chain[0] and not begins else run[0].start
        raw = {"start": start, "end": run[-1].end, **coded}
        return make_record(kind, child, run[0].start.isoformat(), run[0].where, raw)

    rne = chain[0].rne
    yield state("care_period", chain, False)
    for (place, _), run in groupby(chain, lambda e: (e.place, e.home)):
        episodes = list(run)
        yield state("placement", episodes, rne in "PTBU", type=place, change_reason=episodes[-1].change)
    for status, run in groupby(chain, lambda e: e.status):
        yield state("legal_status", list(run), rne in "LBU", status=status)
