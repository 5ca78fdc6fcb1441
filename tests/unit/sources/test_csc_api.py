"""What a payload of the CSC API becomes, and what later payloads say over earlier ones."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from alertd.cases.kinds import KINDS
from alertd.cases.records import Window
from alertd.cases.sources.csc_api import FILLS, LATEST, read
from alertd.errors import InputError
from tests.unit.sources.csc_api_payloads import (
    AS_OF,
    arrival,
    child,
    doubts,
    episode,
    of,
    placement,
    plan,
    read_all,
    write,
)


def test_every_kind_and_field_it_fills_is_one_the_payload_can_hold() -> None:
    for kind, fields in FILLS.items():
        assert "api" in KINDS[kind].feeds
        for name in fields:
            assert "api" in KINDS[kind].feeds_of(name), (kind, name)


def test_the_window_is_what_the_public_builder_takes_and_a_folder_is_as_at_its_latest_delivery(tmp_path: Path) -> None:
    snapshot = read_all(write(tmp_path / "in", [child()], [child()]))
    assert (snapshot.window, snapshot.as_at) == (Window(start=date(2024, 4, 1)), date(2026, 11, 27))
    assert snapshot.cases[0].latest == LATEST
    earlier = read(tmp_path / "in", as_of=AS_OF.replace(month=3))
    assert earlier.window == Window(start=date(2023, 4, 1))
    (tmp_path / "one.json").write_text(json.dumps([child()]))
    assert read_all(tmp_path / "one.json").as_at is None


def test_what_a_later_delivery_leaves_out_stands(tmp_path: Path) -> None:
    first = child(
        episode(child_protection_plans=[plan()], care_leavers={"contact_date": "2026-03-02"}),
        episode("E2"),
        child_details={"date_of_birth": "2015-06-15"},
        health_and_wellbeing={"sdq_assessments": [{"date": "2026-03-03", "score": 12}]},
    )
    snapshot = read_all(write(tmp_path / "in", [first, child(id_="C2")], [child()]))
    assert [case.child for case in snapshot.cases] == ["C1", "C2"]
    assert len(of(snapshot, "referral")) == 2
    assert len(of(snapshot, "cp_plan")) == len(of(snapshot, "sdq")) == len(of(snapshot, "leaver_contact")) == 1
    assert of(snapshot, "child")[0].day("born") == date(2015, 6, 15)


@pytest.mark.parametrize(
    ("purged", "gone"),
    [
        (child(purge=True), {"referral", "cp_plan", "sdq", "child", "leaver_contact"}),
        (child(child_details={"purge": True}), {"born"}),
        (child(health_and_wellbeing={"purge": True}), {"sdq"}),
        (child({"social_care_episode_id": "E1", "purge": True}), {"referral", "cp_plan", "leaver_contact"}),
        (child(episode(child_protection_plans=[plan(purge=True)])), {"cp_plan"}),
        (child(episode(care_leavers={"purge": True})), {"leaver_contact"}),
    ],
)
def test_a_purge_takes_away_that_one_and_all_below_it(tmp_path: Path, purged: object, gone: set[str]) -> None:
    first = child(
        episode(child_protection_plans=[plan()], care_leavers={"contact_date": "2026-03-02"}),
        child_details={"date_of_birth": "2015-06-15"},
        health_and_wellbeing={"sdq_assessments": [{"date": "2026-03-03", "score": 12}]},
    )
    snapshot = read_all(write(tmp_path / "in", [first, child(id_="C2")], [purged]))
    kinds = {kind for kind in ("referral", "cp_plan", "sdq", "child", "leaver_contact") if of(snapshot, kind)}
    if any(record.day("born") for record in of(snapshot, "child")):
        kinds.add("born")
    expected = {"referral", "cp_plan", "sdq", "child", "leaver_contact", "born"} - gone
    assert kinds == (expected - {"born"} if "child" in gone else expected)
    again = read_all(write(tmp_path / "in", [first], first=2))
    assert len(of(again, "cp_plan")) == 1  # what is purged may come again


def test_an_element_stated_with_its_beginning_is_stated_whole_so_a_closing_left_out_is_taken_back(
    tmp_path: Path,
) -> None:
    closed = child(episode(closure_date="2026-05-05", child_protection_plans=[plan(end_date="2026-05-01")]))
    reopened = child(episode(child_protection_plans=[plan()]))
    snapshot = read_all(write(tmp_path / "in", [closed], [reopened]))
    assert of(snapshot, "referral")[0].day("end") is None
    assert of(snapshot, "cp_plan")[0].day("end") is None


def test_an_element_without_its_beginning_changes_what_is_there_and_null_makes_blank(tmp_path: Path) -> None:
    whole = child(episode(child_protection_plans=[plan(), plan("P2", end_date="2026-06-01")]))
    change = child(
        episode(
            start=None,
            child_protection_plans=[plan(start=None, end_date="2026-05-01"), plan("P2", None, end_date=None)],
        )
    )
    first, second = of(read_all(write(tmp_path / "in", [whole], [change])), "cp_plan")
    assert (first.day("start"), first.day("end")) == (date(2026, 2, 2), date(2026, 5, 1))
    assert (second.day("start"), second.day("end")) == (date(2026, 2, 2), None)
    (referral,) = of(read_all(tmp_path / "in"), "referral")
    assert referral.day("start") == date(2026, 1, 5)


def test_workers_and_questionnaires_cannot_be_purged_so_their_list_is_always_the_whole_list(tmp_path: Path) -> None:
    def workers(*each: dict[str, object], scores: tuple[str, ...]) -> list[object]:
        sdqs = {"sdq_assessments": [{"date": day, "score": 3} for day in scores]}
        return [child(episode(care_worker_details=list(each)), health_and_wellbeing=sdqs)]

    first = workers(
        {"worker_id": "W1", "start_date": "2026-01-05"},
        {"worker_id": "W2", "start_date": "2026-01-06"},
        scores=("2026-02-01", "2026-03-01"),
    )
    second = workers({"worker_id": "W1", "end_date": "2026-04-01"}, {"worker_id": "W3"}, scores=("2026-03-01",))
    snapshot = read_all(write(tmp_path / "in", first, second))
    one, three = sorted(of(snapshot, "allocation"), key=lambda r: str(r.get("worker")))
    assert (one.get("worker"), one.day("start"), one.day("end")) == ("W1", date(2026, 1, 5), date(2026, 4, 1))
    assert (three.get("worker"), three.day("start"), three.get("role")) == ("W3", None, "CW")
    assert [r.day("happened") for r in of(snapshot, "sdq")] == [date(2026, 3, 1)]


def test_a_worker_named_twice_without_a_start_keeps_both_spells(tmp_path: Path) -> None:
    spells = [{"worker_id": "W1", "start_date": f"2026-0{month}-05"} for month in (1, 3)]
    bare = [{"worker_id": "W1", "end_date": "2026-02-01"}, {"worker_id": "W1"}]
    folder = write(
        tmp_path / "in",
        [child(episode(care_worker_details=spells))],
        [child(episode(start=None, care_worker_details=bare))],
    )
    found = [(r.day("start"), r.day("end")) for r in of(read_all(folder), "allocation")]
    assert found == [(date(2026, 1, 5), date(2026, 2, 1)), (date(2026, 3, 5), None)]


def test_the_order_of_the_names_is_the_order_of_the_statements(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", [child(episode())], first=5)
    write(folder, [child(episode(closure_date="2026-03-03"))], first=4)
    assert of(read_all(folder), "referral")[0].day("end") is None


@pytest.mark.parametrize(
    ("enquiry", "outcome"),
    [
        ({}, "open"),
        ({"icpc_required_flag": False}, "open"),
        ({"icpc_required_flag": True}, "conference"),
        ({"icpc_date": "2026-02-20"}, "conference"),
        ({"icpc_required_flag": False, "end_date": "2026-02-10"}, "no_conference"),
        ({"end_date": "2026-02-10"}, None),
        ({"icpc_required_flag": False, "icpc_date": "2026-02-20"}, None),
        ({"icpc_required_flag": "yes", "end_date": "2026-02-10"}, None),
    ],
)
def test_the_outcome_of_an_enquiry(tmp_path: Path, enquiry: dict[str, object], outcome: str | None) -> None:
    stated = {"section_47_assessment_id": "S1", "start_date": "2026-02-02", **enquiry}
    snapshot = read_all(write(tmp_path / "in", [child(episode(section_47_assessments=[stated]))]))
    (s47,) = of(snapshot, "s47")
    assert s47.get("outcome") == outcome
    assert [r.get("s47") for r in of(snapshot, "icpc")] == (["S1"] if "icpc_date" in enquiry else [])
    assert bool(s47.doubt("outcome")) == (outcome is None and "icpc_required_flag" in enquiry)


@pytest.mark.parametrize(
    ("more", "died"),
    [
        ({"closure_date": "2026-05-05", "closure_reason": "RC2"}, date(2026, 5, 5)),
        ({"closure_date": "2026-05-05", "closure_reason": "RC7"}, None),
        (
            {"child_looked_after_placements": [placement("L1", "2026-02-02", end_date="2026-03-03", end_reason="E2")]},
            date(2026, 3, 3),
        ),
        ({"closure_reason": "RC2"}, "on no known day"),
        (
            {
                "closure_date": "2026-05-05",
                "closure_reason": "RC2",
                "child_looked_after_placements": [
                    placement("L1", "2026-02-02", end_date="2026-03-03", end_reason="E2")
                ],
            },
            "different days of death",
        ),
    ],
)
def test_death_is_told_by_the_reason_of_a_closing_or_of_an_end_of_care(
    tmp_path: Path, more: dict[str, object], died: date | str | None
) -> None:
    (made,) = of(read_all(write(tmp_path / "in", [child(episode(**more))])), "child")
    if isinstance(died, str):
        assert died in doubts([made])["child.died"]
    else:
        assert made.day("died") == died


def test_a_value_that_cannot_be_read_is_a_doubt_that_does_not_repeat_it(tmp_path: Path) -> None:
    odd = child(
        episode("E1", "Jo Bloggs", referral_no_further_action_flag="no", closure_date={"day": 1}),
        episode("E2", "2026-02-30", child_protection_plans=[plan(start="05/01/2026"), plan("P2", "9999-12-31")]),
        child_details={"date_of_birth": 20150615, "expected_date_of_birth": "x" * 5000},
        health_and_wellbeing={
            "sdq_assessments": [{"date": "2026-02-02", "score": 41}, {"date": "2026-02-03", "score": True}]
        },
    )
    snapshot = read_all(write(tmp_path / "in", [odd]))
    found = [doubt for case in snapshot.cases for r in case.records for doubt in r.doubts]
    assert len(found) == 10
    assert not [d for d in found if "Bloggs" in d.why or "xxx" in d.why or "2015" in d.why]
    assert len(snapshot.rejects) == 0


def test_an_element_that_cannot_be_used_is_a_reject_with_its_place_and_the_rest_is_used(tmp_path: Path) -> None:
    payload = [
        "not a child",
        {"mis_child_id": "M1"},
        child(id_="two words"),
        child(id_="C9", purge="true"),
        child(
            episode(child_protection_plans=[plan(), {"start_date": "2026-01-01"}, 7], child_in_need_plans={}),
            {"referral_date": "2026-01-01"},
            episode("E3", child_looked_after_placements=[placement("L1", "31/03/2026")]),
            health_and_wellbeing={"sdq_assessments": [{"score": 3}, None]},
            child_details=[],
        ),
    ]
    snapshot = read_all(write(tmp_path / "in", payload))
    file = arrival(0)
    episodes = "social_care_episodes"
    assert {(r.where.removeprefix(f"{file}:"), r.column) for r in snapshot.rejects} == {
        ("[0]", ""),
        ("[1]", "la_child_id"),
        ("[2]", "la_child_id"),
        ("[3]", "purge"),
        ("[4].child_details", "child_details"),
        ("[4].health_and_wellbeing.sdq_assessments[0]", "date"),
        ("[4].health_and_wellbeing.sdq_assessments[1]", ""),
        (f"[4].{episodes}[0].child_protection_plans[1]", "child_protection_plan_id"),
        (f"[4].{episodes}[0].child_protection_plans[2]", ""),
        (f"[4].{episodes}[0].child_in_need_plans", "child_in_need_plans"),
        (f"[4].{episodes}[1]", "social_care_episode_id"),
        ("child_looked_after_placements L1", "start_date"),
    }
    assert not [r for r in snapshot.rejects if "two words" in r.why]
    assert len(of(snapshot, "cp_plan")) == 1 and len(of(snapshot, "referral")) == 2
    assert snapshot.counts["children"] == 1 + 5


def test_rows_are_elements_as_last_stated_however_often_they_are_said(tmp_path: Path) -> None:
    once = read_all(write(tmp_path / "in", [child(episode(child_protection_plans=[plan()]))]))
    often = read_all(write(tmp_path / "in", *([child(episode(child_protection_plans=[plan()]))] for _ in range(3))))
    assert once.accounts == often.accounts
    assert once.counts["child_protection_plans"] == once.counts["children"] == 1
    assert once.cases == often.cases


def test_what_is_stated_twice_is_set_aside_and_told(tmp_path: Path) -> None:
    leaver = {"contact_date": "2026-03-02"}
    worker = {"worker_id": "W1", "start_date": "2026-01-05"}
    twice = child(
        episode(care_leavers=leaver, child_protection_plans=[plan()], care_worker_details=[worker, worker]),
        episode("E2", care_leavers=leaver, child_protection_plans=[plan()]),
        episode("E3", care_leavers={"activity": "F2"}),
    )
    snapshot = read_all(write(tmp_path / "in", [twice]))
    assert len(of(snapshot, "leaver_contact")) == len(of(snapshot, "cp_plan")) == len(of(snapshot, "allocation")) == 1
    assert snapshot.accounts["care_leavers"].aside.total() == 1  # without a day of contact it is none
    assert snapshot.accounts["child_protection_plans"].aside.total() == 1
    assert any("care_leavers: 1 row set aside: stated twice" in note for note in snapshot.notes)


def test_fields_the_api_does_not_know_are_named_once_and_nothing_personal_is_kept(tmp_path: Path) -> None:
    payload = [
        child(
            episode(visits=[], child_protection_plans=[plan(reviewed="2026-03-03")]),
            child_details={"first_name": "Jo", "surname": "Bloggs", "postcode": "AB1 2CD", "Jo Bloggs": 1, "nick": "J"},
        )
        for _ in range(2)
    ]
    snapshot = read_all(write(tmp_path / "in", payload))
    (note,) = [n for n in snapshot.notes if "does not know" in n]
    assert note.endswith("left alone: (not a field name), nick, reviewed, visits")
    assert "Bloggs" not in repr(snapshot) and "AB1" not in repr(snapshot)


def test_the_digest_of_a_child_changes_with_what_is_said_of_it_alone(tmp_path: Path) -> None:
    from alertd.cases.sources.csc_api import open_payloads

    def digests(folder: Path) -> dict[str, bytes]:
        return {p.child: p.digest for p in open_payloads(folder, as_of=AS_OF).children()}

    before = digests(write(tmp_path / "in", [child(episode()), child(id_="C2")]))
    same = digests(write(tmp_path / "in", [child(episode()), child(id_="C2")], first=7))
    after = digests(write(tmp_path / "in", [child(episode(closure_date="2026-05-05"))], first=8))
    assert before == same
    assert before["C2"] == after["C2"] and before["C1"] != after["C1"]


def test_a_place_that_is_not_there_and_one_without_payloads_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        read(tmp_path / "none", as_of=AS_OF)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("x")
    with pytest.raises(InputError, match="holds no payload yet"):
        read(tmp_path / "in", as_of=AS_OF)
    with pytest.raises(InputError, match="no child in it can be used"):
        read(write(tmp_path / "in", [{"child": 1}]), as_of=AS_OF)


def test_an_assessment_authorised_before_it_began_is_in_doubt(tmp_path: Path) -> None:
    stated = {
        "child_and_family_assessment_id": "A1",
        "start_date": "2026-08-20",
        "authorisation_date": "2026-08-10",
    }
    found = of(read_all(write(tmp_path / "in", [child(episode(child_and_family_assessments=[stated]))])), "assessment")
    assert doubts(found) == {"assessment.authorised": "authorisation_date is before start_date"}
