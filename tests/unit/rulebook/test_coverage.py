"""Every row of the law has its rules, each rule its cases, and the page in docs says what is there."""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alertd.cases.kinds import unfilled
from alertd.cases.sources.fills import FILLS
from alertd.cli.coverage import page, shipped
from alertd.cli.together import put_together
from alertd.engine.evaluate import measurable
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.coverage import Reach, Row, coverage, totals
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.shelf import shelves
from alertd.rulebook.testing import Case

DOCS = Path(__file__).parents[3] / "docs"

TIMESCALES = """
    ref.decision assess.cfa assess.seen assess.prebirth prebirth.icpc strat.discussion s47.outcome cp.icpc
    cp.icpc.report cp.plan.issue cp.core.first cp.core.next cp.review.first cp.review.next cp.visit
    cp.visit.bedroom cp.transfer_in cin.plan.first cin.visit cin.review so.expiry cla.careplan cla.placementplan
    cla.iro.appoint cla.review.first cla.review.second cla.review.next cla.review.early cla.review.record
    cla.visit.first cla.visit.year1 cla.visit.later cla.visit.reg19 cla.visit.reg24_ico cla.visit.co_home
    cla.visit.concern cla.visit.request cla.reg19.assess cla.tempapproval cla.emergency.foster cla.iha
    cla.iha.request cla.rha.u5 cla.rha.5plus cla.dental cla.imms cla.devcheck cla.sdq cla.pep.first cla.pep.term
    cla.school.place cla.permanence cla.s20.check cla.shortbreak.visit cla.shortbreak.review cla.iv
    cla.secure.first missing.rhi missing.open pf.visit.first pf.visit.y1 pf.visit.later det.visit lc.needs
    lc.review lc.visit.first lc.visit.next lc.kit adopt.review.wait adopt.review.placed adopt.visit adopt.case
    adopt.adm adopt.match foster.review foster.unannounced sgo.support proc.26w proc.preproc proc.ppo proc.epo
    uasc.nts comp.s1 comp.s2 comp.s3 ig.sar send.advice sup.worker sup.case audit.case rec.entry lado.referral
    sin.notify sin.rapid s85.check
""".split()  # noqa: SIM905 - one a line would fill two screens

GAPS = """
    gap.need_unplanned gap.plan_undelivered gap.delivery_no_outcome gap.waiting gap.no_worker gap.worker_gone
    gap.worker_churn gap.no_contact gap.not_alone gap.no_plan gap.no_oversight gap.cin_drift gap.cp_long
    gap.cp_repeat gap.rereferral gap.s20_drift gap.moves gap.oo_unnotified gap.distance_unapproved
    gap.placement_unlawful gap.no_school gap.attendance gap.health_missed gap.sdq_high gap.missing_repeat
    gap.rhi_unoffered gap.review_cancelled gap.action_overdue gap.iro_silent gap.leaver_lost gap.sibling_gap
    gap.late_recording gap.data_conflict
""".split()  # noqa: SIM905 - one a line would fill two screens


@lru_cache
def rows() -> tuple[Row, ...]:
    return shipped()


@lru_cache
def cases() -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for shelf in shelves([builtin_pack("england"), builtin_pack("wales")]):
        for case in shelf.cases:
            found.setdefault(case.rule, []).append(case)
    return found


def row(rule_id: str) -> Row:
    return next(row for row in rows() if row.rule.id == rule_id)


def section(name: str) -> list[Row]:
    return [row for row in rows() if row.section == name]


# ------------------------------------------------------------------ what there is


def test_each_of_the_95_timescales_and_33_gaps_has_a_rule_of_its_id() -> None:
    there = {row.rule.id for row in rows()}
    assert [name for name in (*TIMESCALES, *GAPS) if name not in there] == []
    assert (len(set(TIMESCALES)), len(set(GAPS))) == (95, 33)


@pytest.mark.parametrize("number", range(1, 29))
def test_each_of_the_28_notifications_has_a_rule(number: int) -> None:
    name = f"notify.n{number}"
    assert [row for row in rows() if row.rule.id == name or row.rule.id.startswith(f"{name}.")]


@pytest.mark.parametrize("number", range(1, 17))
def test_each_of_the_16_differences_of_wales_has_a_rule(number: int) -> None:
    assert [row for row in section("Welsh differences") if row.rule.difference == number]


def test_every_other_rule_stands_for_one_of_these_rows_and_the_totals_count_them() -> None:
    assert {row.law for row in section("Timescales")} == set(TIMESCALES)
    assert {row.law for row in section("Gaps")} == set(GAPS)
    assert {row.law for row in section("Notifications")} - {""} == {f"notify.n{n}" for n in range(1, 29)}
    assert [row.rule.id for row in rows() if not row.law] == ["notify.receipt.routine", "notify.receipt.urgent"]
    assert {total.section: total.laws for total in totals(rows())} == {
        "Timescales": 95,
        "Gaps": 33,
        "Notifications": 28,
        "Welsh differences": 16,
    }


def test_rules_of_one_row_of_the_law_follow_each_other() -> None:
    laws = [(row.section, row.law) for row in rows() if row.law]
    runs = [law for law, before in zip(laws, [None, *laws], strict=False) if law != before]
    assert [law for law, n in Counter(runs).items() if n > 1] == []
    assert laws.index(("Notifications", "notify.n9")) < laws.index(("Notifications", "notify.n10"))


def test_every_rule_says_where_its_number_is_from_and_how_it_was_read() -> None:
    assert [row.rule.id for row in rows() if not (row.rule.law.cite.strip() and row.rule.law.confidence)] == []


def test_every_rule_has_a_case_that_fires_and_one_that_must_not() -> None:
    """A rule that asks for a correction can do no more than not tell."""
    for each in rows():
        own = cases().get(each.rule.id, [])
        others = each.rule.others
        only_doubts = others is not None and others.stages == ("unknown",)
        fires = [c for c in own if c.fires or (only_doubts and any(e.stage == "unknown" for e in c.expect))]
        silent = [c for c in own if c.stays_silent]
        assert fires and silent and len(own) >= 2, f"{each.rule.place}: {each.rule.id}"


def test_what_nobody_has_read_is_disabled_and_says_why() -> None:
    unread = [row.rule for row in rows() if row.rule.law.confidence in ("K", "K/P")]
    assert unread
    assert [rule.id for rule in unread if rule.enabled or not rule.disabled_because] == []


# ------------------------------------------------------------------ from where


def test_a_feed_whose_reader_fills_all_is_read() -> None:
    reach = row("cla.review.first").feeds
    assert {feed for feed in reach if reach[feed] == Reach("read")} == {"ssd", "903", "annex_a", "extra"}
    assert reach["cin"] == Reach("-", ("care_period", "cla_review"))


def test_what_a_reader_leaves_out_is_held_and_named() -> None:
    fills = {"ssd": {kind: filled for kind, filled in FILLS["ssd"].items() if kind != "permanence_plan"}}
    (permanence,) = coverage([row("cla.permanence").rule], fills)  # type: ignore[arg-type]
    assert permanence.feeds["ssd"] == Reach("held", ("permanence_plan",))
    fills = {"ssd": {**FILLS["ssd"], "s47": FILLS["ssd"]["s47"] - {"outcome"}}}
    (icpc,) = coverage([row("cp.icpc").rule], fills)  # type: ignore[arg-type]
    assert icpc.feeds["ssd"] == Reach("held", ("s47.outcome",))
    assert icpc.feeds["903"].status == "-"


def test_a_field_a_feed_cannot_hold_is_named_and_told_among_the_needs() -> None:
    offered = row("gap.rhi_unoffered")
    assert offered.feeds["903"] == Reach("-", ("missing.interview_offered",))
    assert offered.feeds["ssd"] == Reach("read")
    assert offered.fields == ("missing.interview_offered",)
    assert "missing" in offered.kinds


def test_what_is_counted_or_numbered_cannot_be_told_from_the_latest_alone() -> None:
    assert row("gap.moves").feeds["annex_a"] == Reach("-", ("latest placement",))
    assert row("gap.cp_repeat").feeds["annex_a"] == Reach("-", ("latest cp_plan",))
    assert row("gap.moves").feeds["api"] == Reach("read")
    # Counted from each, whichever it is: from the latest, then, which has the longest limit that may be meant.
    assert row("cp.review.next").feeds["annex_a"].status != "-"
    assert row("cla.review.next").feeds["annex_a"].status != "-"


def test_a_rule_over_others_goes_as_far_as_the_best_of_those_that_run() -> None:
    assert row("gap.health_missed.overdue").feeds["ssd"] == Reach("read")
    assert row("gap.health_missed.overdue").feeds["cin"].status == "-"
    assert row("gap.late_recording").feeds["ssd"].status == "-"
    assert row("gap.late_recording").feeds["extra"] == Reach("read")
    off = row("cla.iha").rule.model_copy(update={"enabled": False, "disabled_because": "a test"})
    over, _ = coverage([row("gap.health_missed.overdue").rule, off], FILLS)[::-1]
    assert (over.rule.id, over.feeds["ssd"]) == ("gap.health_missed.overdue", Reach("-"))


@pytest.mark.parametrize("feed", ["ssd", "903"])
def test_what_is_said_to_be_read_is_what_an_evaluation_measures(feed: str) -> None:
    book = load_rulebook([builtin_pack("england")])
    fills = FILLS[feed]  # type: ignore[index]
    able, _ = measurable(book, set(fills), unfilled(fills))
    read = {row.rule.id for row in rows() if row.feeds[feed].status == "read"}  # type: ignore[index]
    assert {rule.id for rule in able.enabled} == {rule.id for rule in book.enabled if rule.id in read}


# ------------------------------------------------------------------ the page and the command


def test_the_page_is_in_step_with_the_packs() -> None:
    kept = (DOCS / "coverage.md").read_text("utf-8")
    assert kept == page(rows()), "docs/coverage.md is old. Run: alertd rules coverage --format md > docs/coverage.md"


def test_the_command_prints_the_page_lines_of_json_and_a_table() -> None:
    def run(form: str) -> str:
        done = CliRunner().invoke(put_together(["rules"]), ["rules", "coverage", "--format", form])
        assert done.exit_code == 0, done.output
        return done.output

    assert run("md") == page(rows())
    lines = [json.loads(line) for line in run("jsonl").splitlines()]
    assert [line["id"] for line in lines] == [row.rule.id for row in rows()]
    first = next(line for line in lines if line["id"] == "gap.rhi_unoffered")
    assert first["feeds"]["903"] == {"status": "-", "lacking": ["missing.interview_offered"]}
    assert (first["law"], first["enabled"], first["nation"]) == ("gap.rhi_unoffered", True, "england")
    assert all(row.rule.id in run("table") for row in rows()[:1])
