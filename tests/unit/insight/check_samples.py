"""Children whose records a check asks about, and children it must leave alone."""

from __future__ import annotations

from datetime import datetime

from alertd.cases.records import LONDON, Record, Unreadable
from tests.unit.engine.engine_samples import ODD, record


def child(born: str | None = "2015-06-03", **values: object) -> Record:
    return record("child", "C1", born=born, **values)


HELD = record("allocation", "A1", start="2015-06-03", worker="W1", team="T1", role="CW", team_only=False)


def at(kind: str, key: str = "R1", **values: object) -> Record:
    return record(kind, key, **values)


FIRE: list[tuple[str, list[Record], str, str]] = [
    # check, records, the record it is about, its field
    ("unreadable", [child(), at("sdq", happened="2026-01-05", score=ODD)], "sdq:R1", "score"),
    ("conflict", [child(), at("cp_plan", start="2026-05-05", end="2026-05-01")], "cp_plan:R1", "end"),
    ("conflict", [child(), at("icpc", happened="2026-05-05", s47="S9")], "icpc:R1", "s47"),
    ("undated", [child(), at("cp_plan", end="2026-05-01")], "cp_plan:R1", "start"),
    ("undated", [child(), at("cp_visit", child_seen=True)], "cp_visit:R1", "happened"),
    ("no_birth", [child(None)], "child:C1", "born"),
    ("no_child", [at("cp_visit", happened="2026-05-05")], "", ""),
    ("nobody_allocated", [child(), at("referral", start="2026-05-05")], "", ""),
    (
        "nobody_allocated",
        [
            child(),
            at("referral", start="2026-05-05"),
            at("allocation", start="2026-05-05", end="2026-06-01", worker="W"),
        ],
        "",
        "",
    ),
    ("no_conference", [child(), at("cp_plan", start="2026-05-05", other_authority=False)], "cp_plan:R1", "conference"),
    ("seen_unanswered", [child(), at("cp_visit", happened="2026-05-05")], "cp_visit:R1", "child_seen"),
    (
        "seen_unanswered",
        [child(), at("assessment", start="2026-05-05", authorised="2026-06-01")],
        "assessment:R1",
        "child_seen",
    ),
    (
        "out_of_order",
        [child(), at("assessment", start="2026-05-05", authorised="2026-05-04")],
        "assessment:R1",
        "authorised",
    ),
    ("in_future", [child(), at("cp_visit", happened="2026-11-21", child_seen=True)], "cp_visit:R1", "happened"),
    ("in_future", [child(), at("cp_plan", start="2026-05-05", end="2027-05-05")], "cp_plan:R1", "end"),
    ("in_future", [child("2026-12-01")], "child:C1", "born"),
    ("before_birth", [child(), at("placement", start="2015-06-02")], "placement:R1", "start"),
    ("before_birth", [child("2015-06-15"), at("placement", start="2015-05-31")], "placement:R1", "start"),
    ("before_birth", [child(), at("referral", start="2014-08-06")], "referral:R1", "start"),
    ("after_death", [child(died="2026-05-05"), at("cla_visit", happened="2026-05-06")], "cla_visit:R1", "happened"),
    ("expected_too_far", [child(None, expected="2027-11-23")], "child:C1", "expected"),
    ("birth_overdue", [child(None, expected="2026-10-29"), at("cp_plan", start="2026-09-01")], "child:C1", "born"),
    ("too_old", [child("2000-11-20"), at("cin_plan", start="2026-09-01")], "child:C1", "born"),
    ("too_old", [child("1911-01-01"), at("referral", start="2020-09-01", end="2020-10-01")], "child:C1", "born"),
    ("open_after_death", [child(died="2026-05-05"), at("placement", start="2026-01-01")], "placement:R1", "end"),
    ("open_at_18", [child("2008-11-20"), at("care_period", start="2020-01-01")], "care_period:R1", "end"),
    (
        "referral_closed",
        [child(), at("referral", start="2026-01-05", end="2026-05-05"), at("cp_plan", start="2026-02-02")],
        "cp_plan:R1",
        "end",
    ),
    (
        "plan_in_care",
        [child(), at("care_period", start="2026-05-05"), at("cp_plan", start="2026-02-02")],
        "cp_plan:R1",
        "end",
    ),
    (
        "overlapping",
        [
            child(),
            at("placement", "P1", start="2026-01-05", end="2026-03-03"),
            at("placement", "P2", start="2026-03-02"),
        ],
        "placement:P1",
        "end",
    ),
    (
        "overlapping",
        [child(), at("cp_plan", "P1", start="2026-01-05"), at("cp_plan", "P2", start="2026-03-02")],
        "cp_plan:P1",
        "end",
    ),
    (
        "twice",
        [
            child(),
            at("cp_visit", "V1", happened="2026-05-05", child_seen=True),
            at("cp_visit", "V2", happened="2026-05-05", child_seen=True),
        ],
        "cp_visit:V2",
        "happened",
    ),
    ("conference_on_day_off", [child(), at("icpc", happened="2026-05-09")], "icpc:R1", "happened"),
    ("conference_on_day_off", [child(), at("icpc", happened="2026-05-04")], "icpc:R1", "happened"),
    (
        "review_before_plan",
        [child(), at("cp_plan", start="2026-05-05"), at("cp_review", happened="2026-05-05")],
        "cp_review:R1",
        "happened",
    ),
    (
        "review_before_plan",
        [child(), at("cp_plan", start="2026-05-05"), at("cp_review", happened="2026-03-03")],
        "cp_review:R1",
        "happened",
    ),
    (
        "before_its_parent",
        [child(), at("referral", "F1", start="2026-05-05"), at("assessment", start="2026-05-01", referral="F1")],
        "assessment:R1",
        "start",
    ),
    (
        "missing_after_care",
        [child(), at("care_period", start="2026-01-05", end="2026-06-01"), at("missing", start="2026-05-20")],
        "missing:R1",
        "end",
    ),
    ("missing_for_long", [child(), at("missing", start="2025-11-19")], "missing:R1", "end"),
]


QUIET: list[tuple[str, list[Record]]] = [
    ("unreadable", [child(), at("sdq", happened="2026-01-05", score=12)]),
    ("unreadable", [child(), at("cp_plan", start=Unreadable("is before the year of the return", "window"))]),
    ("conflict", [child(), at("cp_plan", start="2026-05-05", end="2026-05-05")]),
    ("undated", [child(), at("cp_plan", start=ODD)]),  # it is unreadable, and asked about as such
    ("undated", [child(), at("cp_review", due_on="2026-12-01")]),
    ("undated", [child(), at("cla_review")]),  # called off
    ("undated", [child(), at("health_assessment", type="initial", status="planned")]),
    ("undated", [child(), at("planned_action", decided="2026-05-05")]),
    ("no_birth", [child(None, expected="2026-12-24")]),
    ("no_birth", [child(None, expected=ODD)]),
    ("no_child", [at("carer_approval", start="2026-05-05"), at("carer_review", happened="2026-05-06")]),
    ("nobody_allocated", [child(), at("referral", start="2026-05-05"), HELD]),
    (
        "nobody_allocated",
        [child(), at("referral", start="2026-05-05"), at("allocation", start="2026-05-05", team="T1")],
    ),
    ("nobody_allocated", [child(), at("referral", start="2026-05-05", end="2026-06-05")]),
    (
        "nobody_allocated",
        [child(), at("referral", start="2026-05-05"), at("allocation", start="2026-05-05", worker=ODD)],
    ),
    ("nobody_allocated", [child(died="2026-06-01"), at("referral", start="2026-05-05")]),
    ("no_conference", [child(), at("cp_plan", start="2026-05-05", conference="2026-05-05")]),
    ("no_conference", [child(), at("cp_plan", start="2026-05-05"), at("icpc", happened="2026-05-01")]),
    ("no_conference", [child(), at("cp_plan", start="2026-05-05", other_authority=True)]),
    ("no_conference", [child(), at("cp_plan", start="2026-05-05", end="2026-09-05")]),
    ("seen_unanswered", [child(), at("cp_visit", happened="2026-05-05", child_seen=False)]),
    ("seen_unanswered", [child("2026-06-01"), at("cp_visit", happened="2026-05-05")]),  # not born by then
    ("seen_unanswered", [child(None, expected="2026-12-24"), at("cp_visit", happened="2026-05-05")]),
    ("seen_unanswered", [child(), at("assessment", start="2026-11-05")]),  # under way
    ("out_of_order", [child(), at("assessment", start="2026-05-05", authorised="2026-05-05")]),
    ("in_future", [child(), at("cp_visit", happened="2026-11-20", child_seen=True)]),
    ("in_future", [child(), at("missing", start=datetime(2026, 11, 20, 23, 50, tzinfo=LONDON))]),
    ("in_future", [child(None, expected="2027-03-01")]),
    ("in_future", [child(), at("cp_review", happened="2026-05-05", due_on="2027-05-05")]),
    ("in_future", [child(), at("planned_session", happened="2027-05-05"), at("school_term", start="2027-01-05")]),
    ("in_future", [child(), at("worker_away", start="2026-11-05", end="2026-12-05", type="away")]),
    ("before_birth", [child(), at("cp_plan", start="2015-03-01"), at("cp_visit", happened="2015-03-05")]),
    ("before_birth", [child(), at("placement", start="2015-06-03")]),
    ("before_birth", [child("2015-06-15"), at("placement", start="2015-06-03")]),  # the 15th may stand for no day
    ("before_birth", [child(None, expected="2026-12-24"), at("referral", start="2026-10-01")]),
    ("before_birth", [child(), at("sibling_event", start="2010-01-01", type="cp_plan")]),
    ("after_death", [child(died="2026-05-05"), at("cla_visit", happened="2026-05-05")]),
    (
        "after_death",
        [child(died="2026-05-05"), at("serious_incident", happened="2026-05-06"), at("complaint", start="2026-07-01")],
    ),
    ("expected_too_far", [child(None, expected="2027-07-01")]),
    ("birth_overdue", [child(None, expected="2026-10-30"), at("cp_plan", start="2026-09-01")]),
    ("birth_overdue", [child("2026-10-20", expected="2026-10-01"), at("cp_plan", start="2026-09-01")]),
    ("birth_overdue", [child(None, expected="2020-10-01"), at("cp_plan", start="2020-09-01", end="2020-10-08")]),
    ("too_old", [child("2000-11-21"), at("cin_plan", start="2026-09-01")]),
    ("too_old", [child("1995-01-01"), at("referral", start="2019-09-01", end="2019-10-01")]),
    ("open_after_death", [child(died="2026-05-05"), at("placement", start="2026-01-01", end="2026-05-05")]),
    ("open_at_18", [child("2008-11-21"), at("care_period", start="2020-01-01")]),
    (
        "open_at_18",
        [child("2008-11-20"), at("care_leaver", eligibility="relevant"), at("cin_plan", start="2020-01-01")],
    ),
    (
        "referral_closed",
        [child(), at("referral", "F1", start="2025-01-05", end="2025-05-05"), at("cp_plan", start="2026-02-02")],
    ),
    (
        "referral_closed",
        [
            child(),
            at("referral", "F1", start="2026-01-05", end="2026-05-05"),
            at("referral", "F2", start="2026-05-05"),
            at("cp_plan", start="2026-02-02"),
        ],
    ),
    ("referral_closed", [child(), at("referral", start="2026-01-05", end=ODD), at("cp_plan", start="2026-02-02")]),
    (
        "plan_in_care",
        [child(), at("care_period", start="2026-05-05"), at("cp_plan", start="2026-02-02", end="2026-05-05")],
    ),
    ("plan_in_care", [child(), at("care_period", start="2026-05-05"), at("cp_plan", start="2026-02-02", end=ODD)]),
    (
        "overlapping",
        [
            child(),
            at("placement", "P1", start="2026-01-05", end="2026-03-02"),
            at("placement", "P2", start="2026-03-02"),
        ],
    ),
    (
        "overlapping",
        [
            child(),
            at("placement", "P1", start="2026-01-05"),
            at("placement", "P2", start="2026-03-02", type="T1", end="2026-03-09"),
        ],
    ),
    ("overlapping", [child(), at("missing", "P1", start="2026-01-05"), at("missing", "P2", start="2026-03-02")]),
    (
        "twice",
        [
            child(),
            at("cp_visit", "V1", happened="2026-05-05", child_seen=True),
            at("cp_visit", "V2", happened="2026-05-05", child_seen=False),
        ],
    ),
    ("twice", [child(), at("contact", "V1", happened="2026-05-05"), at("contact", "V2", happened="2026-05-05")]),
    ("twice", [child(), at("cp_visit", "V1", child_seen=True), at("cp_visit", "V2", child_seen=True)]),
    ("conference_on_day_off", [child(), at("icpc", happened="2026-05-05"), at("cp_review", happened="2026-05-09")]),
    ("review_before_plan", [child(), at("cp_plan", start="2026-05-05"), at("cp_review", happened="2026-05-06")]),
    (
        "review_before_plan",
        [
            child(),
            at("cp_plan", "P1", start="2025-09-01", end="2026-03-03"),
            at("cp_plan", "P2", start="2026-05-05"),
            at("cp_review", happened="2026-03-03"),
        ],
    ),
    (
        "review_before_plan",
        [child(), at("cp_plan", start="2026-05-05"), at("cp_review", happened="2024-03-03")],
    ),  # of a plan before the feed begins
    (
        "before_its_parent",
        [child(), at("referral", "F1", start="2026-05-05"), at("assessment", start="2026-05-05", referral="F1")],
    ),
    ("missing_after_care", [child(), at("care_period", start="2026-01-05"), at("missing", start="2026-05-20")]),
    (
        "missing_after_care",
        [child(), at("care_period", start="2026-01-05", end="2026-06-01"), at("missing", start="2026-06-20")],
    ),
    (
        "missing_for_long",
        [child(), at("missing", start="2025-11-20"), at("missing", "M2", start="2020-01-01", end="2020-01-02")],
    ),
]
