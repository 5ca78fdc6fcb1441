"""The public fake extracts, as they are: counts agree with the files, told apart from the reader by another road."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from annex_a_book import noted, of, reading
from python_calamine import CalamineWorkbook

from alertd.cases.records import Snapshot

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples"
LIIA = "annexa-liia/Annex_A_2024_Jan.xlsx"
XLSX = "annexa-cscdp/2015-01-sample.xlsx"
XLS = "annexa-cscdp/example-A-2005.xls"


def sample(name: str) -> Path:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"the sample {name} is not beside this checkout")
    return path


def columns(path: Path, sheet: str) -> dict[str, list[object]]:
    """The columns of a sheet by their headings, which stand in the first row that is full."""
    rows = [row for row in CalamineWorkbook.from_path(path).get_sheet_by_name(sheet).to_python() if any(row)]
    at = next(n for n, row in enumerate(rows) if all(row))
    return {str(heading).strip(): [row[i] for row in rows[at + 1 :]] for i, heading in enumerate(rows[at])}


@pytest.mark.parametrize(
    ("name", "sheet", "rows"),
    [
        (LIIA, "List {}", (5, 5, 6, 5, 5, 5, 7, 5, 6, 5, 5)),
        (XLSX, "List_{}", (0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0)),
        (XLS, "List_{}", (1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
    ],
)
def test_every_row_of_every_list_is_accounted_for(name: str, sheet: str, rows: tuple[int, ...]) -> None:
    path = sample(name)
    snapshot = reading(path)
    assert snapshot.rejects == ()
    for number, wanted in enumerate(rows, 1):
        title = sheet.format(number)
        account = snapshot.accounts[f"{path.name}:{title}"]
        own = columns(path, title)
        assert account.rows == wanted == len(next(iter(own.values())))
        assert account.aside.total() == (wanted if number in (2, 11) else 0)
    ids = {
        f"{child:.0f}"
        for number in (1, 3, 4, 5, 6, 7, 8, 9, 10)
        for child in columns(path, sheet.format(number))["Child Unique ID"]
        if isinstance(child, float)
    }
    assert {case.child for case in snapshot.cases} == ids


def test_the_sheets_of_the_template_that_are_no_lists_are_named_and_left_alone() -> None:
    for name in (XLSX, XLS):
        snapshot = reading(sample(name))
        for sheet in ("Front_Sheet", "FAQ_and_changes", "Guidance", "Codes_used"):
            assert noted(snapshot, f"{sheet}: not a list of Annex A, left alone")


@pytest.mark.parametrize(
    ("kind", "number", "heading"),
    [
        ("contact", 1, "Date of Contact"),
        ("referral", 3, "Date of Referral"),
        ("assessment", 4, "Continuous Assessment Start Date"),
        ("s47", 5, "Strategy discussion initiating Section 47 Enquiry Start Date"),
        ("icpc", 5, "Date of Initial Child Protection Conference"),
        ("referral", 6, "CIN Start Date"),
        ("cin_visit", 6, "Date Child Was Last Seen"),
        ("cp_plan", 7, "Child Protection Plan Start Date"),
        ("cp_review", 7, "Date of latest review conference"),
        ("cla_review", 8, "Date of Latest Statutory Review"),
        ("iro_contact", 8, "Date of Last IRO Visit / Contact to the Child"),
        ("placement", 8, "Start Date of Most Recent Placement"),
    ],
)
def test_each_day_in_a_column_is_a_record(kind: str, number: int, heading: str) -> None:
    path = sample(LIIA)
    snapshot = reading(path)
    begins = "start" if kind in ("referral", "assessment", "s47", "cp_plan", "placement") else "happened"
    written = Counter(day for day in columns(path, f"List {number}")[heading] if isinstance(day, date))
    found = Counter(r.day(begins) for r in of(snapshot, kind) if f"List {number}!" in r.where and r.day(begins))
    assert found == written


def doubts(snapshot: Snapshot, kind: str) -> Counter[str]:
    return Counter(f"{doubt.field}: {doubt.cause}" for record in of(snapshot, kind) for doubt in record.doubts)


def test_the_faults_kept_in_the_sample_are_seen() -> None:
    snapshot = reading(sample(LIIA))
    # Formulas without a result: the decisions, orders, matches and placings of list 10.
    assert doubts(snapshot, "adoption_authority") == {f"{f}: unreadable": 5 for f in ("start", "end", "matched")}
    # An answer that is none; children who are in two lists with two days of birth.
    assert doubts(snapshot, "assessment") == {"outcome: unreadable": 5}
    assert doubts(snapshot, "child") == {"born: conflict": 6}
    assert noted(snapshot, "List 6: 10 cells with an error as #N/A, read as blank")
    assert {r.get("worker") for r in of(snapshot, "allocation") if r.where.endswith("List 8!2")} == {"Worker 16"}


def test_the_old_workbook_gives_its_contact_and_the_template_its_referrals() -> None:
    (contact,) = of(reading(sample(XLS)), "contact")
    assert (contact.child, contact.day("happened")) == ("1001", date(2010, 1, 1))
    referrals = of(reading(sample(XLSX)), "referral")
    assert [r.get("nfa") for r in referrals] == [True, False, True, False, False]


def test_all_of_a_folder_is_read_together() -> None:
    folder = sample("annexa-cscdp")
    assert len(reading(folder).cases) == 6
