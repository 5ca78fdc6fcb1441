"""The same children, told by each feed, give the same findings wherever the feed holds the facts.

One truth is written by ``alertd.synth`` as the Standard Safeguarding Dataset and as each other feed, by that feed's
own specification, and read by that feed's reader. What a feed cannot hold it may leave unknown, and whom its scope
leaves out it does not name; it must never give another answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
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
from alertd.synth.feeds.annex_a import months_back

YEAR_END, MID_YEAR = date(2026, 3, 31), date(2026, 8, 14)
"""On the first the returns are as fresh as the lists; what is drawn up daily must agree on any day."""
YEAR = date(2025, 4, 1)
CHILDREN, SEED = 900, 5

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

    ``names``: whom it ought to name on a day, by the child's case in the dataset. ``leaves_out``: of a finding from the
    dataset about a child it names, whether its scope leaves out what that is about. ``floor``: the fewest definite
    answers that must be the same, by group of rules.
    """

    read: Callable[[Path, datetime], Snapshot]
    names: Callable[[CaseFile, date], bool]
    floor: Mapping[str, int]
    leaves_out: Callable[[Finding, CaseFile], bool] = lambda _finding, _case: False


def named_by_annex_a(case: CaseFile, today: date) -> bool:
    """Whoever was referred in the last six months, or had a case that was taken up, a plan or care in them."""
    half = months_back(today, 6)
    new = any((start := record.day("start")) and start >= half for record in case.of("referral"))
    taken_up = replace(case, records=tuple(r for r in case.of("referral") if not r.get("nfa")))
    return new or in_time(taken_up, "referral", half) or any(in_time(case, k, half) for k in ("care_period", "cp_plan"))


def left_out_by_annex_a(finding: Finding, case: CaseFile) -> bool:
    """Its list of care leavers has no code for those still looked after."""
    kind, _, key = finding.record.partition(":")
    leaver = next((r for r in case.of(kind) if r.key == key), None)
    return kind == "care_leaver" and leaver is not None and leaver.get("eligibility") == "eligible"


ANNEX_A = Feed(
    lambda path, at: annex_a.read(path, as_of=at),
    names=named_by_annex_a,
    leaves_out=left_out_by_annex_a,
    floor={"assess": 5, "cla": 14, "cp": 18, "gap.cp_long": 9, "lc": 6},
)
SSDA903 = Feed(
    lambda path, at: ssda903.read(path, as_of=at),
    names=lambda case, _: in_time(case, "care_period", YEAR),
    floor={"cla": 14},
)
FEEDS = {
    "annex_a": ANNEX_A,
    # its list of care leavers has no days
    "annex_a_2019": replace(ANNEX_A, floor={of: n for of, n in ANNEX_A.floor.items() if of != "lc"}),
    "cin_census": Feed(
        lambda path, at: cin_census.read(path, as_of=at),
        names=lambda case, _: in_time(case, "referral", YEAR),
        floor={"assess": 35, "cp": 14, "gap.cin_drift": 3, "gap.cp_long": 9, "gap.rereferral": 35},
    ),
    "csc_api": Feed(
        lambda path, at: csc_api.read(path, as_of=at),
        names=lambda case, _: any(case.of("referral")),
        floor={"assess": 35, "cp": 3, "gap.cin_drift": 3, "gap.cp_long": 9, "gap.rereferral": 35, "s47": 3},
    ),
    "ssda903": SSDA903,
    "ssda903_xml": SSDA903,
}
DAILY = ("annex_a", "csc_api")


@dataclass(frozen=True)
class Told:
    """One truth: the day it is of, where each feed of it is, and the dataset as it is read."""

    today: date
    at: datetime
    places: Mapping[str, Path]
    dataset: Snapshot


def tell(folder: Path, today: date, feeds: Iterable[str]) -> Told:
    places = make_feeds(folder, la="350", children=CHILDREN, seed=SEED, as_of=today, kinds=("ssd", *feeds))
    at = end_of(today) - timedelta(seconds=1)
    return Told(today, at, places, ssd.read(str(places["ssd"]), as_of=at))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell(tmp_path_factory.mktemp("year-end"), YEAR_END, ("csv", "annex_a_csv", *FEEDS))


@pytest.fixture(scope="module")
def told_in_mid_year(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell(tmp_path_factory.mktemp("mid-year"), MID_YEAR, DAILY)


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


def compare(told: Told, other: Snapshot, feed: Feed, rulebook: Rulebook) -> Compared:
    dataset = told.dataset
    fully, _ = measurable(rulebook, dataset.holds, dataset.lacks, dataset.latest)
    able, _ = measurable(fully, other.holds, other.lacks, other.latest)
    wanted = {rule.id for rule in able.rules}
    sooner = {rule for later in wanted for rule in SECOND.get(later, ())}
    engine, reader, found = only(fully, wanted | sooner), Evaluator.of(able), Compared()
    theirs = {case.child: case for case in other.cases}
    for case in dataset.cases:
        there = theirs.get(case.child)
        if there is None:
            if feed.names(case, told.today):
                found.wrong.append(f"{case.child} is not in the feed")
            continue
        truth = engine.evaluate(no_more_than(case, other), told.at)
        said = reader.evaluate(there, told.at)
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


def hold_against(told: Told, name: str, rulebook: Rulebook) -> None:
    feed = FEEDS[name]
    found = compare(told, feed.read(told.places[name], told.at), feed, rulebook)
    wrong = "\n".join(found.wrong[:20])
    assert not found.wrong, f"{len(found.wrong)} differ, as\n{wrong}\n{found.table()}"
    few = {of: (found.same[of], floor) for of, floor in feed.floor.items() if found.same[of] < floor}
    assert not few, f"too few are the same: {few}\n{found.table()}"


@pytest.mark.parametrize("name", FEEDS)
def test_a_feed_never_says_anything_else_of_a_child(name: str, told: Told, rulebook: Rulebook) -> None:
    hold_against(told, name, rulebook)


@pytest.mark.parametrize("name", DAILY)
def test_nor_does_a_daily_feed_in_the_middle_of_a_year(name: str, told_in_mid_year: Told, rulebook: Rulebook) -> None:
    hold_against(told_in_mid_year, name, rulebook)


def test_a_workbook_and_its_lists_as_csv_files_are_the_same_records(told: Told) -> None:
    def records(name: str) -> set[tuple[object, ...]]:
        found = annex_a.read(told.places[name], as_of=told.at)
        return {(c.child, r.ref, *sorted(r.values.items()), r.doubts) for c in found.cases for r in c.records}

    assert records("annex_a") == records("annex_a_csv")
    assert len(records("annex_a")) > 2000


def test_own_lists_are_read_whole_and_name_the_records_of_the_dataset(told: Told) -> None:
    own = own_csv.read(told.places["csv"], as_of=told.at)
    assert len(own.accounts) > 15
    for name, account in own.accounts.items():
        assert account.rows == account.used > 0, name
    assert not [doubt for case in own.cases for record in case.records for doubt in record.doubts]
    sent = [r for case in own.cases for r in case.of("review_record") if r.get("distributed")]
    assert sent and all((w := r.day("written")) and (d := r.day("distributed")) and d >= w for r in sent)
    there = {(case.child, record.ref) for case in told.dataset.cases for record in case.records}
    links = (("return_interview", "missing"), ("placement_plan", "placement"), ("referral_decision", "referral"))
    for kind, field_ in links:
        named = {(c.child, f"{field_}:{r.get(field_)}") for c in own.cases for r in c.of(kind)}
        assert named, kind
        assert named <= there, kind


@pytest.mark.parametrize("kind", ["cp_visit", "cin_visit", "cla_visit"])
def test_own_lists_of_visits_hold_the_visits_of_the_dataset(kind: str, told: Told) -> None:
    def visits(snapshot: Snapshot) -> set[tuple[object, ...]]:
        names = ("happened", "child_seen", "seen_alone")
        return {(c.child, r.key, *(r.get(n) for n in names)) for c in snapshot.cases for r in c.of(kind)}

    held = visits(own_csv.read(told.places["csv"], as_of=told.at))
    assert held == visits(told.dataset)
    assert len(held) > 500
