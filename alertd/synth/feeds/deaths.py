"""A few children whose case closed because they died: no feed may ask anything of anybody for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from alertd.synth.dice import Dice
from alertd.synth.feeds.truth import Life, Truth, day, text
from alertd.synth.world import Row

_SHARE: Final = 0.01
"""Of the cases that closed for no other stated reason. Far more than in life, so that there are some to see."""

_ENDS: Final = (
    ("cin_episodes", "cine_close_date"),
    ("cla_episodes", "clae_cla_episode_ceased_date"),
    ("cp_plans", "cppl_cp_plan_end_date"),
    ("cin_plans", "cinp_cin_plan_end_date"),
)


def some_die(truth: Truth, seed: int) -> None:
    """Change the rows of those children: a date of death, and death as the reason for what ended that day.

    Only of children of whom nothing is open, so that nothing in the records contradicts it.
    """
    dice = Dice(seed)
    for life in truth.lives():
        closed = _closed_for_good(life)
        if closed and dice.chance(_SHARE):
            life.person["pers_death_date"] = closed
            _say(life.of("cin_episodes"), closed, "cine_close_date", {"cine_close_reason": "RC2"})
            column = "clae_cla_episode_ceased_date"
            _say(life.of("cla_episodes"), closed, column, {"clae_cla_episode_ceased_reason": "E2"})


def _closed_for_good(life: Life) -> date | None:
    """The day the last case closed, if all else had ended by then."""
    ends = [day(row, column) for table, column in _ENDS for row in life.of(table)]
    cases = life.of("cin_episodes")
    if life.born is None or not cases or life.of("care_leavers") or text(cases[-1], "cine_close_reason") != "RC7":
        return None
    closed = day(cases[-1], "cine_close_date")
    return closed if closed and all(end and end <= closed for end in ends) else None


def _say(rows: Sequence[Row], on: date, column: str, cells: Mapping[str, str]) -> None:
    for row in rows:
        if day(row, column) == on:
            row.update(cells)
