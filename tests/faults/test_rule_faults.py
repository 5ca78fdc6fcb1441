"""Rules that are true of everybody, that fail whatever judges by them, and that change under their alerts: F58, F59,
F63, each through whole evaluations."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd import looking
from alertd.alerts.muting import HELD, Guard
from alertd.cases.records import CaseFile
from alertd.db.tables import Alert
from alertd.engine import sweep as sweeping
from alertd.engine.evaluate import Evaluator
from alertd.engine.look import Known, Seen, look
from alertd.rulebook.model import Rule, Rulebook
from tests.support.council import RULES, Council, Inline, council_at
from tests.support.fed import nov

REVIEW, VISIT = "cla.review.first", "cp.visit"


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


def changed(book: Rulebook, rule_id: str, **update: object) -> Rulebook:
    rules = tuple(r.model_copy(update=update) if r.id == rule_id else r for r in book.rules)
    return book.model_copy(update={"rules": rules})


def protected(council: Council, ref: str) -> None:
    """A child with a protection plan whose visit is due on 9 November."""
    council.child(ref)
    council.put(
        "cp_plans",
        cppl_cp_plan_id=f"P{ref}",
        cppl_person_id=ref,
        cppl_cp_plan_start_date=datetime(2026, 10, 26),
    )


def alerts(council: Council) -> dict[str, Alert]:
    with Session(council.house.engine, expire_on_commit=False) as session:
        return {f"{a.rule} {a.child}": a for a in session.scalars(select(Alert))}


def about(council: Council, to: str) -> str:
    """All that somebody was sent."""
    return "\n".join(f"{subject}\n{body}" for person, subject, body in council.mail.sent if person == to)


# F58: true of everybody


def everybody() -> Rule:
    """A slip of the pen: the days are counted from a date that all have, and nothing stops the clock."""
    slip = {
        "id": "gap.slip",
        "title": "A slip of the pen",
        "why": "w",
        "law": {"cite": "c", "confidence": "V"},
        "for": "referral",
        "clock": {"from": "start", "within": "1 working days"},
        "until": {"record": "assessment"},
        "clears": "c",
        "warn": "M3",
        "escalate": "L3",
    }
    return Rule.model_validate(slip)


def test_f58_a_rule_true_of_everybody_waits_for_an_officer_and_the_others_tell_as_ever(council: Council) -> None:
    for n in range(60):
        council.child(f"C{n}")
    council.looked_after("L1")
    book = RULES.model_copy(update={"rules": (*RULES.rules, everybody())})
    with_rules(council, book, Guard())
    assert council.day(nov(13)) == ["ade", "gus"]
    found = alerts(council)
    held = {name: a for name, a in found.items() if a.rule == "gap.slip"}
    assert len(held) == 61, "nothing is dropped"
    assert {a.muted for a in held.values()} == {HELD}
    assert found[f"{REVIEW} L1"].muted == ""
    assert "gap.slip would tell of 61 of 61 open children (100%)" in about(council, "gus")
    assert "ref L1" in about(council, "ade") and "ref C1\n" not in about(council, "ade")
    with_rules(council, book, Guard(confirmed=frozenset({"gap.slip"})))
    council.day(nov(16))
    assert {a.muted for a in alerts(council).values()} == {""}, "all that was held is told once an officer says so"
    assert all(f"ref C{n}" in about(council, "ade") + about(council, "cy") for n in range(60))


# F59: raises, never ends, ends its process, eats memory


def _bad(evaluator: Evaluator) -> bool:
    return evaluator.rulebook.rule(VISIT) is not None


def raises(evaluator: Evaluator, case: CaseFile, as_of: datetime, told: Known) -> Seen:
    if _bad(evaluator):
        raise ZeroDivisionError(case.child)
    return look(evaluator, case, as_of, told)


def aborts(evaluator: Evaluator, case: CaseFile, as_of: datetime, told: Known) -> Seen:
    if _bad(evaluator):
        os.abort()
    return look(evaluator, case, as_of, told)


def never_ends(evaluator: Evaluator, case: CaseFile, as_of: datetime, told: Known) -> Seen:
    while _bad(evaluator):
        pass
    return look(evaluator, case, as_of, told)


def eats_memory(evaluator: Evaluator, case: CaseFile, as_of: datetime, told: Known) -> Seen:
    if _bad(evaluator):
        bytearray(1 << 60)
    return look(evaluator, case, as_of, told)


REAL = "in worker processes"
LOOKS = [
    pytest.param(raises, "ZeroDivisionError in raises", "", id="raises"),
    pytest.param(eats_memory, "MemoryError in eats_memory", "", id="eats memory"),
    pytest.param(aborts, "the rules engine ended its process", REAL, id="ends its process"),
    pytest.param(never_ends, "the rules engine ended its process", REAL, id="never ends"),
]


@pytest.mark.parametrize(("looks", "why", "where"), LOOKS)
def test_f59_a_rule_that_fails_for_child_after_child_is_left_out_and_told_and_the_others_go_on(
    council: Council,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    looks: Callable[..., Seen],
    why: str,
    where: str,
) -> None:
    if looks is never_ends:
        request.getfixturevalue("long_run")
    protected(council, "P1")
    council.looked_after("C1")
    council.looked_after("C2")
    council.day(nov(9))
    assert [(rule, child) for rule, child, _, _ in council.alerts()] == [(VISIT, "P1")]
    heard, changes = len(council.mail.sent), len(council.events())
    with monkeypatch.context() as fault:
        fault.setattr(looking, "look", looks)
        fault.setattr(looking, "PATIENCE", 2.0)
        if where is REAL:
            fault.setattr(sweeping, "ProcessPoolExecutor", ProcessPoolExecutor)
        assert council.evaluate(nov(13)).failed == 0
    council.send()
    found = alerts(council)
    assert {(name, a.state, a.muted) for name, a in found.items() if a.rule == REVIEW} == {
        (f"{REVIEW} C1", "open", ""),
        (f"{REVIEW} C2", "open", ""),
    }
    assert [reason for reason, _, _ in council.events()[changes:]] == ["new"] * 3, "its own alert stays as it was"
    assert found[f"{VISIT} *"].finding["cannot_tell"]["text"].endswith(why)
    told = {to: body for to, _, body in council.mail.sent[heard:]}
    assert told.keys() == {"ade", "gus"}
    assert "THE RULE COULD NOT BE RUN" in told["gus"]
    council.day(nov(16))
    found = alerts(council)
    assert found[f"{VISIT} *"].state == "closed", "it judges again, and is trusted again"
    assert (found[f"{VISIT} P1"].state, found[f"{VISIT} P1"].stage) == ("open", "overdue")


def test_f59_a_worker_is_ended_before_the_daemon_where_memory_runs_out() -> None:
    with sweeping._pool(RULES, 0.0, 1) as pool:
        assert pool.submit(Path("/proc/self/oom_score_adj").read_text).result().strip() == "1000"


# F63: edited, renamed or removed while its alerts are open


def test_f63_a_rule_that_is_given_another_title_and_place_repeats_nothing(council: Council) -> None:
    council.looked_after("C1")
    council.day(nov(13))
    (before,) = alerts(council).values()
    with_rules(council, changed(RULES, REVIEW, title="First review of a child in care", place="other.yaml:3"))
    assert council.day(nov(16)) == []
    (after,) = alerts(council).values()
    assert (after.id, after.state, after.wording) == (before.id, "open", before.wording)


def test_f63_the_alerts_of_a_rule_that_is_removed_close_with_a_reason_and_nothing_else_moves(council: Council) -> None:
    council.looked_after("C1")
    protected(council, "P1")
    council.day(nov(13))
    told, changes = len(council.mail.sent), len(council.events())
    with_rules(council, RULES.without({REVIEW}))
    council.evaluate(nov(13))
    assert alerts(council)[f"{REVIEW} C1"].closed_as == "withdrawn"
    assert alerts(council)[f"{VISIT} P1"].state == "open"
    assert [reason for reason, _, _ in council.events()[changes:]] == ["withdrawn"]
    with_rules(council, RULES)
    council.evaluate(nov(13))
    council.send(time(12))
    assert alerts(council)[f"{REVIEW} C1"].state == "open"
    assert council.events()[-1][0] == "reopened"
    again = [body for _, _, body in council.mail.sent[told:]]
    assert not [body for body in again if "ref P1" in body], "what did not change is not told again"


def test_f63_a_rule_of_many_alerts_under_another_id_tells_nobody_all_of_them_again(council: Council) -> None:
    for n in range(60):
        council.looked_after(f"C{n}")
    council.day(nov(13))
    heard = len(council.mail.sent)
    with_rules(council, changed(RULES, REVIEW, id="own.review.first"))
    assert council.day(nov(16)) == ["gus"], "an officer is asked, and the worker hears nothing twice"
    assert "own.review.first would tell of 60 of 60 open children" in council.mail.sent[heard][2]
    found = alerts(council).values()
    assert {(a.rule, a.state, a.closed_as, a.muted) for a in found} == {
        (REVIEW, "closed", "withdrawn", ""),
        ("own.review.first", "open", None, HELD),
    }
    assert len(found) == 120
