"""The rolling record: every chain whole, broken where it is broken, and untold where no feed can tell."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertd.cases.records import LONDON, CaseFile, Record, Window, case_file
from alertd.chronology.needs import Need
from alertd.chronology.rolling_record import CHAIN, RollingRecord, rolling_record
from alertd.engine.evaluate import Evaluator
from alertd.engine.findings import Finding
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.load import load_rulebook
from tests.unit.chronology.chronology_samples import TODAY, case, rec, synthetic

HELD: Final = frozenset(CHAIN)
FOUND, BEGAN, ENDED = date(2026, 2, 2), date(2026, 2, 9), date(2026, 6, 1)

NEED = rec("need", "N", happened=FOUND, type="parenting")
ACTION = rec("planned_action", "A", start=BEGAN, end=ENDED, need="N", type="parenting", decided=FOUND)
DELIVERIES = tuple(rec("delivery", f"D{n}", happened=BEGAN + timedelta(30 * n), planned_action="A") for n in range(3))
OUTCOME = rec("outcome", "O", happened=ENDED, planned_action="A")
WHOLE = (NEED, ACTION, *DELIVERIES, OUTCOME)


def rolled(*records: Record, holds: frozenset[str] = HELD, window: Window | None = None) -> RollingRecord:
    whole = case_file("1", records, window or Window(), of_kinds={})
    return rolling_record(whole, TODAY, holds=holds)


def only(*records: Record, holds: frozenset[str] = HELD, window: Window | None = None) -> Need:
    (need,) = rolled(*records, holds=holds, window=window).needs
    return need


def broken(need: Need) -> list[tuple[str, str, date | None]]:
    return [(each.kind, each.text, each.since) for each in need.breaks]


def test_a_whole_chain_is_told_from_the_need_to_its_outcome() -> None:
    worker = rec("allocation", "1", start=date(2026, 1, 1), worker="W1", team="T1", role="CW")
    need = only(*WHOLE, worker)
    assert [(s.stage, s.what, s.day, s.until, s.state, s.who) for s in need.steps] == [
        ("need", "Need: parenting", FOUND, None, "recorded", "W1 (team T1)"),
        ("planned", "Planned action: parenting (planned on Mon 2 Feb 2026)", BEGAN, ENDED, "recorded", "W1 (team T1)"),
        ("done", "Delivered 3 times", BEGAN, date(2026, 4, 10), "recorded", "W1 (team T1)"),
        ("outcome", "Outcome recorded", ENDED, None, "recorded", "W1 (team T1)"),
    ]
    assert (need.breaks, need.cannot_tell, need.standing) == ((), (), "outcome recorded, not closed")
    assert need.followed


def test_a_need_that_nobody_planned_for_is_broken_since_it_was_found() -> None:
    need = only(NEED)
    assert broken(need) == [("unplanned", "No planned action is recorded since Mon 2 Feb 2026.", FOUND)]
    assert (need.standing, need.followed, need.steps[1].state) == ("nothing planned", True, "missing")


def test_a_need_found_today_is_not_broken_yet() -> None:
    assert only(rec("need", "N", happened=TODAY)).breaks == ()


def test_a_need_closed_without_a_plan_says_so_and_is_not_followed() -> None:
    need = only(rec("need", "N", happened=FOUND, closed=ENDED))
    assert broken(need) == [("unplanned", "It was closed without a planned action.", FOUND)]
    assert (need.open, need.followed, need.standing) == (False, False, "closed, and nothing was planned")


def test_a_plan_past_its_day_with_nothing_delivered_is_broken_since_that_day() -> None:
    need = only(NEED, ACTION)
    text = "Nothing is recorded as delivered of the planned action (parenting), which was to begin on Mon 9 Feb 2026."
    assert broken(need) == [("undelivered", text, BEGAN)]
    assert need.steps[-1].what == "Nothing delivered"


@pytest.mark.parametrize(("start", "state"), [(TODAY, "recorded"), (TODAY + timedelta(1), "ahead")])
def test_a_plan_whose_day_has_not_passed_is_not_broken(start: date, state: str) -> None:
    need = only(NEED, rec("planned_action", "A", start=start, need="N"))
    assert need.breaks == ()
    assert need.steps[1].state == state


def test_a_plan_without_a_day_to_begin_says_so() -> None:
    need = only(NEED, rec("planned_action", "A", need="N", decided=FOUND), DELIVERIES[0])
    assert broken(need) == [("undated", "No day is recorded on which the planned action is to begin.", FOUND)]


def test_a_service_that_ended_without_an_outcome_is_followed_though_the_need_is_closed() -> None:
    closed = rec("need", "N", happened=FOUND, closed=ENDED, type="parenting")
    need = only(closed, ACTION, *DELIVERIES)
    text = "No outcome is recorded of the planned action (parenting), which ended on Mon 1 Jun 2026."
    assert broken(need) == [("no_outcome", text, ENDED)]
    assert (need.open, need.followed) == (False, True)
    assert need.standing == "closed, and what came of it is not recorded"


def test_a_service_that_goes_on_after_its_need_was_closed_lacks_its_outcome() -> None:
    closed = rec("need", "N", happened=FOUND, closed=ENDED)
    going = rec("planned_action", "A", start=BEGAN, need="N")
    ((_, text, since),) = broken(only(closed, going, *DELIVERIES))
    assert text == "No outcome is recorded of the planned action, and the need was closed on Mon 1 Jun 2026."
    assert since == ENDED


def test_a_service_that_goes_on_needs_no_outcome_yet() -> None:
    need = only(NEED, rec("planned_action", "A", start=BEGAN, need="N"), *DELIVERIES)
    assert (need.breaks, need.standing) == ((), "being met")


def test_an_outcome_without_a_delivery_shows_the_hole() -> None:
    need = only(NEED, ACTION, OUTCOME)
    assert [(s.what, s.state) for s in need.steps[2:]] == [
        ("Nothing delivered", "missing"),
        ("Outcome recorded", "recorded"),
    ]
    assert need.breaks == ()


@pytest.mark.parametrize(
    ("held", "text"),
    [
        ([True, False, False], "The last 2 sessions were not held since Thu 12 Mar 2026."),
        ([False, False, True], None),
        ([True, True, False], None),
    ],
)
def test_sessions_missed_in_a_row_are_a_break(held: list[bool], text: str | None) -> None:
    going = rec("planned_action", "A", start=BEGAN, need="N")
    sessions = [
        rec("planned_session", f"{n}", happened=date(2026, 3, 5) + timedelta(7 * n), planned_action="A", held=was)
        for n, was in enumerate(held)
    ]
    need = only(NEED, going, *sessions)
    assert broken(need) == ([("missed", text, date(2026, 3, 12))] if text else [])
    assert need.steps[2].what == f"{sum(held)} session{'' if sum(held) == 1 else 's'} held of 3"


def test_what_no_feed_holds_cannot_be_told_and_is_never_none() -> None:
    nothing = rolled(holds=frozenset())
    assert nothing == RollingRecord((), ("Cannot tell: no feed holds needs, planned actions, deliveries or outcomes.",))
    assert rolled().cannot_tell == ()
    needs = rolled(NEED, holds=frozenset({"need"}))
    assert needs.cannot_tell == (
        "Cannot tell whether there is any planned action or service: no feed holds it.",
        "Cannot tell whether there is any service delivered: no feed holds it.",
        "Cannot tell whether there is any outcome of a planned action: no feed holds it.",
    )
    assert needs.needs[0].breaks == ()
    assert needs.needs[0].cannot_tell == ("Whether anything is planned for it: no feed holds it.",)
    assert needs.needs[0].steps[1].state == "cannot tell"
    assert needs.needs[0].standing == "what is planned cannot be told"
    planned = rolled(NEED, ACTION, holds=frozenset({"need", "planned_action"})).needs[0]
    assert planned.standing == "planned, and whether it is delivered cannot be told"


def test_without_word_of_what_is_held_silence_is_no_answer() -> None:
    found = rolling_record(case(NEED, ACTION), TODAY)
    assert found.needs[0].breaks == ()
    assert found.needs[0].cannot_tell == (
        "Whether anything of the planned action (parenting) was delivered: no feed holds it.",
    )


def test_outside_the_days_a_feed_speaks_for_nothing_is_taken_for_missing() -> None:
    need = only(NEED, window=Window(date(2025, 4, 1), date(2026, 3, 31)))
    assert need.breaks == ()
    spoken_for = "the feed speaks for the days from Tue 1 Apr 2025 to Tue 31 Mar 2026 alone"
    assert need.cannot_tell == (f"Whether anything is planned for it: {spoken_for}.",)


def test_what_is_linked_to_nothing_is_told_on_its_own() -> None:
    found = rolled(
        rec("planned_action", "A", start=BEGAN, need="X", type="housing"),
        rec("delivery", "D", happened=BEGAN),
    )
    assert [(need.what, need.cannot_tell) for need in found.needs] == [
        (
            "Planned action: housing, for no need that is known",
            ("Which need it is for: the record names a need that the feed does not hold for this child.",),
        ),
        ("Service delivered, for no planned action that is known", ("Of which plan it is: none is recorded.",)),
    ]


def test_a_partner_who_has_not_answered_is_waited_for() -> None:
    waiting = only(rec("partner_referral", "P", happened=FOUND))
    assert broken(waiting) == [("unanswered", "The partner has not answered since Mon 2 Feb 2026.", FOUND)]
    assert waiting.followed
    answered = only(rec("partner_referral", "P", happened=FOUND, answered=BEGAN))
    assert (answered.breaks, answered.followed, answered.standing) == ((), False, "answered")
    withdrawn = only(rec("partner_referral", "P", happened=FOUND, closed=BEGAN))
    assert (withdrawn.breaks, withdrawn.followed, withdrawn.standing) == ((), False, "withdrawn")


def test_the_open_and_broken_come_first() -> None:
    found = rolled(
        *WHOLE,
        rec("need", "B", happened=BEGAN, type="housing"),
        rec("need", "C", happened=date(2025, 1, 6), closed=date(2025, 2, 3), type="school"),
    )
    assert [need.record for need in found.needs] == ["need:B", "need:N", "need:C"]
    assert [need.record for need in found.followed] == ["need:B", "need:N"]


def test_what_rules_say_of_a_chain_stands_with_it() -> None:
    overdue = Finding("gap.plan_undelivered", "1", "planned_action:A", "start", "overdue")
    done = Finding("gap.need_unplanned", "1", "need:N", "start", "met")
    other = Finding("cp.visit", "1", "cp_plan:1", "start", "overdue")
    found = rolling_record(case(NEED, ACTION), TODAY, holds=HELD, findings=[overdue, done, other])
    assert found.needs[0].findings == (overdue,)


GAPS: Final = {
    "gap.need_unplanned": "unplanned",
    "gap.plan_undelivered": "undelivered",
    "gap.delivery_no_outcome": "no_outcome",
}


def test_wherever_a_rule_is_overdue_the_chain_is_broken_too(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The rules wait some days before they speak; the record shows the break from the first day."""
    rules = load_rulebook([builtin_pack("england")], settings={"cp.visit.interval": "10 working days"})
    evaluator = Evaluator.of(rules)
    noon = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=LONDON)
    agreed: Counter[str] = Counter()
    for child in synthetic(tmp_path_factory.mktemp("rolling")).values():
        found = evaluator.evaluate(child, noon)
        overdue = [f for f in found if f.rule in GAPS and f.stage == "overdue"]
        for need in rolling_record(child, TODAY, holds=HELD, findings=overdue).needs:
            for finding in need.findings:
                kinds = {each.kind for each in need.breaks}
                assert GAPS[finding.rule] in kinds or "undelivered" in kinds, (finding, need)
                agreed[finding.rule] += 1
                overdue.remove(finding)
        assert overdue == []
    assert min(agreed[rule] for rule in ("gap.need_unplanned", "gap.delivery_no_outcome")) > 0


DAYS = st.dates(TODAY - timedelta(400), TODAY + timedelta(40))


@st.composite
def chains(draw: st.DrawFn) -> list[Record]:
    found = []
    for kind in draw(st.lists(st.sampled_from(CHAIN), max_size=15)):
        raw: dict[str, object] = {"start" if kind == "planned_action" else "happened": draw(DAYS | st.none())}
        link = {"need": None, "partner_referral": None, "planned_action": "need"}.get(kind, "planned_action")
        if link:
            raw[link] = draw(st.sampled_from(["1", "2", None]))
        if kind in ("need", "partner_referral"):
            raw["closed"] = draw(DAYS | st.none())
        if kind == "planned_session":
            raw["held"] = draw(st.booleans() | st.none())
        found.append(rec(kind, draw(st.sampled_from("123")), **raw))
    return found


@settings(max_examples=200, deadline=None)
@given(chains(), st.frozensets(st.sampled_from(CHAIN)))
def test_every_record_of_a_chain_is_in_one_need_and_none_is_missing_that_is_not_held(
    made: list[Record], held: frozenset[str]
) -> None:
    whole: CaseFile = case_file("1", made, Window(), of_kinds={})
    found = rolling_record(whole, TODAY, holds=held)
    refs = Counter(ref for need in found.needs for ref in {ref for step in need.steps for ref in step.records})
    assert refs == Counter(record.ref for record in whole.records)
    kinds = {each.kind for need in found.needs for each in need.breaks}
    assert "planned_action" in held or "unplanned" not in kinds
    assert "outcome" in held or "no_outcome" not in kinds
    assert held & {"delivery", "planned_session"} or "undelivered" not in kinds
