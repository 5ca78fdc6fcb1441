"""Children who wait for adoption: their placement order as a legal status, and the adopters as a placement.

The lives give the days of an adoption; here they become what a return shows of them, a new episode each.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

from alertd.synth.feeds.truth import Life, Truth, day, sure, text
from alertd.synth.world import Row

ADOPTED: Final = ("E11", "E12")
"""Why care ended, if by adoption."""


def orders_and_placements(truth: Truth) -> None:
    """Add to the rows: status E1 from the day of the order, placement A6 from the day of placing, and how it ended.

    A new status or placement only where nothing else in the period of care begins on that day or later, so that no
    row contradicts it.
    """
    for life in list(truth.lives()):
        for row in life.of("permanence"):
            _ended(life, row)
            order, placed = day(row, "perm_placement_order_date"), day(row, "perm_placed_for_adoption_date")
            if order:
                _step(truth, life, row, order, "L", _order)
            if placed:
                _step(truth, life, row, placed, "P", _placing)


def _ended(life: Life, row: Row) -> None:
    """When care ended, by an adoption order or because adoption was the plan no more."""
    last = [e for e in life.episodes() if e.period == text(row, "perm_cla_id")][-1]
    if last.end and last.ceased in ADOPTED:
        row |= {"perm_permanence_order_date": last.end, "perm_permanence_order_type": "Adoption"}
    elif last.end:
        row |= {"perm_decision_reversed_date": last.end, "perm_decision_reversed_reason": "RD4"}


_Change = Callable[[Truth, Life, date], str | None]
"""What begins that day; the key of the new placement if it is one."""


def _step(truth: Truth, life: Life, adoption: Row, on: date, reason: str, change: _Change) -> None:
    rows = truth.rows["ssd_cla_episodes"]
    period = [r for r in rows if text(r, "clae_cla_id") == text(adoption, "perm_cla_id")]
    last = max(period, key=lambda r: sure(r, "clae_cla_episode_start_date"))
    starts = [sure(last, "clae_cla_episode_start_date")]
    starts += [sure(r, "lega_legal_status_start_date") for r in life.of("legal_status")]
    starts += [sure(r, "clap_cla_placement_start_date") for r in life.of("cla_placement")]
    end = day(last, "clae_cla_episode_ceased_date")
    if max(starts) >= on or (end and end <= on):
        return
    placement = change(truth, life, on) or text(last, "clae_cla_placement_id")
    key = f"{text(last, 'clae_cla_episode_id')}{reason}"
    own: Row = {"clae_cla_episode_id": key, "clae_cla_episode_start_date": on, "clae_cla_episode_start_reason": reason}
    rows.append({**last, **own, "clae_cla_placement_id": placement})
    last |= {"clae_cla_episode_ceased_date": on, "clae_cla_episode_ceased_reason": "X1"}


def _order(truth: Truth, life: Life, on: date) -> None:
    rows = truth.rows["ssd_legal_status"]
    last = max(_of(rows, "lega_person_id", life), key=lambda r: sure(r, "lega_legal_status_start_date"))
    own: Row = {"lega_legal_status": "E1", "lega_legal_status_start_date": on}
    rows.append({**last, **own, "lega_legal_status_id": f"{text(last, 'lega_legal_status_id')}L"})
    last["lega_legal_status_end_date"] = on


def _placing(truth: Truth, life: Life, on: date) -> str:
    rows = truth.rows["ssd_cla_placement"]
    last = max(_of(rows, "clap_person_id", life), key=lambda r: sure(r, "clap_cla_placement_start_date"))
    key = f"{text(last, 'clap_cla_placement_id')}P"
    own: Row = {"clap_cla_placement_id": key, "clap_cla_placement_start_date": on, "clap_cla_placement_type": "A6"}
    rows.append({**last, **own, "clap_cla_placement_postcode": "ZZ11ZZ"})
    last |= {"clap_cla_placement_end_date": on, "clap_cla_placement_change_reason": "CARPL"}
    return key


def _of(rows: list[Row], column: str, life: Life) -> list[Row]:
    return [row for row in rows if text(row, column) == life.id]
