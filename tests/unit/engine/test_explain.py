"""Why this date, why none, and when next: the working of one rule for one child, as text and as JSON."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from alertd.cases.records import CaseFile, Record, Snapshot, Window, make_record
from alertd.engine.explain import Explained, explain_one, lines
from alertd.rulebook.model import Rule, Rulebook

NOW = datetime(2026, 12, 21, 9, tzinfo=UTC)
HOLDS = frozenset({"care_period", "cla_review", "placement", "cla_visit", "missing", "allocation", "icpc"})


def rule(**changes: Any) -> Rule:
    written: dict[str, Any] = {
        "id": "r.review",
        "title": "First review",
        "why": "Because.",
        "law": {"cite": "SI 2010/959 reg 33(1)", "confidence": "V"},
        "for": "care_period",
        "clock": {"from": "start", "within": "5 working days"},
        "until": {"record": "cla_review"},
        "clears": "A review is recorded.",
        "warn": "D",
        "escalate": "L",
        "place": "looked_after.yaml:11",
    }
    return Rule.model_validate({name: v for name, v in {**written, **changes}.items() if v is not None})


def gap(**pattern: Any) -> Rule:
    return rule(clock=None, until=None, warn=None, **pattern)


def book(*rules: Rule, **changes: Any) -> Rulebook:
    return Rulebook.model_validate(
        {
            "rules": rules,
            "warnings": {"D": {"title": "t", "at": [{"before": "2 working days"}]}},
            "ladders": {"L": {"title": "t", "steps": [{"tell": ["worker"]}]}},
            **changes,
        }
    )


def entered(day: date | None, *more: Record) -> CaseFile:
    return CaseFile("C1", (make_record("care_period", "C1", "L1", "ssd_cla_episodes L1", {"start": day}), *more))


def placed(key: str, day: date, **values: object) -> Record:
    return make_record("placement", "C1", key, f"ssd_cla_placement {key}", {"start": day, **values})


def explained(rule_: Rule, case: CaseFile, rulebook: Rulebook | None = None) -> Explained:
    snapshot = Snapshot("test", (case,), HOLDS, Window(), {})
    return explain_one(snapshot, rulebook or book(rule_), rule_.id, NOW, NOW + timedelta(weeks=4))


def text(found: Explained) -> list[str]:
    return list(lines(found))


def test_the_working_is_a_calendar_of_counted_days_with_the_reason_of_each_that_is_not() -> None:
    found = explained(rule(), entered(date(2026, 12, 18)))
    shown = text(found)
    assert shown[:3] == [
        "First review (r.review, timescale)",
        "  why            Because.",
        "  law            SI 2010/959 reg 33(1) (confidence V; looked_after.yaml:11)",
    ]
    at = shown.index("care_period:L1, ssd_cla_episodes L1: running")
    assert shown[at + 1 :] == [
        "  starts         Fri 18 Dec 2026, day 0, from ssd_cla_episodes L1",
        "  limit          5 working days",
        "  statutory      Tue 29 Dec 2026  <- binds",
        "  local          none",
        "  plan           none",
        "  clears when    A review is recorded.",
        "                 Mon Tue Wed Thu Fri Sat Sun",
        "    14 Dec 2026                    0   -   -",
        "    21 Dec 2026    1   2   3   4   -   -   -   Fri Christmas Day",
        "    28 Dec 2026    -   5                       Mon Boxing Day (substitute day)",
        "",
        "when next, if nothing new is recorded",
        "  Wed 23 Dec 2026 00:00  care_period:L1: becomes upcoming",
        "  Tue 29 Dec 2026 00:00  care_period:L1: becomes due: worker",
        "  Wed 30 Dec 2026 00:00  care_period:L1: becomes overdue",
    ]


def test_the_versions_the_calendar_and_the_settings_are_named() -> None:
    setting = {"from": "start", "within": {"setting": "r.limit", "default": "2 weeks"}}
    shown = text(explained(rule(clock=setting), entered(date(2026, 12, 18))))
    assert "  setting        r.limit = 2 weeks" in shown
    assert any(line.startswith("  calendar       england-and-wales: bank holidays of holidays ") for line in shown)
    (version,) = [line for line in shown if line.startswith("  version")]
    assert version.endswith(" (words)") and len(version.split()[1]) == 12


def test_a_count_that_begins_with_the_day_itself_says_day_1() -> None:
    counted = {"from": "start", "within": "5 working days", "count_from": "same_day"}
    found = explained(rule(clock=counted), entered(date(2026, 12, 18)))
    assert "  starts         Fri 18 Dec 2026, day 1, from ssd_cla_episodes L1" in text(found)
    assert found.why[0].days[0].number == 1


def test_a_met_clock_says_when_and_where_and_no_longer_what_would_clear_it() -> None:
    review = make_record("cla_review", "C1", "R1", "ssd_cla_reviews R1", {"happened": date(2026, 12, 20)})
    found = explained(rule(), entered(date(2026, 12, 18), review))
    shown = text(found)
    assert shown[-1] == "care_period:L1: met, due Tue 29 Dec 2026, Sun 20 Dec 2026 (ssd_cla_reviews R1)"
    assert not [line for line in shown if "clears when" in line or "when next" in line]
    whole = list(lines(found, every_day=True))
    assert "  met            Sun 20 Dec 2026, ssd_cla_reviews R1" in whole
    assert "    21 Dec 2026    1   2   3   4   -   -   -   Fri Christmas Day" in whole


def test_a_booked_date_binds_and_is_named_as_the_limit() -> None:
    booked = make_record("cla_review", "C1", "R1", "w", {"due_on": date(2026, 12, 23)})
    clock = {"from": "start", "within": "5 working days", "plan": "due_on"}
    shown = text(explained(rule(clock=clock), entered(date(2026, 12, 18), booked)))
    assert "  limit          the date set in the plan" in shown
    assert "  plan           Wed 23 Dec 2026  <- binds" in shown
    assert "  statutory      Tue 29 Dec 2026" in shown


def test_what_cannot_be_told_names_the_field_and_where_to_look() -> None:
    found = explained(rule(), entered(None))
    assert "  cannot tell    no start is recorded (ssd_cla_episodes L1, start)" in text(found)
    assert "  clears when    A review is recorded." in text(found)
    assert found.why[0].days == ()


def test_what_is_asked_for_is_said_in_the_sentences_of_the_mails() -> None:
    (short,) = [line for line in text(explained(rule(), entered(date(2026, 12, 1)))) if line.startswith("  in short")]
    assert short == (
        "  in short       No looked-after review that clears this is recorded since Tue 1 Dec 2026. "
        "5 working days from Tue 1 Dec 2026 (SI 2010/959 reg 33(1))."
    )


def test_hours_counted_from_a_day_say_that_the_time_is_not_recorded() -> None:
    hours = {"from": "start", "within": "72 hours"}
    shown = text(explained(rule(clock=hours), entered(date(2026, 12, 21))))
    (start,) = [line for line in shown if line.startswith("  starts")]
    assert start.endswith("; the time is not recorded, so counted from 00:00")


def test_what_explains_a_late_date_is_shown_and_moves_nothing() -> None:
    missing = make_record("missing", "C1", "M1", "w", {"start": date(2026, 12, 1)})
    late = rule(explained_by=[{"record": "missing"}])
    shown = text(explained(late, entered(date(2026, 12, 1), missing)))
    (short,) = [line for line in shown if line.startswith("  in short")]
    assert short.endswith("Known: missing episode since Tue 1 Dec 2026. The date stands.")
    assert "  statutory      Tue 8 Dec 2026  <- binds" in shown


def test_a_pattern_shows_the_records_that_make_it() -> None:
    moves = gap(count={"record": "placement", "last": "12 months", "at_least": 2})
    case = entered(date(2026, 1, 1), placed("P1", date(2026, 1, 1)), placed("P2", date(2026, 12, 1)))
    shown = text(explained(moves, case))
    assert "  records        ssd_cla_placement P1, ssd_cla_placement P2" in shown
    assert any(line.startswith("First review (r.review, gap)") for line in shown)


def test_the_alert_that_speaks_for_this_one_is_named() -> None:
    worse = rule(id="r.worse", speaks_for=["r.review"])
    shown = text(explained(rule(), entered(date(2026, 12, 1)), book(rule(), worse)))
    assert "  spoken for by  r.worse" in shown


def test_a_loosened_limit_says_so_wherever_it_is_shown() -> None:
    by = {"officer": "Director", "reason": "Agreed by the board", "date": "2026-09-01"}
    found = explained(rule(loosened_by=by), entered(date(2026, 12, 1)))
    assert found.why[0].finding.limit == "5 working days (loosened)"
    (short,) = [line for line in text(found) if line.startswith("  in short")]
    assert "5 working days (loosened) from Tue 1 Dec 2026" in short
    assert short.endswith("Longer than the limit as published: Agreed by the board (Director, Tue 1 Sep 2026).")


def test_who_is_told_at_each_step_is_named_and_again_when_the_step_comes() -> None:
    ladder = {"title": "t", "steps": [{"tell": ["worker"]}, {"after": "1 week", "tell": ["service_manager", "iro"]}]}
    shown = text(explained(rule(), entered(date(2026, 12, 18)), book(rule(), ladders={"L": ladder})))
    assert "  tells          1: worker; 2: service manager, iro" in shown
    assert "  Tue 5 Jan 2027 00:00  care_period:L1: escalation step 2: service manager, iro" in shown


def test_a_length_nobody_has_set_is_what_clears_the_doubt() -> None:
    unset = {"from": "start", "within": {"setting": "r.limit", "no_default": True}}
    shown = text(explained(rule(clock=unset), entered(date(2026, 12, 18))))
    assert "  clears when    r.limit has a value: --set here, [rules.settings] for the daemon" in shown


def test_a_team_is_explained_by_its_own_rules() -> None:
    shorter = rule(clock={"from": "start", "within": "3 working days"})
    team = make_record("allocation", "C1", "A1", "w", {"start": date(2026, 1, 1), "team": "T1", "role": "CW"})
    found = explained(rule(), entered(date(2026, 12, 18), team), book(rule(), teams={"T1": book(shorter)}))
    assert found.why[0].finding.due == date(2026, 12, 23)


WHY_NOT: list[tuple[str, Rule, CaseFile, str]] = [
    ("no record", rule(), CaseFile("C1", ()), "the feed holds no period of being looked after for this child"),
    (
        "too few events",
        rule(clock={"from": {"record": "cla_review", "nth": "2"}, "within": "3 months"}),
        entered(date(2026, 12, 18)),
        "it counts from looked-after review number 2, and none is recorded",
    ),
    (
        "condition",
        rule(**{"for": "placement", "where": {"type": "U1"}, "until": {"record": "cla_visit"}}),
        CaseFile("C1", (placed("P1", date(2026, 1, 1), type="K2"),)),
        "type is recorded otherwise, and the rule is for U1",
    ),
    ("ahead", rule(), entered(date(2027, 1, 4)), "it begins on Mon 4 Jan 2027, which has not come"),
    (
        "not ended",
        rule(clock={"from": "end", "within": "5 working days"}),
        entered(date(2026, 1, 4)),
        "it counts from the end, and it has not ended",
    ),
    (
        "too early for the law",
        rule(clock={"from": "start", "within": [{"from": "2027-01-01", "value": "3 weeks"}]}),
        entered(date(2026, 1, 4)),
        "no limit was in force when it began",
    ),
    (
        "count",
        gap(count={"record": "placement", "last": "12 months", "at_least": 3}),
        entered(date(2026, 1, 1), placed("P1", date(2026, 1, 1))),
        "it takes 3 of placement of a looked-after child in the last 12 months; 1 at any time is recorded",
    ),
    (
        "no open",
        gap(no_open={"record": "allocation"}),
        entered(date(2026, 1, 1), make_record("allocation", "C1", "A1", "w", {"start": date(2026, 1, 1)})),
        "a matching worker or team allocated to the child is open",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule_", "case", "words"), [c[1:] for c in WHY_NOT], ids=[c[0] for c in WHY_NOT])
def test_why_a_rule_asks_nothing(rule_: Rule, case: CaseFile, words: str) -> None:
    found = explained(rule_, case)
    assert found.why == ()
    assert [reason.text for reason in found.why_not] == [words]


def test_a_feed_that_cannot_measure_a_rule_says_so() -> None:
    found = explained(rule(until={"record": "core_group"}), entered(date(2026, 1, 1)))
    assert "  cannot tell    this feed holds no core_group" in "\n".join(text(found))


def test_as_json_it_says_the_same() -> None:
    found = explained(rule(), entered(date(2026, 12, 18)))
    data = json.loads(json.dumps(found.as_json()))
    assert (data["rule"], data["kind"], data["child"]) == ("r.review", "timescale", "C1")
    assert data["law"]["cite"] == "SI 2010/959 reg 33(1)"
    assert data["version"] == {"timing": found.versions[0], "wording": found.versions[1]}
    (why,) = data["why"]
    assert (why["due"], why["stage"], why["binding"]) == ("2026-12-29", "running", "statutory")
    assert why["days"][0] == {"day": "2026-12-18", "number": 0, "skipped_because": None}
    assert [c["at"] for c in data["when_next"]] == [c.at.isoformat() for c in found.when_next]
    assert data["why_not"] == []


def test_what_no_calendar_can_count_is_explained_all_the_same_without_its_days() -> None:
    in_school_days = rule(clock={"from": "start", "within": "10 school days"})
    found = explained(in_school_days, entered(date(2026, 12, 1)))
    assert any("school days cannot be counted" in line for line in text(found))
    assert [w.days for w in found.why] == [()]


def test_that_another_team_has_a_rule_the_feed_cannot_measure_is_no_matter_of_this_child() -> None:
    theirs = book(rule(until={"record": "need"}))
    found = explained(rule(), entered(date(2026, 12, 18)), book(rule(), teams={"T2": theirs}))
    assert [w.finding.record for w in found.why] == ["care_period:L1"]
