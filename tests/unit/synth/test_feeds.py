"""Each feed is written as its specification says, and tells of the same children as the others."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from alertd.errors import InputError
from alertd.synth import FEEDS, make_feed, make_feeds
from alertd.synth.feeds.annex_a import months_back
from alertd.synth.feeds.truth import year_to

YEAR_END = date(2026, 3, 31)
MID_YEAR = date(2026, 8, 14)
UK = "%d/%m/%Y"
ARGUMENTS: dict[str, Any] = {"la": "350", "children": 400, "seed": 1}
TEXT = [kind for kind in FEEDS if kind != "ssd"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_feeds(tmp_path_factory.mktemp("feeds"), **ARGUMENTS, as_of=YEAR_END)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def annex_a(made: dict[str, Path], number: int) -> list[dict[str, str]]:
    return rows(made["annex_a_csv"] / f"list_{number}.csv")


def uk(text: str) -> date:
    return datetime.strptime(text, UK).date()


def census(made: dict[str, Path]) -> etree._Element:
    return etree.parse(str(made["cin_census"])).getroot()


def texts(root: etree._Element, name: str) -> list[str]:
    return [element.text or "" for element in root.iter(name)]


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


# ---------------------------------------------------------------- all feeds


def test_the_same_arguments_give_the_same_files_and_another_seed_gives_others(tmp_path: Path) -> None:
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        make_feeds(tmp_path / name, la="350", children=60, seed=seed, as_of=MID_YEAR)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert digests(tmp_path / "a").keys() == digests(tmp_path / "c").keys()
    assert digests(tmp_path / "a") != digests(tmp_path / "c")


def test_every_feed_names_children_of_the_dataset_and_no_mother(made: dict[str, Path]) -> None:
    payload = json.loads(made["csc_api"].read_bytes())
    children = {child["la_child_id"] for child in payload}
    assert len(children) > 400
    named = {row["Child Unique ID"] for n in range(1, 11) for row in annex_a(made, n)}
    assert named
    assert named <= children
    assert set(texts(census(made), "LAchildID")) <= children
    assert {row["CHILD"] for row in rows(made["ssda903"] / "header.csv")} <= children


def test_a_return_made_in_the_middle_of_a_year_knows_nothing_after_the_last_one(tmp_path: Path) -> None:
    kinds = ("cin_census", "ssda903")
    made = make_feeds(tmp_path, **ARGUMENTS, as_of=MID_YEAR, kinds=kinds)
    root = census(made)
    assert texts(root, "ReferenceDate") == ["2026-03-31"]
    ahead = {"InitialCPCtarget", "ExpectedPersonBirthDate"}
    days = [day for element in root.iter() if element.tag not in ahead and (day := (element.text or "").strip())]
    assert max(day for day in days if day[:2] == "20" and day[4:5] == "-" and len(day) == 10) == "2026-03-31"
    closed = [case for case in root.iter("CINdetails") if case.find("CINclosureDate") is not None]
    assert all(case.find("ReasonForClosure") is not None for case in closed)
    episodes = rows(made["ssda903"] / "episodes.csv")
    assert max(uk(row["DECOM"]) for row in episodes) <= YEAR_END
    assert {bool(row["DEC"]) == bool(row["REC"]) for row in episodes} == {True}
    assert any(not row["DEC"] for row in episodes)


@pytest.mark.parametrize("kind", TEXT)
def test_a_feed_can_be_written_by_itself(kind: str, tmp_path: Path, made: dict[str, Path]) -> None:
    out = tmp_path / made[kind].name
    make_feed(kind, out, **ARGUMENTS, as_of=YEAR_END)
    single = digests(out) if out.is_dir() else hashlib.sha256(out.read_bytes()).hexdigest()
    whole = digests(made[kind]) if made[kind].is_dir() else hashlib.sha256(made[kind].read_bytes()).hexdigest()
    assert single == whole


def test_an_unknown_feed_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="annex_a"):
        make_feed("annex", tmp_path / "x", **ARGUMENTS, as_of=YEAR_END)


@pytest.mark.parametrize("kind", TEXT)
def test_nothing_that_may_be_real_is_written_over(kind: str, tmp_path: Path) -> None:
    real = tmp_path / FEEDS[kind].place
    if not real.suffix:
        real.mkdir()
        real /= "list_1.csv"
    real.write_text("real")
    with pytest.raises(InputError, match="is there already"):
        make_feeds(tmp_path, la="350", children=40, seed=1, as_of=YEAR_END, kinds=(kind,))
    assert real.read_text() == "real"


def test_the_command_writes_a_feed(tmp_path: Path) -> None:
    from alertd.cli.together import put_together

    out = tmp_path / "census.xml"
    arguments = ["synth", "--as", "cin_census", "--children", "40", "--as-of", "2026-03-31", "--out", str(out)]
    result = CliRunner().invoke(put_together(["synth"]), arguments)
    assert result.exit_code == 0, result.output
    assert etree.parse(str(out)).getroot().tag == "Message"


@pytest.mark.parametrize(
    ("today", "first", "last"),
    [
        (date(2026, 3, 31), date(2025, 4, 1), date(2026, 3, 31)),
        (date(2026, 3, 30), date(2024, 4, 1), date(2025, 3, 31)),
        (date(2026, 12, 31), date(2025, 4, 1), date(2026, 3, 31)),
    ],
)
def test_a_year_of_returns_is_the_latest_that_has_ended(today: date, first: date, last: date) -> None:
    assert year_to(today) == (first, last)


def test_months_back_ends_on_the_last_day_of_a_short_month() -> None:
    assert months_back(date(2026, 3, 31), 6) == date(2025, 9, 30)
    assert months_back(date(2024, 8, 31), 6) == date(2024, 2, 29)
    assert months_back(date(2026, 1, 15), 12) == date(2025, 1, 15)


# ---------------------------------------------------------------- Annex A


def test_the_workbook_has_eleven_lists_with_the_headings_of_its_layout(made: dict[str, Path]) -> None:
    new, old = (CalamineWorkbook.from_path(str(made[kind])) for kind in ("annex_a", "annex_a_2019"))
    assert new.sheet_names == [f"List {n}" for n in range(1, 12)]
    assert old.sheet_names == [f"List_{n}" for n in range(1, 12)]
    widths = [7, 8, 11, 12, 14, 14, 17, 34, 17, 16, 19]
    assert [len(new.get_sheet_by_name(name).to_python()[0]) for name in new.sheet_names] == widths
    titled = [old.get_sheet_by_name(name).to_python() for name in old.sheet_names]
    assert [sum(bool(cell) for cell in sheet[1]) for sheet in titled] == [*widths[:8], 13, *widths[9:]]
    assert titled[0][0][0] == "List 1: Contacts"


def test_the_workbook_and_the_csv_files_say_the_same(made: dict[str, Path]) -> None:
    sheet = CalamineWorkbook.from_path(str(made["annex_a"])).get_sheet_by_name("List 8").to_python()[1:]
    plain = annex_a(made, 8)
    assert [line[0] for line in sheet] == [row["Child Unique ID"] for row in plain]
    assert [line[7] for line in sheet] == [uk(row["Date Started to be Looked After"]) for row in plain]


def test_the_lists_of_six_months_hold_no_older_event(made: dict[str, Path]) -> None:
    first = date(2025, 9, 30)
    for number, column in ((1, "Date of Contact"), (3, "Date of referral")):
        days = [uk(row[column]) for row in annex_a(made, number)]
        assert first <= min(days) <= max(days) <= YEAR_END


def test_the_lists_of_the_latest_have_one_row_a_child_open_or_ended_within_six_months(made: dict[str, Path]) -> None:
    ends = {6: "CIN Closure Date", 7: "Child Protection Plan End Date", 8: "Date Ceased to be Looked After"}
    for number, column in ends.items():
        found = annex_a(made, number)
        assert len({row["Child Unique ID"] for row in found}) == len(found) > 20
        ended = [uk(row[column]) for row in found if row[column]]
        assert ended
        assert min(ended) >= date(2025, 9, 30)
        assert len(ended) < len(found)


def test_an_unborn_child_is_minus_one_with_the_day_it_is_expected(made: dict[str, Path]) -> None:
    unborn = [row for row in annex_a(made, 6) if row["Age of Child (Years)"] == "-1"]
    assert unborn
    assert {uk(row["Date of Birth"]) > YEAR_END for row in unborn} == {True}


def test_short_breaks_stand_in_the_list_of_children_in_care_under_their_status(made: dict[str, Path]) -> None:
    statuses = {row["Child's Legal Status"] for row in annex_a(made, 8)}
    assert any(status.startswith(("V3:", "V4:")) for status in statuses)


# ---------------------------------------------------------------- CIN census

ORDER = {
    "ChildIdentifiers": [
        *("LAchildID", "UPN", "UPNunknown", "PersonBirthDate", "ExpectedPersonBirthDate", "Sex", "PersonDeathDate")
    ],
    "CINdetails": [
        *("CINreferralDate", "ReferralSource", "PrimaryNeedCode", "CINclosureDate", "ReasonForClosure"),
        *("DateOfInitialCPC", "Assessments", "CINPlanDates", "Section47", "ReferralNFA", "ChildProtectionPlans"),
    ],
    "Assessments": ["AssessmentActualStartDate", "AssessmentAuthorisationDate", "FactorsIdentifiedAtAssessment"],
    "CINPlanDates": ["CINPlanStartDate", "CINPlanEndDate"],
    "Section47": ["S47ActualStartDate", "InitialCPCtarget", "DateOfInitialCPC", "ICPCnotRequired"],
    "ChildProtectionPlans": [
        *("CPPstartDate", "CPPendDate", "InitialCategoryOfAbuse", "LatestCategoryOfAbuse"),
        *("NumberOfPreviousCPP", "Reviews"),
    ],
}
"""The elements in the order of the published schema."""


def test_the_census_keeps_the_order_of_its_schema(made: dict[str, Path]) -> None:
    root = census(made)
    for name, order in ORDER.items():
        found = list(root.iter(name))
        assert found, name
        for element in found:
            places = [order.index(str(child.tag)) for child in element]
            assert places == sorted(places), name


def test_the_census_holds_the_cases_open_in_its_year_and_of_them_what_is_of_the_year(made: dict[str, Path]) -> None:
    root = census(made)
    assert min(texts(root, "CINclosureDate")) >= "2025-04-01"
    assert min(texts(root, "AssessmentAuthorisationDate")) >= "2025-04-01"
    assert min(texts(root, "CPPreviewDate")) >= "2025-04-01"
    assert min(texts(root, "CINreferralDate")) < "2025-04-01"
    assert max(texts(root, "CINreferralDate")) <= "2026-03-31"


def test_a_death_is_told_with_the_case_that_it_closed(made: dict[str, Path]) -> None:
    died = [child for child in census(made).iter("Child") if child.find(".//PersonDeathDate") is not None]
    assert died
    for child in died:
        case = list(child.iter("CINdetails"))[-1]
        assert case.findtext("ReasonForClosure") == "RC2"
        assert case.findtext("CINclosureDate") == child.findtext(".//PersonDeathDate")


# ---------------------------------------------------------------- SSDA903


def test_episodes_roll_on_until_care_ends(made: dict[str, Path]) -> None:
    """X1 is followed by another the same day; any other reason, and no end, by none of the period."""
    by_child: dict[str, list[dict[str, str]]] = {}
    for row in rows(made["ssda903"] / "episodes.csv"):
        by_child.setdefault(row["CHILD"], []).append(row)
    assert any(row["REC"] == "X1" for found in by_child.values() for row in found)
    for found in by_child.values():
        for before, after in pairwise(found):
            assert before["DEC"], before
            assert uk(before["DEC"]) <= uk(after["DECOM"])
            assert (before["REC"] == "X1") == (after["RNE"] != "S")
        assert found[-1]["REC"] != "X1"


def test_the_return_is_of_those_looked_after_in_its_year(made: dict[str, Path]) -> None:
    folder = made["ssda903"]
    episodes = rows(folder / "episodes.csv")
    assert all(not row["DEC"] or uk(row["DEC"]) >= date(2025, 4, 1) for row in episodes)
    reviews = [uk(row["REVIEW"]) for row in rows(folder / "reviews.csv")]
    assert date(2025, 4, 1) <= min(reviews) <= max(reviews) <= YEAR_END
    headers = {row["CHILD"] for row in rows(folder / "header.csv")}
    for path in folder.glob("*.csv"):
        assert {row["CHILD"] for row in rows(path)} <= headers, path.name


def test_the_xml_return_holds_what_the_csv_files_hold(made: dict[str, Path]) -> None:
    root = etree.parse(str(made["ssda903_xml"])).getroot()
    folder = made["ssda903"]
    counted = {"CHILDID": "header", "EPISODE": "episodes", "AREVIEW": "reviews", "AMISSING": "missing", "OC2": "oc2"}
    for name, table in counted.items():
        assert len(list(root.iter(name))) == len(rows(folder / f"{table}.csv")), name
    first = root.find("CHILD/EPISODE")
    assert first is not None
    assert [child.tag for child in first][:5] == ["DECOM", "RNE", "LS", "CIN", "PL"]


# ---------------------------------------------------------------- CSC API


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from nodes(each)


def test_the_payload_has_iso_days_and_leaves_out_what_is_not_known(made: dict[str, Path]) -> None:
    payload = json.loads(made["csc_api"].read_bytes())
    for node in nodes(payload):
        assert None not in node.values()
        for name, value in node.items():
            if name.endswith("date") or name == "date_of_birth":
                assert date.fromisoformat(value)
    required = {"section_47_assessment_id", "start_date", "purge"}
    enquiries = [node for node in nodes(payload) if "section_47_assessment_id" in node]
    assert enquiries
    assert all(required <= node.keys() for node in enquiries)


# ---------------------------------------------------------------- own lists


def test_own_lists_name_records_of_the_dataset(made: dict[str, Path]) -> None:
    folder = made["csv"]
    needs = {row["key"] for row in rows(folder / "need.csv")}
    actions = rows(folder / "planned_action.csv")
    assert {row["need"] for row in actions} <= needs
    assert {row["planned_action"] for row in rows(folder / "delivery.csv")} <= {row["key"] for row in actions}
    assert {row["to"] for row in rows(folder / "windows.csv")} == {"2026-03-31"}


def test_nothing_in_own_lists_lies_ahead_but_a_booking(made: dict[str, Path]) -> None:
    for path in made["csv"].glob("*.csv"):
        for row in rows(path):
            for name, cell in row.items():
                if name not in ("due_on", "key", "to") and cell[:2] == "20" and cell[4:5] == "-":
                    assert cell[:10] <= "2026-03-31", (path.name, name)
