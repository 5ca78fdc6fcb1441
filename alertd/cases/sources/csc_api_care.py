"""Care periods and placements, from the placements in the CSC API's payload.

The API calls them the building blocks of a period of care, as the episodes of SSDA903 are. A care period is the
chain from ``start_reason`` S to an end whose reason is neither X1 nor blank. One public builder of payloads writes
a period's lowest start reason, and its lowest end reason, into each of its placements: so where the next placement
begins on the very day one ended, and not with S, care went on, whatever the end reason says. The payload has no
legal status, so short breaks cannot be told from care.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from alertd.cases.records import Record, Unreadable, Window, make_record

_CONTINUES: Final = frozenset({"X1", ""})
_SAME_PLACEMENT: Final = "L"
"""Only the legal status changed."""


@dataclass(slots=True)
class Block:
    """One placement of the payload. ``end`` is None while open; ``referral`` is the episode it stands in."""

    start: date
    end: date | Unreadable | None
    start_reason: str
    end_reason: str
    type: str
    change: str
    referral: str
    where: str

    @property
    def reach(self) -> date:
        """Its last day, as far as is known."""
        return self.end if isinstance(self.end, date) else date.max


def looked_after(child: str, blocks: Iterable[Block], window: Window) -> Iterator[Record]:
    """The care periods and placements of one child; no two blocks begin on one day.

    An open block is closed by the next that begins, unless that one starts a period of its own.
    """
    kept = sorted(blocks, key=lambda block: block.start)
    for before, after in pairwise(kept):
        if before.reach > after.start and not (isinstance(before.end, Unreadable) and _breaks(before, after)):
            before.end, before.end_reason = after.start, "X1"
    for chain in _chains(kept):
        first, last = chain[0], chain[-1]
        start = first.start if first.start_reason == "S" else _start_doubt(first, window)
        end: object = last.end
        if isinstance(last.end, date) and last.end_reason in _CONTINUES:
            why = f"the last placement ended with {last.end_reason or 'no reason'} but none follows"
            end = Unreadable(why, "conflict")
        raw = {"start": start, "end": end, "referral": first.referral}
        yield make_record("care_period", child, first.start.isoformat(), first.where, raw)
        yield from _placements(child, chain)


def _breaks(before: Block, after: Block) -> bool:
    if after.start_reason == "S":
        return True
    return before.end_reason not in _CONTINUES and before.end != after.start


def _chains(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    chain: list[Block] = []
    for block in blocks:
        if chain and _breaks(chain[-1], block):
            yield chain
            chain = []
        chain.append(block)
    if chain:
        yield chain


def _start_doubt(first: Block, window: Window) -> Unreadable:
    if window.start and first.start <= window.start + timedelta(days=1):
        return Unreadable("began before what the payload covers: no placement with start_reason S", "window")
    return Unreadable("no placement with start_reason S", "conflict")


def _placements(child: str, chain: list[Block]) -> Iterator[Record]:
    """Blocks that differ in legal status alone are one placement."""
    runs: list[list[Block]] = []
    for block in chain:
        before = runs[-1][-1] if runs else None
        same = before is not None and block.start_reason == _SAME_PLACEMENT and block.type == before.type
        if before is not None and same and before.end == block.start and before.end_reason in _CONTINUES:
            runs[-1].append(block)
        else:
            runs.append([block])
    # The first of a period ended no other, and the last was not followed by another: one of the two is blank.
    in_own, in_following = (any(block.change for block in run) for run in (runs[0], runs[-1]))
    for run, following in zip(runs, [*runs[1:], None], strict=True):
        first, last = run[0], run[-1]
        after = following[0] if following else None
        if in_following != in_own:
            change: str | Unreadable = last.change if in_own else after.change if after else ""
        else:
            change = _why_ended(last, after)
        raw = {"start": first.start, "end": last.end, "type": first.type, "change_reason": change}
        yield make_record("placement", child, first.start.isoformat(), first.where, raw)


def _why_ended(block: Block, following: Block | None) -> str | Unreadable:
    """The reason for which a placement changed.

    By the API's description it stands in the placement that follows; the public builder fills it from the dataset,
    where it stands in the one that ended. Where the period does not show which, and both hold one and they differ,
    nobody can tell.
    """
    stated = {block.change, following.change if following else ""} - {""}
    if len(stated) > 1:
        return Unreadable("it and the placement that follows hold different reasons for a change", "conflict")
    return next(iter(stated), "")
