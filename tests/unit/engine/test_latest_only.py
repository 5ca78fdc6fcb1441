"""A feed that holds only the latest of a kind: what can be told from it, what cannot, and that it says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time

from alertd.cases.records import LONDON, CaseFile, Window, make_record
from alertd.engine.evaluate import Evaluator, measurable
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.load import load_rulebook

RULEBOOK = load_rulebook([builtin_pack("england")], settings={"cp.visit.interval": "10 working days"})

TODAY = date(2026, 7, 1)


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), LONDON)


def case(reviewed: date, *, latest: bool) -> CaseFile:
    records = (
        make_record("child", "C1", "C1", "here", {"born": date(2015, 5, 1)}),
        make_record("care_period", "C1", "P1", "here", {"start": date(2024, 1, 8)}),
        make_record("cla_review", "C1", "R9", "here", {"happened": reviewed}),
    )
    return CaseFile("C1", records, Window(), latest=frozenset({"cla_review"} if latest else ()))


def stages(of: CaseFile, today: date) -> dict[str, str]:
    able, _ = measurable(RULEBOOK, {"care_period", "cla_review"}, (), of.latest)
    found = Evaluator.of(able).evaluate(of, noon(today))
    return {f.rule: f.stage for f in found if f.rule.startswith("cla.review.")}


def test_how_long_since_the_latest_is_told_and_says_from_what() -> None:
    seven_months_on = date(2025, 7, 1)
    found = stages(case(date(2024, 12, 2), latest=True), seven_months_on)
    assert found["cla.review.next"] == "overdue"
    able, _ = measurable(RULEBOOK, {"care_period", "cla_review"}, (), frozenset({"cla_review"}))
    finding = next(
        f
        for f in Evaluator.of(able).evaluate(case(date(2024, 12, 2), latest=True), noon(seven_months_on))
        if f.rule == "cla.review.next"
    )
    assert finding.basis == (
        "from a feed that holds only the latest cla_review of each child; which of them it is cannot be told, "
        "so the longest limit that may be meant is counted"
    )


def test_a_first_review_is_not_called_late_for_want_of_the_earlier_ones() -> None:
    found = stages(case(date(2024, 12, 2), latest=True), date(2024, 12, 10))
    assert found["cla.review.first"] == "unknown"
    assert stages(case(date(2024, 12, 2), latest=False), date(2024, 12, 10))["cla.review.first"] == "met_late"


def test_a_rule_that_counts_is_said_once_to_be_out_of_reach() -> None:
    _, unable = measurable(RULEBOOK, {"cp_plan"}, (), frozenset({"cp_plan"}))
    again = next(f for f in unable if f.rule == "gap.cp_repeat")
    assert again.cannot_tell is not None
    assert again.cannot_tell.text == "this feed holds only the latest cp_plan of each child"


def test_a_latest_review_soon_after_care_began_is_the_first_so_the_second_is_due_in_three_months() -> None:
    """It would else be given six: a date three months late."""
    found = stages(case(date(2024, 1, 30), latest=True), date(2024, 5, 2))
    assert found["cla.review.second"] == "overdue" and "cla.review.next" not in found
    later = stages(case(date(2024, 12, 2), latest=True), date(2025, 3, 10))
    assert later["cla.review.next"] == "running" and "cla.review.second" not in later


def test_whole_histories_have_no_basis_to_state() -> None:
    found = Evaluator.of(RULEBOOK).evaluate(case(date(2024, 12, 2), latest=False), noon(date(2025, 7, 1)))
    assert {f.basis for f in found} == {""}
    assert replace(found[0], basis="x").as_json()["basis"] == "x"


def test_what_cannot_be_counted_for_a_child_is_unknown_and_not_taken_as_too_few() -> None:
    """As where another feed holds them all for other children, so that the rule is measured."""
    child = make_record("child", "C1", "C1", "here", {"born": date(2015, 5, 1)})
    for name, one in (
        ("gap.rereferral", make_record("referral", "C1", "R9", "here", {"start": date(2026, 6, 1)})),
        (
            "gap.cp_repeat",
            make_record("cp_plan", "C1", "P9", "here", {"start": date(2026, 6, 1), "other_authority": False}),
        ),
    ):
        only = RULEBOOK.model_copy(update={"rules": tuple(r for r in RULEBOOK.rules if r.id == name)})
        stages_ = [
            [f.stage for f in Evaluator.of(only).evaluate(CaseFile("C1", (child, one), latest=latest), noon(TODAY))]
            for latest in (frozenset[str](), frozenset({one.kind}))
        ]
        assert stages_ == [[], ["unknown"]], name
