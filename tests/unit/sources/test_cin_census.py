"""CIN censuses: what each element becomes, which year they speak for, how several become one."""

from datetime import date
from pathlib import Path

import pytest
from cin_census_xml import BORN, FULL, NOW, assessment, child, enquiry, header, need, part, plan, refused, write

from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Record, Snapshot, Unreadable, Window
from alertd.cases.sources.cin_census import FILLS, REPEATED, RESTATED, read
from alertd.cases.sources.cin_census_files import iso_day


def given_(folder: Path, *children: str, name: str = "census.xml", head: str | None = None) -> Snapshot:
    snapshot = read(write(folder, *children, name=name, head=head), as_of=NOW)
    assert all(account.adds_up for account in snapshot.accounts.values())
    return snapshot


def case(snapshot: Snapshot, ref: str = "C1") -> CaseFile:
    return next(c for c in snapshot.cases if c.child == ref)


def only(snapshot: Snapshot, kind: str, ref: str = "C1") -> Record:
    (record,) = case(snapshot, ref).of(kind)
    return record


def test_what_is_said_to_be_filled_is_filled_and_nothing_else(tmp_path: Path) -> None:
    snapshot = given_(tmp_path, FULL)
    filled: dict[str, set[str]] = {}
    for record in case(snapshot).records:
        assert record.doubts == ()
        filled.setdefault(record.kind, set()).update(record.values)
    assert filled == FILLS
    assert snapshot.holds == set(FILLS)
    assert {"s47.end", "cp_review.due_on", "icpc.transfer_in"} <= snapshot.lacks
    assert all("cin" in KINDS[kind].feeds_of(name) for kind, names in FILLS.items() for name in names)


def test_each_record_has_its_line_its_day_within_the_referral_and_its_links(tmp_path: Path) -> None:
    snapshot = given_(tmp_path, FULL)
    assert {(r.kind, r.key, r.where) for r in case(snapshot).records} == {
        ("child", "C1", "census.xml:4"),
        ("referral", "2023-05-02", "census.xml:6"),
        ("assessment", "2023-05-04 of 2023-05-02", "census.xml:8"),
        ("cin_plan", "2023-06-02 of 2023-05-02", "census.xml:9"),
        ("s47", "2023-06-01 of 2023-05-02", "census.xml:10"),
        ("icpc", "2023-06-20 of 2023-06-01 of 2023-05-02", "census.xml:10"),
        ("cp_plan", "2023-06-20 of 2023-05-02", "census.xml:11"),
        ("cp_review", "2023-09-01", "census.xml:11"),
        ("cp_review", "2024-02-01", "census.xml:11"),
    }
    assert {r.get("referral") for r in case(snapshot).records if r.kind in ("assessment", "cin_plan", "s47")} == {
        "2023-05-02"
    }
    assert only(snapshot, "icpc").get("s47") == only(snapshot, "s47").key
    assert only(snapshot, "icpc").day("due_on") == date(2023, 6, 22)


def test_a_census_speaks_for_the_year_to_its_reference_date(tmp_path: Path) -> None:
    snapshot = given_(tmp_path, FULL)
    assert snapshot.window == case(snapshot).window == Window(date(2023, 4, 1), date(2024, 3, 31))
    assert snapshot.as_at == date(2024, 3, 31)
    early = given_(tmp_path, FULL, head=header(ReferenceDate="2024-01-31"))
    assert early.window == Window(date(2023, 4, 1), date(2024, 1, 31))
    assert any("not of a 31 March" in note for note in early.notes)


def test_without_a_reference_date_the_year_is_taken_and_without_both_the_file_is_refused(tmp_path: Path) -> None:
    snapshot = given_(tmp_path, FULL, head=header(ReferenceDate=""))
    assert snapshot.as_at == date(2024, 3, 31)
    assert "census.xml: has no ReferenceDate, so 31 March of its Year is taken" in snapshot.notes
    assert "its year is not known" in refused(write(tmp_path, FULL, head=""))
    assert "census.xml:2: its ReferenceDate is a day that" in refused(
        write(tmp_path, FULL, head=header(ReferenceDate="2024-02-31"))
    )


@pytest.mark.parametrize(
    ("conference", "not_required", "outcome"),
    [
        ("2023-06-20", "0", "conference"),
        ("2023-06-20", "", "conference"),
        ("", "true", "no_conference"),
        ("", "1", "no_conference"),
        ("", "FALSE", "open"),
        ("", "0", "open"),
        ("", "", "open"),
    ],
)
def test_the_outcome_of_an_enquiry(tmp_path: Path, conference: str, not_required: str, outcome: str) -> None:
    snapshot = given_(tmp_path, child(need(enquiry("2023-06-01", conference, not_required))))
    assert only(snapshot, "s47").get("outcome") == outcome
    assert len(list(case(snapshot).of("icpc"))) == bool(conference)


@pytest.mark.parametrize(
    ("conference", "not_required", "why", "cause"),
    [
        ("2023-06-20", "1", "ICPCnotRequired is set and DateOfInitialCPC is given", "conflict"),
        ("20/06/2023", "0", "DateOfInitialCPC is not a date written yyyy-mm-dd", "unreadable"),
        ("", "perhaps", "ICPCnotRequired is neither 0, 1, true nor false", "unreadable"),
    ],
)
def test_an_outcome_that_cannot_be_told_is_in_doubt(
    tmp_path: Path, conference: str, not_required: str, why: str, cause: str
) -> None:
    snapshot = given_(tmp_path, child(need(enquiry("2023-06-01", conference, not_required))))
    (doubt,) = only(snapshot, "s47").doubts
    assert (doubt.field, doubt.why, doubt.cause) == ("outcome", why, cause)


def test_a_conference_stated_at_both_levels_is_one_and_one_without_an_enquiry_has_no_link(tmp_path: Path) -> None:
    stated = "<DateOfInitialCPC>{}</DateOfInitialCPC><ReferralNFA>"
    own = need(enquiry("2023-06-01", "2023-06-20"))
    both = own.replace("<ReferralNFA>", stated.format("2023-06-20"))
    assert only(given_(tmp_path, child(both)), "icpc").get("s47") == "2023-06-01 of 2023-05-02"
    other = own.replace("<ReferralNFA>", stated.format("2023-05-09"))
    first, second = case(given_(tmp_path, child(other))).of("icpc")
    assert (first.day("happened"), first.get("s47")) == (date(2023, 5, 9), None)
    assert (second.day("happened"), second.get("s47")) == (date(2023, 6, 20), "2023-06-01 of 2023-05-02")


def test_two_enquiries_that_led_to_one_conference_have_it_each(tmp_path: Path) -> None:
    snapshot = given_(tmp_path, child(need(enquiry("2023-06-01", "2023-06-20"), enquiry("2023-06-05", "2023-06-20"))))
    assert {r.get("s47") for r in case(snapshot).of("icpc")} == {r.key for r in case(snapshot).of("s47")}


def test_impossible_and_unreadable_days_are_doubts_that_name_the_element_and_not_the_cell(tmp_path: Path) -> None:
    snapshot = given_(
        tmp_path,
        child(
            need(assessment("2023-06-01", "2023-05-01"), closed="2023-05-01"),
            need(assessment("secret"), assessment(""), plan("1900-01-01", "secret", ""), start="secret"),
            who="<PersonBirthDate>secret</PersonBirthDate><ExpectedPersonBirthDate>1066-04-13</ExpectedPersonBirthDate>",
        ),
    )
    doubts = {(r.kind, d.field): (d.why, d.cause) for r in case(snapshot).records for d in r.doubts}
    assert doubts == {
        ("child", "born"): ("PersonBirthDate is not a date written yyyy-mm-dd", "unreadable"),
        ("child", "expected"): ("ExpectedPersonBirthDate has a year outside 1901 to 2199", "unreadable"),
        ("referral", "end"): ("end is before start", "conflict"),
        ("referral", "start"): ("CINreferralDate is not a date written yyyy-mm-dd", "unreadable"),
        ("assessment", "authorised"): ("AssessmentAuthorisationDate is before AssessmentActualStartDate", "conflict"),
        ("assessment", "start"): ("AssessmentActualStartDate is blank", "unreadable"),
        ("cp_plan", "start"): ("CPPstartDate has a year outside 1901 to 2199", "unreadable"),
        ("cp_review", "happened"): ("CPPreviewDate is blank", "unreadable"),
    }
    assert [r.key for r in case(snapshot).of("assessment") if r.doubt("start")] == [
        "undated 1 of undated 1",
        "undated 2 of undated 1",
    ]
    assert "secret" not in repr(snapshot)


def test_a_field_given_twice_is_in_doubt_only_where_it_differs(tmp_path: Path) -> None:
    twice = need().replace("<ReferralNFA>", "<CINclosureDate>2023-06-01</CINclosureDate><ReferralNFA>")
    same = twice.replace("<ReferralNFA>", "<CINclosureDate>2023-06-01</CINclosureDate><ReferralNFA>")
    assert only(given_(tmp_path, child(same)), "referral").day("end") == date(2023, 6, 1)
    differ = twice.replace("<ReferralNFA>", "<CINclosureDate>2023-06-02</CINclosureDate><ReferralNFA>")
    (doubt,) = only(given_(tmp_path, child(differ)), "referral").doubts
    assert (doubt.field, doubt.cause) == ("end", "conflict")


def test_what_stands_twice_is_one_and_set_aside_with_what_differs_in_doubt(tmp_path: Path) -> None:
    snapshot = given_(
        tmp_path,
        child(need(plan("2023-06-20", "2023-09-01"), plan("2023-06-20", "2023-09-01"), assessment("2023-05-04"))),
        child(need(assessment("2023-05-04", "2023-06-01"), closed="2023-07-01")),
    )
    assert only(snapshot, "cp_plan").doubts == ()
    assert only(snapshot, "referral").doubts[0].why == "CINclosureDate differs, see also census.xml:15"
    assert only(snapshot, "assessment").doubts[0].cause == "conflict"
    aside = {name.split()[-1]: account.aside[REPEATED] for name, account in snapshot.accounts.items()}
    assert aside == {
        "Child": 1,
        "CINdetails": 1,
        "Assessments": 1,
        "CINPlanDates": 0,
        "Section47": 0,
        "ChildProtectionPlans": 1,
        "Reviews": 1,
    }


def test_the_same_day_in_two_referrals_is_two_records(tmp_path: Path) -> None:
    snapshot = given_(
        tmp_path, child(need(assessment("2023-07-04")), need(assessment("2023-07-04"), start="2023-07-03"))
    )
    assert {r.get("referral") for r in case(snapshot).of("assessment")} == {"2023-05-02", "2023-07-03"}


def test_reviews_without_a_day_in_them_are_one_row_in_doubt(tmp_path: Path) -> None:
    empty = "<ChildProtectionPlans><CPPstartDate>2023-06-20</CPPstartDate><Reviews/></ChildProtectionPlans>"
    snapshot = given_(tmp_path, child(need(empty)))
    assert snapshot.counts["census.xml: Reviews"] == 1
    assert [d.why for d in only(snapshot, "cp_review").doubts] == ["CPPreviewDate is blank"]


def test_an_unborn_child_has_an_expected_day_and_no_birth(tmp_path: Path) -> None:
    who = "<ExpectedPersonBirthDate>2024-06-01</ExpectedPersonBirthDate>"
    record = only(given_(tmp_path, child(need(), who=who)), "child")
    assert record.values == {"expected": date(2024, 6, 1)}


def test_namespaces_stray_text_and_comments_are_no_part_of_the_data(tmp_path: Path) -> None:
    path = write(tmp_path, FULL)
    plain = read(path, as_of=NOW)
    text = path.read_text().replace("<Message>", '<c:Message xmlns:c="urn:x" xmlns="urn:y">')
    text = text.replace("</Message>", "</c:Message>").replace("</LAchildID>", "</LAchildID>stray<!-- x --><?x y?>")
    path.write_text(text)
    assert read(path, as_of=NOW).cases == plain.cases


def test_unknown_elements_are_named_in_one_note_and_what_the_department_has_besides_in_none(tmp_path: Path) -> None:
    more = (
        part("PreProceedingsandFGDM", PPStartDate="2023-06-01")
        + part("Novelty")
        + "<ReferralSource>1A</ReferralSource>"
    )
    characteristics = "<ChildCharacteristics><Ethnicity>WBRI</Ethnicity></ChildCharacteristics>"
    who = f"{BORN}<UPN>A1</UPN><Sex>1</Sex><GenderCurrent>9</GenderCurrent>"
    snapshot = given_(
        tmp_path, child(need(more), characteristics, who=who), "<Chield><a/></Chield>", child(need(), ref="C2")
    )
    strange = [note for note in snapshot.notes if "unknown" in note]
    assert strange == ["3 unknown elements left alone: Chield, Novelty, PreProceedingsandFGDM"]
    assert "A1" not in repr(snapshot)
    assert "WBRI" not in repr(snapshot)


def test_a_child_without_a_reference_is_rejected_with_all_its_rows(tmp_path: Path) -> None:
    others = [child(need(assessment("2023-06-01")), ref=f"C{n}") for n in range(30)]
    snapshot = given_(tmp_path, *others, child(need(assessment("2023-06-01")), ref=" "))
    assert [(r.why, r.column) for r in snapshot.rejects] == [("has no LAchildID", "LAchildID")] * 3
    assert "3 elements rejected" in snapshot.notes
    assert snapshot.counts["census.xml: Assessments"] == 31
    assert refused(write(tmp_path, child(ref=""), child(need()))).startswith("census.xml:4: 1 of 3 rows of this file")


def test_silence_of_an_element_that_a_census_has_not_once_proves_nothing(tmp_path: Path) -> None:
    snapshot = given_(tmp_path, child(need(assessment("2023-06-01"))))
    assert snapshot.holds == {"child", "referral", "assessment"}
    assert "Section47: none, so rules that need s47, icpc are not measured" in snapshot.notes
    write(tmp_path, child(need()), name="2023.xml", head=header(2023))
    both = read(tmp_path, as_of=NOW)
    assert both.holds == {"child", "referral"}
    assert "Assessments: 1 of 2 censuses have any, so rules that need assessment are not measured" in both.notes


def test_progress_hears_of_each_census(tmp_path: Path) -> None:
    heard: list[tuple[str, int]] = []
    read(write(tmp_path, FULL), as_of=NOW, progress=lambda what, n: heard.append((what, n)))
    assert heard == [("census.xml", 1)]


# ------------------------------------------------------------------ several years


def two_years(folder: Path, first: str, second: str) -> Snapshot:
    write(folder, first, name="a.xml", head=header(2024))
    write(folder, second, name="b.xml", head=header(2025))
    snapshot = read(folder, as_of=NOW)
    assert all(account.adds_up for account in snapshot.accounts.values())
    return snapshot


def test_the_later_census_wins_and_an_earlier_one_adds_what_it_alone_has(tmp_path: Path) -> None:
    first = child(need(assessment("2023-05-04", "2023-06-01"), plan("2023-06-20", "2023-09-01")))
    snapshot = two_years(
        tmp_path, first, child(need(plan("2023-06-20", "2024-05-01", end="2024-06-01"), closed="2024-07-01"))
    )
    assert only(snapshot, "referral").day("end") == date(2024, 7, 1)
    assert only(snapshot, "referral").where.startswith("b.xml:")
    assert only(snapshot, "cp_plan").day("end") == date(2024, 6, 1)
    assert [r.key for r in case(snapshot).of("cp_review")] == ["2023-09-01", "2024-05-01"]
    assert only(snapshot, "assessment").day("authorised") == date(2023, 6, 1)
    assert snapshot.window == case(snapshot).window == Window(date(2023, 4, 1), date(2025, 3, 31))
    assert snapshot.as_at == date(2025, 3, 31)
    assert snapshot.accounts["a.xml: CINdetails"].aside == {RESTATED: 1}
    assert "a.xml: CINdetails: 1 row set aside: " + RESTATED in snapshot.notes


def test_what_was_open_and_is_not_in_the_childs_later_census_has_its_end_in_doubt(tmp_path: Path) -> None:
    first = child(
        need(
            assessment("2023-05-04"),
            enquiry("2023-06-01"),
            plan("2023-06-20"),
            part("CINPlanDates", CINPlanStartDate="2023-06-02"),
        )
    )
    snapshot = two_years(tmp_path, first, child(need(start="2023-05-03")))
    doubts = {(r.kind, r.key[:10]): d.field for r in case(snapshot).records for d in r.doubts}
    assert doubts == {
        ("referral", "2023-05-02"): "end",
        ("assessment", "2023-05-04"): "authorised",
        ("s47", "2023-06-01"): "outcome",
        ("cp_plan", "2023-06-20"): "end",
        ("cin_plan", "2023-06-02"): "end",
    }
    assert not list(case(snapshot).of("icpc"))


def test_a_child_speaks_only_for_the_censuses_that_name_it(tmp_path: Path) -> None:
    snapshot = two_years(tmp_path, child(need(), ref="EARLY"), child(need(), ref="LATE"))
    assert case(snapshot, "EARLY").window == Window(date(2023, 4, 1), date(2024, 3, 31))
    assert only(snapshot, "referral", "EARLY").doubts == (), "nothing later says anything of this child"
    assert case(snapshot, "LATE").window == Window(date(2024, 4, 1), date(2025, 3, 31))


def test_of_two_files_of_one_year_the_one_made_later_is_taken(tmp_path: Path) -> None:
    made = "<Source><DateTime>2024-0{}-01T10:00:00</DateTime></Source></Header>"
    for name, month, closed in (("z.xml", 5, "2023-06-01"), ("a.xml", 6, "2023-06-02")):
        head = header().replace("</Header>", made.format(month))
        write(tmp_path, child(need(closed=closed)), name=name, head=head)
    assert only(read(tmp_path, as_of=NOW), "referral").day("end") == date(2023, 6, 2)


def test_other_xml_in_the_folder_is_named_and_left_alone(tmp_path: Path) -> None:
    write(tmp_path, FULL)
    write(tmp_path, FULL, name="school.xml", head=header(Collection="SCHOOL"))
    (tmp_path / "other.xml").write_text("<html/>")
    (tmp_path / "notes.txt").write_text("x")
    snapshot = read(tmp_path, as_of=NOW)
    assert "school.xml: not a CIN census, left alone" in snapshot.notes
    assert "other.xml: not a CIN census, left alone" in snapshot.notes
    assert len(snapshot.accounts) == 7


@pytest.mark.parametrize("text", ["2024-03-31", "2024-03-31Z", "2024-03-31+01:00", "2024-03-31T00:00:00"])
def test_days_as_xml_writes_them(text: str) -> None:
    assert iso_day(text) == date(2024, 3, 31)


@pytest.mark.parametrize(
    "text",
    [
        "31/03/2024",
        "2024-3-31",
        "2024-02-30",
        "1900-01-01",
        "9999-12-31",
        "20240331",
        "٢٠٢٤-٠٣-٣١",
        "2024-03-31T09:00:00",
    ],
)
def test_other_days_are_unreadable_and_the_reason_does_not_repeat_them(text: str) -> None:
    found = iso_day(text)
    assert isinstance(found, Unreadable)
    assert text not in found.why


def test_a_referral_on_the_day_of_one_that_went_no_further_is_one_of_its_own(tmp_path: Path) -> None:
    """Both are true: joined, they would leave the clock of the one that was taken up in doubt for ever."""
    dead = need(closed="2023-05-02").replace("<ReferralNFA>0<", "<ReferralNFA>1<")
    path = write(tmp_path, child(dead, need(assessment("2023-05-04"))))
    (case,) = read(path, as_of=NOW).cases
    closed, taken_up = case.of("referral")
    assert (taken_up.get("nfa"), taken_up.get("end"), taken_up.doubts) == (False, None, ())
    assert (closed.key, closed.get("nfa"), closed.day("end")) == ("2023-05-02 nfa", True, date(2023, 5, 2))
    (started,) = case.of("assessment")
    assert started.get("referral") == taken_up.key
    finished = child(need(assessment("2023-05-04", "2024-04-10"), closed="2024-04-20"))
    write(tmp_path, finished, name="later.xml", head=header(2025))
    (case,) = read(tmp_path, as_of=NOW).cases
    assert [(r.get("nfa"), r.day("end")) for r in case.of("referral")] == [
        (True, date(2023, 5, 2)),
        (False, date(2024, 4, 20)),
    ]
    assert [r.day("authorised") for r in case.of("assessment")] == [date(2024, 4, 10)]


@pytest.mark.parametrize(("closed", "died"), [("2023-08-01", date(2023, 8, 1)), ("", None)])
def test_a_case_closed_by_death_tells_of_it_where_no_day_of_death_does(
    tmp_path: Path, closed: str, died: date | None
) -> None:
    """Nobody should be asked to visit a child who has died."""
    by_death = need(plan("2023-06-20"), closed=closed).replace(
        "<ReferralNFA>", "<ReasonForClosure>RC2</ReasonForClosure><ReferralNFA>"
    )
    (case,) = read(write(tmp_path, child(by_death)), as_of=NOW).cases
    (record,) = case.of("child")
    assert record.get("died") == died
    assert bool(record.doubt("died")) == (died is None)
    (other,) = read(
        write(
            tmp_path,
            child(
                need(closed=closed).replace("<ReferralNFA>", "<ReasonForClosure>RC1</ReasonForClosure><ReferralNFA>")
            ),
        ),
        as_of=NOW,
    ).cases
    assert next(other.of("child")).get("died") is None
