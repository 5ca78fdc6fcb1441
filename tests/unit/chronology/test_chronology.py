"""What a chronology tells of each kind of record: once, in order, and nothing lost."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertd.cases.kind import Field
from alertd.cases.kinds import KINDS
from alertd.cases.records import LONDON, CaseFile, Dispute, Record, Unreadable, Window, case_file, make_record
from alertd.cases.sources.own_cells import CODES
from alertd.chronology.chronology import chronology, limits, of_groups
from alertd.chronology.entry import Entry
from alertd.chronology.groups import GROUP_OF, GROUPS
from alertd.chronology.telling import begun
from tests.unit.chronology.chronology_samples import TODAY, case, rec


def told(*records: Record, today: date = TODAY) -> list[tuple[str | None, str, str]]:
    entries = chronology(case(*records), today)
    return [(entry.day.isoformat() if entry.day else None, entry.headline, entry.detail) for entry in entries]


def day(text: str) -> date:
    return date.fromisoformat(text)


def test_every_kind_has_a_group_and_every_group_a_kind() -> None:
    assert set(GROUP_OF) == set(KINDS)
    assert set(GROUP_OF.values()) == set(GROUPS)


def test_entering_care_is_one_entry_and_changes_are_told_as_changes() -> None:
    start, moved, order, left = day("2026-01-05"), day("2026-03-02"), day("2026-04-01"), day("2026-07-06")
    found = told(
        rec("care_period", "1", start=start, end=left),
        rec("placement", "1", start=start, end=moved, type="U6", change_reason="CREQB"),
        rec("placement", "2", start=moved, end=left, type="K2"),
        rec("legal_status", "1", start=start, end=order, status="C1"),
        rec("legal_status", "2", start=order, end=left, status="C2"),
    )
    assert found == [
        ("2026-01-05", "Came into care (interim care order; foster placement with another foster carer)", ""),
        (
            "2026-03-02",
            "Moved: children's home",
            "Placement before: foster placement with another foster carer; it ended because the carer asked for it, "
            "on account of the child's behaviour.",
        ),
        ("2026-04-01", "Legal status changed: full care order", "Legal status before: interim care order."),
        ("2026-07-06", "Left care", "After 6 months."),
    ]


def test_a_move_and_an_order_of_one_day_are_one_entry() -> None:
    start, both = day("2026-01-05"), day("2026-03-02")
    found = told(
        rec("placement", "1", start=start, end=both, type="U6"),
        rec("placement", "2", start=both, type="U6"),
        rec("legal_status", "1", start=start, end=both, status="V2"),
        rec("legal_status", "2", start=both, status="C2"),
    )
    assert found[1][1] == (
        "Moved to another placement of the same kind: foster placement with another foster carer. "
        "Legal status changed: full care order"
    )
    assert found[1][2] == "Placement before: of the same kind. Legal status before: accommodated under section 20."


def test_a_placement_after_a_gap_is_no_move() -> None:
    found = told(
        rec("placement", "1", start=day("2025-01-05"), end=day("2025-03-02"), type="U6"),
        rec("placement", "2", start=day("2026-01-05"), type="XX"),
    )
    assert [headline for _, headline, _ in found] == [
        "Placed: foster placement with another foster carer",
        "Placed: placement recorded as XX",
    ]


def test_care_that_ends_as_another_period_begins_ends_first() -> None:
    found = told(
        rec("care_period", "1", start=day("2026-01-05"), end=day("2026-03-02")),
        rec("care_period", "2", start=day("2026-03-02"), end=day("2026-03-02")),
    )
    assert [headline for _, headline, _ in found] == ["Came into care", "Left care", "Came into care", "Left care"]


def test_who_has_the_case_is_told_as_what_changed() -> None:
    first, second, gone, again = day("2026-01-05"), day("2026-02-02"), day("2026-03-02"), day("2026-03-09")
    cases = case(
        rec("referral", "1", start=first),
        rec("allocation", "1", start=first, end=second, worker="W1", team="T1", role="CW"),
        rec("allocation", "2", start=second, end=gone, worker="W2", team="T1", role="CW"),
        rec("allocation", "3", start=again, worker="W3", role="CW"),
        rec("allocation", "4", start=again, worker="W9", team="T9", role="IRO"),
    )
    names = {"W1": "Ann Example", "W2": "Ben Example", "T1": "North"}
    found = chronology(cases, TODAY, lambda key: names.get(key, key))
    assert [(entry.headline, entry.detail) for entry in found if entry.kind == "allocation"] == [
        ("Allocated to Ann Example (team North)", ""),
        ("Worker changed from Ann Example (team North) to Ben Example (team North)", ""),
        ("No lead worker from this day: Ben Example (team North) had the case until now", ""),
        (
            "Allocated to W3",
            "Nobody is recorded as the lead worker from Mon 2 Mar 2026, for 7 days; before that it was "
            "Ben Example (team North).",
        ),
        ("Independent reviewing officer: W9 (team T9)", ""),
    ]


@pytest.mark.parametrize(
    ("seen", "alone", "headline"),
    [
        (True, True, "Seen alone on a child protection visit"),
        (True, False, "Seen on a child protection visit, not alone"),
        (True, None, "Seen on a child protection visit"),
        (False, False, "Not seen on a child protection visit"),
        (None, True, "Seen alone on a child protection visit"),
        (None, False, "Child protection visit: not seen alone"),
        (None, None, "Child protection visit"),
    ],
)
def test_a_visit_says_no_more_than_its_record(seen: bool | None, alone: bool | None, headline: str) -> None:
    ((_, said, _),) = told(rec("cp_visit", "1", happened=day("2026-03-02"), child_seen=seen, seen_alone=alone))
    assert said == headline


def test_a_visit_entered_late_says_by_how_many_days() -> None:
    late = rec("cp_visit", "1", happened=day("2026-03-02"), recorded=day("2026-03-12"))
    same = rec("cp_visit", "2", happened=day("2026-03-03"), recorded=day("2026-03-03"))
    assert [entry.recorded_late for entry in chronology(case(late, same), TODAY)] == [10, None]


def test_a_conference_its_plan_and_its_decisions_are_one_event() -> None:
    held = day("2026-03-02")
    cases = case(
        rec("icpc", "1", happened=held, due_on=day("2026-02-27"), transfer_in=False),
        rec("cp_plan", "1", start=held, other_authority=False),
        rec("conference_decisions", "1", happened=held, sent=day("2026-03-03")),
    )
    (entry,) = chronology(cases, TODAY)
    assert entry.headline == "Initial child protection conference held: child protection plan made"
    assert entry.detail == (
        "Held 3 days after the date set for it (Fri 27 Feb 2026). Decisions sent out: Tue 3 Mar 2026."
    )
    assert set(entry.records) == {"icpc:1", "cp_plan:1", "conference_decisions:1"}


def test_a_booking_is_told_on_its_day_as_due_or_as_not_recorded_as_held() -> None:
    past, ahead = day("2026-08-03"), day("2026-09-07")
    found = told(rec("cla_review", "1", due_on=past), rec("cla_review", "2", due_on=ahead))
    assert found == [
        ("2026-08-03", "Looked-after review was due; not recorded as held", ""),
        ("2026-09-07", "Looked-after review due", ""),
    ]


def test_the_ends_that_matter_are_entries_of_their_own() -> None:
    start, end = day("2026-01-05"), day("2026-03-02")
    found = told(
        rec("referral", "1", start=start, end=end, nfa=True),
        rec("assessment", "1", start=start, authorised=end, outcome="services", child_seen=True),
        rec("s47", "1", start=start, end=end, outcome="no_conference"),
    )
    assert [(on, headline) for on, headline, _ in found if on == "2026-03-02"] == [
        ("2026-03-02", "Child and family assessment authorised: services to be provided"),
        ("2026-03-02", "Section 47 enquiry ended: no conference"),
        ("2026-03-02", "Referral closed: no further action"),
    ]


def test_on_the_last_day_the_case_is_closed_last() -> None:
    start, end = day("2026-01-05"), day("2026-03-02")
    found = told(rec("referral", "1", start=start, end=end), rec("cin_plan", "1", start=start, end=end))
    assert [headline for _, headline, _ in found[2:]] == ["Child in need plan ended", "Case closed"]


def test_a_missing_child_is_told_by_the_hour() -> None:
    left, back = datetime(2026, 3, 2, 22, 10, tzinfo=LONDON), datetime(2026, 3, 3, 6, 5, tzinfo=LONDON)
    found = told(rec("missing", "1", start=left, end=back, type="missing", interview_offered=False))
    assert found == [
        ("2026-03-02", "Went missing", "At 22:10. No return interview was offered."),
        ("2026-03-03", "Returned, or was found", "At 06:05, after 8 hours."),
    ]


def test_what_has_no_usable_date_stands_at_the_end_and_says_why() -> None:
    found = told(
        rec("child", "1", born=day("2015-05-05")),
        rec("cp_visit", "1"),
        rec("cp_visit", "2", happened=Unreadable("is not a day")),
        rec("cp_visit", "3", happened=day("2026-08-20")),
        rec("cp_visit", "4", happened=day("2005-08-20")),
        rec("care_period", "5", start=Unreadable("began before the return", "window"), end=day("2026-01-05")),
        rec("need", "6", happened=day("2026-02-02"), type="housing"),
    )
    unseen = "Whether the child was seen is not recorded."
    assert found == [
        ("2015-05-05", "Born", ""),
        ("2026-01-05", "Left care", ""),
        ("2026-02-02", "Need found: housing", ""),
        (None, "In care", "Its date is not known here: began before the return."),
        (None, "Child protection visit", f"No date is recorded for it. {unseen}"),
        (None, "Child protection visit", f"Its date cannot be used: is not a day. {unseen}"),
        (None, "Child protection visit", f"It is dated Thu 20 Aug 2026, which has not come yet. {unseen}"),
        (None, "Child protection visit", f"It is dated Sat 20 Aug 2005, long before the child was born. {unseen}"),
    ]


def test_what_is_wrong_with_a_record_is_said_where_it_is_told() -> None:
    plan = rec("cp_plan", "1", start=day("2026-03-02"), end=day("2026-02-02"))
    dispute = Dispute("cp_plan", "1", "start", "cp_plans P1", "census.xml:12")
    left_out = Dispute("cin_plan", "9", "", "census.xml:15", "ssd")
    disputed = CaseFile("1", (plan,), disputes=(dispute, left_out))
    first, last = chronology(disputed, TODAY)
    assert first.detail == (
        "Its end is in doubt: end is before start. "
        "The feeds do not agree on its start: see cp_plans P1 and census.xml:12."
    )
    assert (last.day, last.headline) == (None, "In dispute: child in need plan")
    assert last.detail == "It is in census.xml:15 and not in ssd, so it is told nowhere else."


def test_a_run_of_what_comes_over_and_over_is_one_entry() -> None:
    days = [day("2026-03-02") + timedelta(28 * n) for n in range(4)]
    supervised = [rec("case_supervision", f"{n}", happened=on) for n, on in enumerate(days)]
    between = rec("cin_review", "1", happened=days[2] + timedelta(1))
    run, review, last = chronology(case(*supervised, between), TODAY)
    assert (run.headline, run.day, run.until) == ("Manager's supervision entry, 3 times", days[0], days[2])
    assert run.records == ("case_supervision:0", "case_supervision:1", "case_supervision:2")
    assert [review.kind, last.kind] == ["cin_review", "case_supervision"]


def test_only_the_groups_that_are_asked_for() -> None:
    on = day("2026-03-02")
    entries = chronology(case(rec("cp_visit", "1", happened=on), rec("cin_review", "1", happened=on)), TODAY)
    assert [entry.kind for entry in of_groups(entries, frozenset({"visits"}))] == ["cp_visit"]
    assert of_groups(entries, frozenset()) == entries


def test_what_the_feeds_do_not_hold_is_said() -> None:
    review = rec("cla_review", "1", happened=day("2026-03-02"))
    window = Window(day("2025-04-01"), day("2026-03-31"))
    of_a_return = case_file("1", [review], window, of_kinds={}, latest=frozenset({"cla_review", "cp_review"}))
    assert limits(of_a_return) == (
        "The records speak for the days from Tue 1 Apr 2025 to Tue 31 Mar 2026: that nothing is told of others "
        "proves nothing.",
        "Only the latest of each of these is held, whatever came before: looked-after review.",
    )
    assert limits(case(review)) == ()


def value_of(kind: str, field: Field, draw: st.DrawFn) -> Any:
    if field.type == "yes/no":
        return draw(st.booleans())
    if field.type == "number":
        return draw(st.integers(0, 90))
    if field.type == "text":
        codes = CODES.get(f"{kind}.{field.name}", ("A1", "CW", "U6", "C2"))
        return draw(st.sampled_from(["1", "2"] if field.links else codes))
    found = TODAY + timedelta(draw(st.sampled_from((-400, -40, 30)) | st.integers(-900, 60)))
    if field.type == "moment" and draw(st.booleans()):
        return datetime(found.year, found.month, found.day, 23, 30, tzinfo=LONDON)
    return found


OF_ONE_DAY = (
    *("care_period", "placement", "legal_status", "allocation", "case_supervision", "delivery"),
    *("icpc", "cp_review", "cp_plan", "conference_decisions", "cla_review", "review_record", "sdq", "sdq_standing"),
)
"""Kinds that are told together where they fall on one day, or follow each other."""


@st.composite
def records(draw: st.DrawFn) -> Record:
    kind = KINDS[draw(st.sampled_from(sorted(KINDS)) | st.sampled_from(OF_ONE_DAY))]
    raw: dict[str, object] = {}
    for field in kind.fields:
        how = draw(st.sampled_from(["value", "value", "blank", "odd"]))
        if how != "blank":
            raw[field.name] = Unreadable("odd") if how == "odd" else value_of(kind.name, field, draw)
    return make_record(kind.name, "1", draw(st.sampled_from("123")), f"row {draw(st.integers(1, 9))}", raw)


def shuffled(entries: CaseFile) -> CaseFile:
    found = list(entries.records)
    random.Random(1).shuffle(found)
    return CaseFile(entries.child, tuple(found), entries.window)


@settings(max_examples=300, deadline=None)
@given(st.lists(records(), max_size=25))
def test_every_record_is_told_once_in_a_stable_order_and_nothing_is_lost(made: list[Record]) -> None:
    whole = case_file("1", made, Window(), of_kinds={})
    entries = chronology(whole, TODAY)
    where: dict[str, Entry] = {ref: entry for entry in entries if not entry.closes for ref in entry.records}
    told = Counter(ref for entry in entries if not entry.closes for ref in entry.records)
    assert told == Counter(record.ref for record in whole.records)
    assert {ref for entry in entries for ref in entry.records} == set(told)
    assert [e.day or date.max for e in entries] == sorted(e.day or date.max for e in entries)
    assert chronology(shuffled(whole), TODAY) == entries
    assert all(entry.headline and GROUP_OF[entry.kind] == entry.group for entry in entries)
    for record in whole.records:
        entry = where[record.ref]
        if entry.day is None:
            assert "date" in entry.detail
        elif len(entry.records) == 1:
            assert entry.day == begun(record)
        for doubt in record.doubts:
            assert doubt.why in entry.detail or len(entry.records) > 1
