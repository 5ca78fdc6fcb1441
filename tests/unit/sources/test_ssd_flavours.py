"""The same lives in the layouts of SystemC, Mosaic and Eclipse, which leave columns out and rename some."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from ssd_database import AS_OF, fill
from ssd_lives import as_in, of

from alertd.cases.records import Record, Snapshot
from alertd.cases.sources import ssd
from alertd.cases.sources.ssd_flavours import Flavour, flavour_of
from alertd.cases.sources.ssd_tables import TABLES

FLAVOURS: tuple[Flavour, ...] = get_args(Flavour)


def read(tmp_path: Path, flavour: Flavour) -> Snapshot:
    path = tmp_path / f"{flavour}.db"
    fill(f"sqlite:///{path}", as_in(flavour))
    return ssd.read(str(path), as_of=AS_OF)


def records(snapshot: Snapshot) -> dict[tuple[str, str], Record]:
    return {(record.child, record.ref): record for case in snapshot.cases for record in case.records}


def test_the_lives_have_a_row_in_every_table_that_is_read_and_a_record_of_every_kind(tmp_path: Path) -> None:
    assert of("P1").keys() == {table.name for table in TABLES}
    found = records(read(tmp_path, "SystemC"))
    assert {record.kind for record in found.values()} == ssd.FILLS.keys()
    assert not [record for record in found.values() if record.doubts]


def test_eclipse_gives_the_same_records_as_systemc(tmp_path: Path) -> None:
    assert records(read(tmp_path, "Eclipse")) == records(read(tmp_path, "SystemC"))


def test_mosaic_gives_the_same_records_but_those_it_has_no_day_for(tmp_path: Path) -> None:
    mosaic, systemc = records(read(tmp_path, "Mosaic")), records(read(tmp_path, "SystemC"))
    lost = {record.kind for at, record in systemc.items() if at not in mosaic}
    assert lost == {"immunisation_status"}
    assert mosaic == {at: record for at, record in systemc.items() if record.kind not in lost}


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_every_row_becomes_a_record_in_every_layout(tmp_path: Path, flavour: Flavour) -> None:
    snapshot = read(tmp_path, flavour)
    assert not snapshot.rejects
    assert {account.used for account in snapshot.accounts.values()} == {2}
    assert [case.child for case in snapshot.cases] == ["P1", "P2"]


def test_what_a_layout_lacks_and_what_is_to_be_known_of_it_is_noted(tmp_path: Path) -> None:
    notes = {flavour: read(tmp_path, flavour).notes for flavour in FLAVOURS}
    assert notes["SystemC"] == ()
    assert [note.split(":")[0] for note in notes["Eclipse"]] == ["the columns are Eclipse's"]
    assert "an assessment or enquiry that is still open is not in it" in notes["Eclipse"][0]
    assert "the end of a missing episode is the day its step was finished" in notes["Mosaic"][0]
    assert set(notes["Mosaic"][1:]) == {
        "ssd_cp_plans has no column cppl_cp_plan_ola; every child protection plan is taken to be this authority's own",
        "ssd_cla_immunisations has no column clai_immunisations_status_date; cannot tell about: immunisation_status",
    }


def test_a_layout_of_the_authoritys_own_is_taken_for_systemcs() -> None:
    assert flavour_of({("person", "pers_person_id")}) == "SystemC"
    assert flavour_of({("cla_reviews", "CLAR_CLA_PERSON_ID"), ("cin_plans", "CINP_CIN_PLAN_ID")}) == "SystemC"
    assert flavour_of({("cla_reviews", "clar_cla_review_id"), ("cin_plans", "CIN_PLAN_ID")}) == "Mosaic"
