"""The public fake censuses, as they are: every element counted in the file's own text is accounted for."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from alertd.cases.records import Window
from alertd.cases.sources.cin_census import read

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples" / "cin-csc-validator"
NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
ELEMENTS = {
    "Child": "Child",
    "CINdetails": "CINdetails",
    "Assessments": "Assessments",
    "CINPlanDates": "CINPlanDates",
    "Section47": "Section47",
    "ChildProtectionPlans": "ChildProtectionPlans",
    "Reviews": "CPPreviewDate",
}
FILES = ("CIN2rows.xml", "CIN_Census_2021.xml", "CIN_Census_2024.xml", "fake_CIN_data_odd.xml")


def samples() -> Path:
    if not SAMPLES.is_dir():
        pytest.skip("the sample cin-csc-validator is not beside this checkout")
    return SAMPLES


def in_text(path: Path) -> dict[str, int]:
    text = path.read_text(encoding="utf-8")
    return {f"{path.name}: {name}": len(re.findall(rf"<{tag}>", text)) for name, tag in ELEMENTS.items()}


@pytest.mark.parametrize("name", FILES)
def test_every_element_is_accounted_for(name: str) -> None:
    path = samples() / name
    snapshot = read(path, as_of=NOW)
    assert snapshot.counts == in_text(path)
    assert all(account.adds_up for account in snapshot.accounts.values())
    assert snapshot.rejects == ()
    made = {
        kind: sum(1 for case in snapshot.cases for _ in case.of(kind)) for kind in ("child", "referral", "cp_review")
    }
    assert made["child"] == len(snapshot.cases)
    used = {name.split()[-1]: account.used for name, account in snapshot.accounts.items()}
    assert (made["child"], made["referral"], made["cp_review"]) == (used["Child"], used["CINdetails"], used["Reviews"])


def test_the_folder_is_read_as_several_years() -> None:
    snapshot = read(samples(), as_of=NOW)
    assert snapshot.counts == {k: n for name in FILES for k, n in in_text(samples() / name).items()}
    assert all(account.adds_up for account in snapshot.accounts.values())
    assert snapshot.window == Window(date(2022, 4, 1), date(2024, 3, 31))
    assert len(snapshot.cases) == 168


def test_the_faults_that_were_put_into_a_sample_are_doubts() -> None:
    snapshot = read(samples() / "CIN_Census_2024.xml", as_of=NOW)
    doubts = [(r.kind, d.field, d.cause) for case in snapshot.cases for r in case.records for d in r.doubts]
    assert doubts == [("assessment", "authorised", "conflict")]


def test_referrals_of_the_bulk_sample_agree_with_its_text() -> None:
    path = samples() / "fake_CIN_data_odd.xml"
    snapshot = read(path, as_of=NOW)
    text = path.read_text(encoding="utf-8")
    for tag, field in (("CINreferralDate", "start"), ("CINclosureDate", "end")):
        stated = sorted(re.findall(rf"<{tag}>([\d-]+)</{tag}>", text))
        read_ = sorted(str(r.values[field]) for c in snapshot.cases for r in c.of("referral") if field in r.values)
        before = sum(1 for c in snapshot.cases for r in c.of("referral") for d in r.doubts if d.field == field)
        assert len(read_) == len(stated) - before
    held = set(re.findall(r"<DateOfInitialCPC>([\d-]+)<", text))
    assert {str(r.values["happened"]) for c in snapshot.cases for r in c.of("icpc")} == held
