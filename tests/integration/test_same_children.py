"""The same children, told by each feed, give the same findings wherever the feed holds the facts.

One truth is written by ``alertd.synth`` as the Standard Safeguarding Dataset and as each other feed, by that feed's
own specification, and read by that feed's reader. What a feed cannot hold it may leave unknown, and whom its scope
leaves out it does not name; it must never give another answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from alertd.calendars.clock import end_of
from alertd.cases.records import CaseFile, Record, Snapshot, local_day
from alertd.cases.sources import annex_a, cin_census, csc_api, own_csv, ssd, ssda903
from alertd.engine.evaluate import Evaluator, measurable
from alertd.engine.findings import Finding
from alertd.rulebook.builtin import england
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rulebook
from alertd.synth import make_feeds

LAST_DAY = date(2026, 3, 31)
"""The end of a year of returns, so that they are as fresh as the lists."""
AT = end_of(LAST_DAY) - timedelta(seconds=1)
YEAR, HALF = date(2025, 4, 1), date(2025, 9, 30)
CHILDREN, SEED = 1500, 5

SECOND = {"cla.review.next": {"cla.review.second"}, "adopt.review.placed.next": {"adopt.review.placed.second"}}
"""By the rule for the next review, the one for the second where that is sooner."""

Answer = tuple[str, str, date | None]
"""Rule, stage and due day: what is said of a child, whatever the records are called."""


def day(value: date | datetime | None) -> date | None:
    return local_day(value) if value else None


def in_time(case: CaseFile, kind: str, since: date) -> bool:
    """Whether the child has a record of that kind that was open on that day or later."""
    return any((end := record.day("end")) is None or end >= since for record in case.of(kind))


@dataclass(frozen=True)
class Feed:
    """A feed to hold against the dataset.

    ``names``: whom it ought to name, by the child's case in the dataset. ``leaves_out``: of a finding from the
    dataset about a child it names, whether its scope leaves out what that is about. ``floor``: the fewest definite
    answers that must be the same, by group of rules.
    """

    read: Callable[[Path], Snapshot]
    names: Callable[[CaseFile], bool]
    floor: Mapping[str, int]
    leaves_out: Callable[[Finding, CaseFile], bool] = lambda _finding, _case: False


def named_by_annex_a(case: CaseFile) -> bool:
    """Whoever was referred in the last six months, or had a case that was taken up, a plan or care in them."""
    new = any((start := record.day("start")) and start >= HALF for record in case.of("referral"))
    taken_up = replace(case, records=tuple(r for r in case.of("referral") if not r.get("nfa")))
    return new or in_time(taken_up, "referral", HALF) or any(in_time(case, k, HALF) for k in ("care_period", "cp_plan"))


def left_out_by_annex_a(finding: Finding, case: CaseFile) -> bool:
    """Its list of care leavers has no code for those still looked after."""
    kind, _, key = finding.record.partition(":")
    leaver = next((r for r in case.of(kind) if r.key == key), None)
    return kind == "care_leaver" and leaver is not None and leaver.get("eligibility") == "eligible"


ANNEX_A = Feed(
    lambda path: annex_a.read(path, as_of=AT),
    names=named_by_annex_a,
    leaves_out=left_out_by_annex_a,
    floor={"assess": 8, "cla": 20, "cp": 30, "gap.cp_long": 15, "lc": 10},
)
SSDA903 = Feed(
    lambda path: ssda903.read(path, as_of=AT),
    names=lambda case: in_time(case, "care_period", YEAR),
    floor={"cla": 20},
)
FEEDS = {
    "annex_a": ANNEX_A,
    "annex_a_csv": ANNEX_A,
    # its list of care leavers has no days
    "annex_a_2019": replace(ANNEX_A, floor={of: n for of, n in ANNEX_A.floor.items() if of != "lc"}),
    "cin_census": Feed(
        lambda path: cin_census.read(path, as_of=AT),
        names=lambda case: in_time(case, "referral", YEAR),
        floor={"assess": 50, "cp": 25, "gap.cin_drift": 4, "gap.cp_long": 15, "gap.rereferral": 50},
    ),
    "csc_api": Feed(
        lambda path: csc_api.read(path, as_of=AT),
        names=lambda case: any(case.of("referral")),
        floor={
            "assess": 50,
            "cp": 8,
            "gap.cin_drift": 4,
            "gap.cp_long": 15,
            "gap.no_worker.cin": 3,
            "gap.rereferral": 50,
        }
        | {"s47": 8},
    ),
    "ssda903": SSDA903,
    "ssda903_xml": SSDA903,
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    kinds = ("ssd", "csv", *FEEDS)
    folder = tmp_path_factory.mktemp("same")
    return make_feeds(folder, la="350", children=CHILDREN, seed=SEED, as_of=LAST_DAY, kinds=kinds)


@pytest.fixture(scope="module")
def dataset(told: dict[str, Path]) -> Snapshot:
    return ssd.read(str(told["ssd"]), as_of=AT)


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    return load_rulebook([england()], settings={"cp.visit.interval": "10 working days"})


def group(rule: str) -> str:
    return rule if rule.startswith("gap.") else rule.partition(".")[0]


def no_more_than(case: CaseFile, other: Snapshot) -> CaseFile:
    """A child's case without the kinds and fields that another feed cannot hold."""

    def poorer(record: Record) -> Record:
        lost = {name for name in record.values if f"{record.kind}.{name}" in other.lacks}
        return replace(record, values={name: v for name, v in record.values.items() if name not in lost})

    return replace(case, records=tuple(poorer(r) for r in case.records if r.kind in other.holds | {"child"}))


@dataclass
class Compared:
    same: Counter[str] = field(default_factory=Counter)
    running: Counter[str] = field(default_factory=Counter)
    untold: Counter[str] = field(default_factory=Counter)
    outside: Counter[str] = field(default_factory=Counter)
    latest: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def table(self) -> str:
        columns = ("same", "running", "untold", "outside", "latest")
        counts: list[Counter[str]] = [getattr(self, column) for column in columns]
        lines = [f"{'':24}" + "".join(f"{column:>9}" for column in columns)]
        lines += [f"{g:24}" + "".join(f"{c[g]:9}" for c in counts) for g in sorted({g for c in counts for g in c})]
        return "\n".join(lines)


def only(rulebook: Rulebook, rules: set[str]) -> Evaluator:
    return Evaluator.of(rulebook.model_copy(update={"rules": tuple(r for r in rulebook.rules if r.id in rules)}))


def open_clocks(findings: tuple[Finding, ...]) -> dict[Answer, Finding]:
    """What is definite and not settled: the clocks that ask for something today, and those that will."""
    return {(f.rule, f.stage, day(f.due)): f for f in findings if f.stage in ("running", "upcoming", "due", "overdue")}


def compare(dataset: Snapshot, other: Snapshot, feed: Feed, rulebook: Rulebook) -> Compared:
    fully, _ = measurable(rulebook, dataset.holds, dataset.lacks, dataset.latest)
    able, _ = measurable(fully, other.holds, other.lacks, other.latest)
    wanted = {rule.id for rule in able.rules}
    sooner = {rule for later in wanted for rule in SECOND.get(later, ())}
    engine, reader, found = only(fully, wanted | sooner), Evaluator.of(able), Compared()
    theirs = {case.child: case for case in other.cases}
    for case in dataset.cases:
        there = theirs.get(case.child)
        if there is None:
            if feed.names(case):
                found.wrong.append(f"{case.child} is not in the feed")
            continue
        truth = engine.evaluate(no_more_than(case, other), AT)
        said = reader.evaluate(there, AT)
        unknown = {f.rule for f in said if f.cannot_tell and f.cannot_tell.cause in ("window", "feed")}
        true, claimed = open_clocks(truth), open_clocks(said)
        for answer, finding in true.items():
            of = group(answer[0])
            if answer[0] not in wanted:
                continue
            if answer in claimed:
                (found.running if answer[1] == "running" else found.same)[of] += 1
            elif answer[0] in unknown:
                found.untold[of] += 1
            elif feed.leaves_out(finding, case):
                found.outside[of] += 1
            else:
                found.wrong.append(f"{case.child}: not said of {finding.record}: {answer}")
        for answer, finding in claimed.items():
            if answer in true:
                continue
            if may_be_the_second(finding, true):
                found.latest[group(answer[0])] += 1
            else:
                found.wrong.append(f"{case.child}: said of {finding.record}: {answer}")
    return found


def may_be_the_second(finding: Finding, true: Mapping[Answer, Finding]) -> bool:
    """The one known case of another answer: from the latest review alone nobody can say that it was the first, after
    which the next is due sooner. It says on what it is based; the sooner one it must then leave unknown."""
    sooner = {rule for rule, _, _ in true} & SECOND.get(finding.rule, set())
    return bool(finding.basis and sooner)


@pytest.mark.parametrize("name", FEEDS)
def test_a_feed_never_says_anything_else_of_a_child(
    name: str, told: dict[str, Path], dataset: Snapshot, rulebook: Rulebook
) -> None:
    feed = FEEDS[name]
    found = compare(dataset, feed.read(told[name]), feed, rulebook)
    wrong = "\n".join(found.wrong[:20])
    assert not found.wrong, f"{len(found.wrong)} differ, as\n{wrong}\n{found.table()}"
    few = {of: (found.same[of], floor) for of, floor in feed.floor.items() if found.same[of] < floor}
    assert not few, f"too few are the same:\n{found.table()}"


def test_own_lists_are_read_whole_and_name_the_records_of_the_dataset(told: dict[str, Path], dataset: Snapshot) -> None:
    own = own_csv.read(told["csv"], as_of=AT)
    assert len(own.accounts) > 15
    for name, account in own.accounts.items():
        assert account.rows == account.used > 0, name
    assert not [doubt for case in own.cases for record in case.records for doubt in record.doubts]
    there = {(case.child, record.ref) for case in dataset.cases for record in case.records}
    links = (("return_interview", "missing"), ("placement_plan", "placement"), ("referral_decision", "referral"))
    for kind, field_ in links:
        named = {(c.child, f"{field_}:{r.get(field_)}") for c in own.cases for r in c.of(kind)}
        assert named, kind
        assert named <= there, kind


@pytest.mark.parametrize("kind", ["cp_visit", "cin_visit", "cla_visit"])
def test_own_lists_of_visits_hold_the_visits_of_the_dataset(
    kind: str, told: dict[str, Path], dataset: Snapshot
) -> None:
    def visits(snapshot: Snapshot) -> set[tuple[object, ...]]:
        names = ("happened", "child_seen", "seen_alone")
        return {(c.child, r.key, *(r.get(n) for n in names)) for c in snapshot.cases for r in c.of(kind)}

    held = visits(own_csv.read(told["csv"], as_of=AT))
    assert held == visits(dataset)
    assert len(held) > 500
