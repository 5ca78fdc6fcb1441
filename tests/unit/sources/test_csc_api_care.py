"""Care periods and placements from the payload's placements."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from alertd.cases.records import Record
from tests.unit.sources.csc_api_payloads import child, doubts, episode, of, placement, read_all, write

Days = tuple[date | None, date | None]


def cared_for(folder: Path, *placements: dict[str, Any]) -> tuple[list[Record], list[Record]]:
    """The care periods and the placements."""
    snapshot = read_all(write(folder / "in", [child(episode(child_looked_after_placements=list(placements)))]))
    return of(snapshot, "care_period"), of(snapshot, "placement")


def days(records: list[Record]) -> list[Days]:
    return [(r.day("start"), r.day("end")) for r in records]


def test_a_care_period_is_the_chain_from_s_to_an_end_other_than_x1(tmp_path: Path) -> None:
    periods, placements = cared_for(
        tmp_path,
        placement("L1", "2025-01-06", end_date="2025-03-03", end_reason="X1", placement_type="U1"),
        placement("L2", "2025-03-03", "P", end_date="2025-06-02", end_reason="E4A", placement_type="U4"),
        placement("L3", "2026-02-02", placement_type="K2"),
    )
    assert days(periods) == [(date(2025, 1, 6), date(2025, 6, 2)), (date(2026, 2, 2), None)]
    assert {r.get("referral") for r in periods} == {"E1"}
    assert [r.get("type") for r in placements] == ["U1", "U4", "K2"]
    assert not doubts([*periods, *placements])


def test_blocks_that_differ_in_legal_status_alone_are_one_placement(tmp_path: Path) -> None:
    periods, placements = cared_for(
        tmp_path,
        placement("L1", "2025-01-06", end_date="2025-03-03", end_reason="X1", placement_type="U1"),
        placement("L2", "2025-03-03", "L", placement_type="U1"),
    )
    assert days(periods) == days(placements) == [(date(2025, 1, 6), None)]


def test_where_the_next_begins_on_the_day_care_went_on_whatever_the_end_reason_says(tmp_path: Path) -> None:
    periods, placements = cared_for(
        tmp_path,
        placement("L1", "2025-01-06", end_date="2025-03-03", end_reason="E4A"),
        placement("L2", "2025-03-03", "P", end_date="2025-06-02", end_reason="E4A"),
    )
    assert days(periods) == [(date(2025, 1, 6), date(2025, 6, 2))]
    assert len(placements) == 2
    back, _ = cared_for(
        tmp_path,
        placement("L1", "2025-01-06", end_date="2025-03-03", end_reason="E4A"),
        placement("L2", "2025-03-03", "S"),
    )
    assert days(back) == [(date(2025, 1, 6), date(2025, 3, 3)), (date(2025, 3, 3), None)]


def test_an_open_placement_is_closed_by_the_next_that_begins(tmp_path: Path) -> None:
    periods, placements = cared_for(tmp_path, placement("L1", "2025-01-06"), placement("L2", "2025-03-03", "P"))
    assert days(periods) == [(date(2025, 1, 6), None)]
    assert days(placements) == [(date(2025, 1, 6), date(2025, 3, 3)), (date(2025, 3, 3), None)]


def test_a_start_without_s_and_an_end_that_goes_on_are_in_doubt(tmp_path: Path) -> None:
    periods, _ = cared_for(tmp_path, placement("L1", "2025-01-06", "P", end_date="2025-03-03", end_reason="X1"))
    assert doubts(periods) == {
        "care_period.start": "no placement with start_reason S",
        "care_period.end": "the last placement ended with X1 but none follows",
    }
    earlier, _ = cared_for(tmp_path, placement("L1", "2019-01-07", "P"))
    (doubt,) = earlier[0].doubts
    assert doubt.cause == "window"


def test_the_reason_of_a_change_is_taken_where_it_is_and_doubted_where_two_differ(tmp_path: Path) -> None:
    def reasons(first: str | None, second: str | None) -> list[object]:
        _, placements = cared_for(
            tmp_path,
            placement("L1", "2025-01-06", end_date="2025-03-03", end_reason="X1", change_reason=first),
            placement("L2", "2025-03-03", "P", change_reason=second),
        )
        return [(r.doubt("change_reason") and "?") or r.get("change_reason") for r in placements]

    assert reasons("CARPL", None)[0] == "CARPL"
    assert reasons(None, "CARPL")[0] == "CARPL"
    assert reasons("CARPL", "ALLEG")[0] == "?"
    assert reasons(None, None)[0] is None


def test_of_several_moves_each_reason_stands_where_all_of_the_period_do(tmp_path: Path) -> None:
    """A child who moves twice, for two reasons, by the API's description and by the public builder."""

    def reasons(name: str, *changes: str | None) -> list[object]:
        days = ("2025-01-06", "2025-03-03", "2025-06-02", None)
        spans = zip(days, days[1:], changes, strict=False)
        moves = [
            placement(
                f"L{n}",
                start or "",
                "P" if n else "S",
                change_reason=change,
                **({"end_date": end, "end_reason": "X1"} if end else {}),
            )
            for n, (start, end, change) in enumerate(spans)
        ]
        (tmp_path / name).mkdir()
        _, placements = cared_for(tmp_path / name, *moves)
        return [(r.doubt("change_reason") and "?") or r.get("change_reason") for r in placements]

    assert reasons("own", "CREQB", "ALLEG", None) == ["CREQB", "ALLEG", None]
    assert reasons("following", None, "CREQB", "ALLEG") == ["CREQB", "ALLEG", None]
    assert reasons("neither", "CARPL", "CREQB", "ALLEG") == ["?", "?", "ALLEG"]


def test_a_new_legal_status_in_the_first_placement_hides_not_where_reasons_stand(tmp_path: Path) -> None:
    _, placements = cared_for(
        tmp_path,
        placement("L1", "2025-01-06", end_date="2025-02-03", end_reason="X1"),
        placement("L2", "2025-02-03", "L", end_date="2025-03-03", end_reason="X1", change_reason="CREQB"),
        placement("L3", "2025-03-03", "P", end_date="2025-06-02", end_reason="X1", change_reason="ALLEG"),
        placement("L4", "2025-06-02", "P"),
    )
    assert [r.get("change_reason") for r in placements] == ["CREQB", "ALLEG", None]


def test_of_two_placements_that_begin_on_one_day_the_longer_is_taken(tmp_path: Path) -> None:
    short = placement("L1", "2025-01-06", end_date="2025-01-06", end_reason="X1", placement_type="T4")
    long = placement("L2", "2025-01-06", placement_type="U1")
    for number, both in enumerate(((short, long), (long, short))):
        (tmp_path / str(number)).mkdir()
        _, placements = cared_for(tmp_path / str(number), *both)
        assert [r.get("type") for r in placements] == ["U1"]
