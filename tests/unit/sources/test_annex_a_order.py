"""Days of Annex A whose month and day changed places in a spreadsheet."""

from datetime import date
from pathlib import Path

from tests.unit.sources.annex_a_book import CARE, Cell, made, noted, of, reading, workbook


def children(*visits: Cell) -> list[dict[str, Cell]]:
    return [{**CARE, "child": str(100 + n), "visit": visit} for n, visit in enumerate(visits)]


def visits(tmp_path: Path, *written: Cell) -> list[object]:
    """The day of each visit, or "?" where it is in doubt."""
    snapshot = made(tmp_path, {8: children(*written)})
    found = {r.child: "?" if r.doubt("happened") else r.get("happened") for r in of(snapshot, "cla_visit")}
    return [found[str(100 + n)] for n in range(len(written))]


def test_text_that_may_be_month_first_is_in_doubt_where_the_column_shows_that_it_is(tmp_path: Path) -> None:
    assert visits(tmp_path, "03/25/2026", "02/03/2026", "02/02/2026", "2026-03-04") == [
        "?",
        "?",
        date(2026, 2, 2),
        date(2026, 3, 4),
    ]


def test_one_slip_among_days_that_are_day_first_leaves_the_others_alone(tmp_path: Path) -> None:
    assert visits(tmp_path, "03/25/2026", "02/03/2026", "25/03/2026") == ["?", date(2026, 3, 2), date(2026, 3, 25)]


LATE = [f"{day}/03/2026" for day in range(13, 23)]
EARLY = [date(2026, 3, n) if n != 3 else date(2026, 2, 2) for n in range(1, 11)]


def test_typed_days_are_in_doubt_where_only_those_after_the_12th_stayed_text(tmp_path: Path) -> None:
    """An American spreadsheet makes 3 May of 05/03/2026, and leaves 25/03/2026 as it is."""
    found = visits(tmp_path, *LATE, *EARLY)
    assert found[:10] == [date(2026, 3, day) for day in range(13, 23)]
    assert found[10:] == ["?", "?", date(2026, 2, 2), *["?"] * 7]
    note = noted(made(tmp_path, {8: children(*LATE, *EARLY)}), "in doubt")
    assert note.startswith("extract.xlsx:List 8: 9 days of Date of Last Social Work Visit are in doubt: each may have")


def test_text_beside_typed_days_of_a_whole_month_is_read(tmp_path: Path) -> None:
    assert "?" not in visits(tmp_path, *LATE, *EARLY, date(2026, 3, 25))
    assert "?" not in visits(tmp_path, *LATE, *EARLY, "05/03/2026")


def test_rows_that_differ_in_a_doubted_day_alone_are_not_taken_for_one(tmp_path: Path) -> None:
    contacts: list[dict[str, Cell]] = [
        {"child": "5", "contact_date": day} for day in ("03/02/2026", "03/05/2026", "03/25/2026")
    ]
    snapshot = reading(workbook(tmp_path / "extract.xlsx", {1: contacts, 8: children(date(2026, 3, 30))}))
    assert [r.get("happened") for r in of(snapshot, "contact")] == [None] * 3
