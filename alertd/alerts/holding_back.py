"""What somebody's word on an alert holds back, and who need not hear of it meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from alertd.alerts.handling import Handled, until_words
from alertd.people.directory import LINE
from alertd.rulebook.profiles import Ladder, Step


def holds_steps(step: Step, ladder: Ladder, handled: Iterable[Handled], rank: Callable[[Handled], int]) -> str:
    """Why a step of the ladder waits, or blank. ``rank`` says where an author stands above the child."""
    for one in handled:
        limit = _limit(one, ladder, rank)
        if limit is not None and _top(step) <= limit:
            what = "done, not yet recorded" if one.kind == "claim" else "accepted"
            return f"{what}, says {one.by}{until_words(one)}"
    return ""


def reach(level: int, ladder: Ladder, handled: Sequence[Handled], rank: Callable[[Handled], int]) -> int:
    """The highest step that may be told, of the ``level`` whose moment has come. A step that does not wait takes
    those before it along, so that nobody up the line hears before those below."""
    for number in range(level, 0, -1):
        if number > len(ladder.steps) or not holds_steps(ladder.steps[number - 1], ladder, handled, rank):
            return number
    return 0


_EVERYBODY: Final = len(LINE) + 1


def _limit(handled: Handled, ladder: Ladder, rank: Callable[[Handled], int]) -> int | None:
    """How far up the line it holds; None where it holds nothing."""
    policy = ladder.held_by
    if policy is None or handled.kind not in ("claim", "accept"):
        return None
    upto = policy.claim if handled.kind == "claim" else policy.accept
    if upto == "no step":
        return None
    if upto == "every step":
        return _EVERYBODY
    own = rank(handled) if handled.kind == "accept" else _EVERYBODY
    return own if upto == "own level" else min(own, LINE.index(upto) + 1)


def _top(step: Step) -> int:
    """The highest in the line that a step tells, 0 for the worker alone; somebody outside the line is above all
    of it, and waits only where everybody does."""
    ranks = {"worker": 0, **{role: n for n, role in enumerate(LINE, start=1)}}
    return max(ranks.get(role, _EVERYBODY) for role in step.tell)


def quiet_for(
    person_id: str,
    role: str,
    handled: Iterable[Handled],
    *,
    owed_step: bool = False,
    carrier: Callable[[Handled], str] = lambda h: h.by,
) -> str:
    """Why somebody told as ``role`` need not hear of the alert now, or blank. Subscribers are not asked.

    ``handled`` is what stands now. Who manages an alert hears of it; others go quiet. ``owed_step``: a step of
    the ladder that did not wait is still to be told to them, so they hear. ``carrier`` says whose duty it is
    today.
    """
    if owed_step:
        return ""
    handled = tuple(handled)
    for one in handled:
        if one.kind == "snooze" and one.by == person_id:
            return f"snoozed{until_words(one)}"
    managed = [h for h in handled if h.kind in ("claim", "accept")]
    if not managed or any(person_id in (h.by, carrier(h)) for h in managed) or role == "data_owner":
        return ""
    return f"{carrier(managed[0])} manages it{until_words(managed[0])}"
