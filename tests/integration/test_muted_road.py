"""From the feed to the mail, where nobody is told yet: shadow, floods, and alerts that speak for others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.alerts.muting import HELD, Guard
from alertd.db.tables import Alert
from alertd.engine import sweep as sweeping
from alertd.rulebook.model import Rule, Rulebook, Until
from alertd.rulebook.versions import timing
from tests.support.council import ALL_RULES, RULES, Council, Inline, council_at


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    monkeypatch.setattr(Inline, "dies_on", "")
    found = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    yield found
    found.house.engine.dispose()


def with_rules(council: Council, book: Rulebook, guard: Guard | None = None) -> None:
    """The daemon started again with these rules."""
    composer = replace(council.house.composer, rulebook=book)
    council.house = replace(council.house, rulebook=book, composer=composer, guard=guard or council.house.guard)


def changed(book: Rulebook, rule_id: str, **update: Any) -> Rulebook:
    rules = tuple(r.model_copy(update=update) if r.id == rule_id else r for r in book.rules)
    return book.model_copy(update={"rules": rules})


def alerts(council: Council) -> dict[str, Alert]:
    with Session(council.house.engine, expire_on_commit=False) as session:
        return {f"{a.rule} {a.child}": a for a in session.scalars(select(Alert))}


def nov(day: int) -> date:
    return date(2026, 11, day)


def test_a_rule_in_shadow_is_kept_and_told_to_nobody_until_it_is_adopted(council: Council) -> None:
    with_rules(council, changed(RULES, "cla.review.first", shadow="the pack england.looked_after is not adopted"))
    council.looked_after()
    assert council.days(nov(11), nov(28)) == {}
    (alert,) = alerts(council).values()
    assert (alert.stage, alert.level) == ("overdue", 0)
    assert alert.muted == "shadow: the pack england.looked_after is not adopted"
    assert [reason for reason, _, _ in council.events()] == ["new", "stage", "stage"]
    with_rules(council, RULES)
    assert council.day(nov(30)) == ["ade", "cy"]  # all that is so by now: overdue, and the step of the due date
    assert council.events()[-1][0] == "unmuted"
    assert council.day(date(2026, 12, 1)) == []


def test_what_was_adopted_and_changed_falls_silent_again_and_the_worker_is_not_told_twice(council: Council) -> None:
    council.looked_after()
    assert council.days(nov(13), nov(13)) == {nov(13): ["ade"]}
    with_rules(council, changed(RULES, "cla.review.first", shadow="changed since it was adopted on 2026-01-01"))
    assert council.days(nov(16), nov(17)) == {nov(16): ["gus"], nov(17): ["gus"]}  # every day until it is adopted
    _, subject, body = council.mail.sent[-1]
    assert subject == "alertd has fallen silent about some rules"
    assert "cla.review.first: open alerts 1" in body
    with_rules(council, RULES)
    assert council.day(nov(23)) == ["ade"]


@pytest.mark.fault("F58")
def test_a_rule_whose_first_messages_would_be_a_flood_waits_and_the_data_owner_hears_the_numbers(
    council: Council,
) -> None:
    for n in range(6):
        council.looked_after(f"C{n}")
    with_rules(council, RULES, Guard(share=0.5, at_least=5))
    assert council.day(nov(13)) == ["gus"]
    _, subject, body = council.mail.sent[-1]
    assert subject == "alertd holds back some rules until they are confirmed"
    assert "cla.review.first would tell of 6 of 6 open children (100%)" in body
    assert {a.muted for a in alerts(council).values()} == {HELD}
    assert council.day(nov(16)) == ["gus"]  # and every day until somebody decides
    with_rules(council, RULES, Guard(share=0.5, at_least=5, confirmed=frozenset({"cla.review.first"})))
    assert council.day(nov(17)) == ["ade"]
    with_rules(council, RULES, Guard(share=0.5, at_least=5))
    assert council.day(nov(20)) == ["ade"]  # it has told before: its next messages are no first ones


@pytest.mark.parametrize("shadow", ["", "the pack england.looked_after is not adopted"])
def test_what_is_met_while_nobody_is_told_is_no_telling_and_lets_no_flood_go(council: Council, shadow: str) -> None:
    for n in range(6):
        council.looked_after(f"C{n}")
    guard = Guard(share=0.5, at_least=5)
    with_rules(council, changed(RULES, "cla.review.first", shadow=shadow), guard)
    council.day(nov(13))
    council.remove("cla_episodes", "clae_person_id = 'C0'")
    council.day(nov(16))
    assert alerts(council)["cla.review.first C0"].state == "closed"
    with_rules(council, RULES, guard)
    assert council.day(nov(17)) == ["gus"]
    assert {a.muted for a in alerts(council).values() if a.state == "open"} == {HELD}


def test_an_alert_that_another_speaks_for_is_named_there_and_told_when_it_stands_alone(council: Council) -> None:
    book = changed(RULES, "cp.visit", speaks_for=("cla.review.first",))
    with_rules(council, book)
    council.looked_after()
    council.put("cp_plans", cppl_cp_plan_id="P1", cppl_person_id="C1", cppl_cp_plan_start_date=datetime(2026, 10, 26))
    council.days(nov(9), nov(13))  # the visit is overdue since 10 November
    review = alerts(council)["cla.review.first C1"]
    assert review.muted == "spoken for by cp.visit"
    council.day(nov(16))
    body = next(text for to, _, text in reversed(council.mail.sent) if to == "ade")
    assert "Stands also for: First looked-after review." in body
    assert body.count("ref C1") == 1
    council.put(
        "cp_visits",
        cppv_cp_visit_id="X1", cppv_person_id="C1", cppv_cp_visit_date=datetime(2026, 11, 16), cppv_cp_visit_seen="Y",
    )  # fmt: skip
    before = len(council.mail.sent)
    assert "ade" in council.day(nov(17))
    (body,) = (text for to, _, text in council.mail.sent[before:] if to == "ade")
    assert "First looked-after review" in body


def test_what_is_spoken_for_twice_over_is_named_in_the_alert_that_is_told(council: Council) -> None:
    visit = RULES.rule("cp.visit")
    assert visit
    worst = visit.model_copy(update={"id": "a.visit", "title": "Any visit", "speaks_for": ("cp.visit",)})
    book = changed(RULES, "cp.visit", speaks_for=("cla.review.first",))
    with_rules(council, book.model_copy(update={"rules": (*book.rules, worst)}))
    council.looked_after()
    council.put("cp_plans", cppl_cp_plan_id="P1", cppl_person_id="C1", cppl_cp_plan_start_date=datetime(2026, 10, 26))
    council.days(nov(9), nov(16))
    assert {a.rule: a.muted for a in alerts(council).values()} == {
        "a.visit": "",
        "cp.visit": "spoken for by a.visit",
        "cla.review.first": "spoken for by cp.visit",
    }
    body = next(text for to, _, text in reversed(council.mail.sent) if to == "ade")
    assert "Stands also for: Child protection visit and First looked-after review." in " ".join(body.split())


NOT_HELD = Until.model_validate({"record": "worker_away"})


def test_a_rule_the_feed_measures_for_some_teams_only_leaves_the_alerts_of_the_others_as_they_are(
    council: Council,
) -> None:
    council.looked_after("C1")
    council.looked_after("C2")
    council.change("involvements", "invo_person_id = 'C2'", invo_professional_team="T2")
    council.day(nov(13))
    theirs = changed(RULES, "cla.review.first", until=NOT_HELD)
    with_rules(council, RULES.model_copy(update={"teams": {"T2": theirs}}))
    assert "gus" in council.day(nov(16))
    council.day(nov(30))
    found = alerts(council)
    assert {key.split()[1]: (a.state, a.stage) for key, a in found.items()} == {
        "C1": ("open", "overdue"),
        "C2": ("open", "upcoming"),  # as it was: nobody can say
        "*": ("open", "unknown"),
    }


def test_a_rule_only_a_team_has_that_the_feed_cannot_measure_is_told_to_the_data_owner(council: Council) -> None:
    council.looked_after()
    own = RULES.rule("cla.review.first").model_copy(update={"id": "team.own", "title": "Our own review"})  # type: ignore[union-attr]

    def with_own(rule: Rule) -> Rulebook:
        return RULES.model_copy(update={"teams": {"T1": RULES.model_copy(update={"rules": (*RULES.rules, rule)})}})

    with_rules(council, with_own(own))
    council.day(nov(13))
    with_rules(council, with_own(own.model_copy(update={"until": NOT_HELD})))
    assert council.day(nov(16)) == ["gus"]
    assert "1 cannot be measured" in council.mail.sent[-1][1]
    assert alerts(council)["team.own C1"].state == "open"


@pytest.mark.fault("F63")
def test_a_change_of_words_is_not_told_and_a_change_of_time_plans_every_step_anew(council: Council) -> None:
    council.looked_after()
    council.days(nov(11), nov(30))
    told = len(council.events())
    wording = changed(RULES, "cla.review.first", title="First review", why="Another reason.")
    with_rules(council, wording)
    assert council.evaluate(date(2026, 12, 1)).changes == {}
    rule = next(r for r in RULES.rules if r.id == "cla.review.first")
    longer = rule.clock.model_copy(update={"within": ALL_RULES.rule("cla.review.second").clock.within})  # type: ignore[union-attr]
    book = changed(RULES, "cla.review.first", clock=longer)
    with_rules(council, book)
    assert council.day(date(2026, 12, 2)) == ["cy"]  # whom the ladder had told: it does not apply any more
    reason, level, _ = council.events()[-1]
    assert (reason, level) == ("withdrawn", 0)  # three months: it is not near, and no step has come
    assert len(council.events()) == told + 1
    (alert,) = alerts(council).values()
    assert alert.timing == timing(book.rule("cla.review.first"), book)  # type: ignore[arg-type]
    due = date(2027, 1, 30)
    sent = council.days(due, due + timedelta(days=2))
    assert "cy" in {to for people in sent.values() for to in people}  # the step of the due date, told again


@pytest.mark.fault("F63")
def test_alerts_are_pinned_to_the_versions_they_were_told_by(council: Council) -> None:
    council.looked_after()
    council.day(nov(13))
    (alert,) = alerts(council).values()
    assert len(alert.timing) == len(alert.wording) == len(alert.template) == 12
    before = alert.wording
    with_rules(council, changed(RULES, "cla.review.first", why="Another reason."))
    council.day(nov(16))
    (alert,) = alerts(council).values()
    assert alert.wording == before  # nothing was told since
    council.days(nov(17), nov(20))
    (alert,) = alerts(council).values()
    assert alert.wording != before
