"""Many children in worker processes: one that ends its worker costs nobody else anything."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from alertd.cases.records import CaseFile, Snapshot, Window, make_record
from alertd.engine import sweep as sweeping
from alertd.engine.evaluate import Evaluator
from alertd.engine.findings import Finding
from alertd.engine.sweep import Processes, each, sweep
from alertd.engine.worker import Batch
from alertd.rulebook.model import Rule, Rulebook
from tests.support.evaluating import evaluate

NOW = datetime(2026, 11, 25, 6, 30, tzinfo=UTC)


def rule(id_: str, stops: str) -> Rule:
    return Rule.model_validate(
        {
            "id": id_,
            "title": "First review",
            "why": "w",
            "law": {"cite": "c", "confidence": "V"},
            "for": "care_period",
            "clock": {"from": "start", "within": "20 working days"},
            "until": {"record": stops},
            "clears": "c",
            "warn": "D",
            "escalate": "L",
        }
    )


BOOK = Rulebook.model_validate(
    {
        "rules": (rule("r.review", "cla_review"), rule("r.sdq", "sdq")),
        "warnings": {"D": {"title": "t", "at": [{"before": "2 working days"}]}},
        "ladders": {"L": {"title": "t", "steps": [{"tell": ["worker"]}]}},
    }
)


def child(number: int) -> CaseFile:
    """A child looked after for so many days; every third has had a review."""
    began = date(2026, 11, 24) - timedelta(days=number)
    name = f"C{number:02}"
    records = [make_record("care_period", name, "L1", "w", {"start": began})]
    if number % 3 == 0:
        records.append(make_record("cla_review", name, "R1", "w", {"happened": began}))
    return CaseFile(name, tuple(records))


def snapshot(cases: Iterable[CaseFile], holds: Iterable[str] = ("care_period", "cla_review", "sdq")) -> Snapshot:
    return Snapshot("test", tuple(cases), frozenset(holds), Window(), {})


CHILDREN = [child(n) for n in range(24, 32)]
EXPECTED = sorted((f for c in CHILDREN for f in evaluate(c, BOOK, NOW)), key=lambda f: f.identity)


def dies(evaluator: Evaluator, case: CaseFile, as_of: datetime) -> tuple[Finding, ...]:
    """Evaluates, except that child C29 ends the process, as the engine can."""
    if case.child == "C29":
        os.kill(os.getpid(), signal.SIGKILL)
    return evaluator.evaluate(case, as_of)


@pytest.mark.parametrize(("workers", "batch"), [(1, 100), (2, 3)])
def test_the_findings_are_the_same_however_the_work_is_cut(
    monkeypatch: pytest.MonkeyPatch, workers: int, batch: int
) -> None:
    monkeypatch.setattr(sweeping, "BATCH", batch)
    done: list[int] = []
    found = sweep(snapshot(reversed(CHILDREN)), BOOK, NOW, workers=workers, progress=done.append)
    assert list(found.findings) == EXPECTED
    assert {f.stage for f in EXPECTED} > {"met", "overdue"}
    assert (found.failed, sum(done)) == (frozenset(), len(CHILDREN))


@pytest.mark.parametrize(("workers", "batch"), [(2, 1), (1, 4)])
@pytest.mark.fault("F59")
def test_a_child_that_ends_its_worker_costs_that_child_alone(
    monkeypatch: pytest.MonkeyPatch, workers: int, batch: int
) -> None:
    monkeypatch.setattr(sweeping, "BATCH", batch)
    done: list[int] = []
    some = CHILDREN[4:]
    found = sweep(snapshot(some), BOOK, NOW, workers=workers, progress=done.append, evaluate=dies)
    assert found.failed == {"C29"}
    assert [f for f in found.findings if f.child != "C29"] == [f for f in EXPECTED if f.child in ("C28", "C30", "C31")]
    (broken,) = [f for f in found.findings if f.child == "C29"]
    assert (broken.rule, broken.stage, broken.asks_for_action) == ("*", "unknown", True)
    assert broken.cannot_tell is not None
    assert broken.cannot_tell.cause == "engine"
    assert sum(done) == len(some)
    assert [f.identity for f in found.findings] == sorted(f.identity for f in found.findings)


def picky(evaluator: Evaluator, case: CaseFile, as_of: datetime) -> tuple[Finding, ...]:
    """Evaluates, with a fault that one child's data brings out."""
    if case.child == "C29":
        raise KeyError("a private detail")
    return evaluator.evaluate(case, as_of)


@pytest.mark.fault("F59")
def test_a_child_whose_evaluation_raises_costs_that_child_alone_and_says_no_personal_data() -> None:
    found = sweep(snapshot(CHILDREN), BOOK, NOW, workers=1, evaluate=picky)
    assert found.failed == {"C29"}
    assert [f for f in found.findings if f.child != "C29"] == [f for f in EXPECTED if f.child != "C29"]
    (broken,) = [f for f in found.findings if f.child == "C29"]
    assert broken.cannot_tell is not None
    assert broken.cannot_tell.text == "this child could not be evaluated: KeyError in picky"


class OnItsWay:
    """A case file that is made where it is worked on; that of C29 cannot be made."""

    def __init__(self, case: CaseFile) -> None:
        self.child, self._case = case.child, case

    def opened(self) -> CaseFile:
        if self.child == "C29":
            raise ValueError("a private detail")
        return self._case


class Kept(tuple[CaseFile, ...]):
    """Cases that can be had on their way."""

    def packed(self, at: slice) -> list[OnItsWay]:
        return [OnItsWay(case) for case in self[at]]


def test_a_case_file_that_cannot_be_made_costs_that_child_alone_and_is_made_in_the_worker() -> None:
    kept = replace(snapshot(()), cases=Kept(CHILDREN))
    found = sweep(kept, BOOK, NOW, workers=1)
    assert found.failed == {"C29"}
    assert [f for f in found.findings if f.child != "C29"] == [f for f in EXPECTED if f.child != "C29"]
    (broken,) = [f for f in found.findings if f.child == "C29"]
    assert broken.cannot_tell is not None
    assert broken.cannot_tell.text == "this child could not be evaluated: ValueError in opened"


def test_a_rule_whose_records_the_feed_does_not_hold_is_reported_once_and_judged_for_no_child() -> None:
    found = sweep(snapshot(CHILDREN[:2], holds=("care_period", "cla_review")), BOOK, NOW, workers=1)
    assert [f.rule for f in found.findings] == ["r.review", "r.review", "r.sdq"]
    unable = found.findings[-1]
    assert (unable.child, unable.record, unable.occurrence, unable.stage) == ("*", "feed", "sdq", "unknown")


class Pool:
    """Stands in for a process pool. The first takes two batches and breaks at the third, before
    which it has said so of one of the two."""

    made = 0

    def __init__(self, _workers: int) -> None:
        Pool.made += 1
        self.breaks = Pool.made == 1
        self.taken: list[Future[list[Finding]]] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(
        self, work: Callable[[Batch, datetime], list[Finding]], batch: Batch, as_of: datetime
    ) -> Future[list[Finding]]:
        if self.breaks and len(self.taken) == 2:
            self.taken[0].set_exception(BrokenProcessPool())
            raise BrokenProcessPool
        self.taken.append(Future())
        if not self.breaks:
            self.taken[-1].set_result(work(batch, as_of))
        return self.taken[-1]


def test_a_pool_that_breaks_while_batches_are_handed_over_is_replaced_and_no_child_is_lost() -> None:
    batches = [CHILDREN[i : i + 2] for i in range(0, 8, 2)]

    def seen(batch: Batch, as_of: datetime) -> list[Finding]:
        return [f for case in batch for f in evaluate(case, BOOK, as_of)]

    place = SimpleNamespace(workers=lambda: 2, pool=lambda: Pool(2), alone=lambda: Pool(1))
    found = [
        f
        for _, some in sweeping._run(place, seen, iter(batches), lambda _: NOW)
        for f in some
        if isinstance(f, Finding)
    ]  # type: ignore[arg-type]
    assert sorted(found, key=lambda f: f.identity) == EXPECTED
    assert Pool.made > 1


def record_kinds(evaluator: Evaluator, case: CaseFile, prefix: str) -> list[str]:
    """Work other than evaluating; one child's fails, and one's ends the process."""
    if case.child == "C25":
        raise ValueError(case.child)
    if case.child == "C29":
        os.kill(os.getpid(), signal.SIGKILL)
    return [prefix + record.kind for record in case.records if evaluator.rules.get(record.kind)]


def test_any_work_is_done_for_each_child_and_those_it_fails_for_are_named() -> None:
    failed: dict[str, str] = {}
    done: list[int] = []
    found = dict(
        each(
            snapshot(CHILDREN),
            BOOK,
            record_kinds,
            "a ",
            workers=2,
            batch=3,
            progress=done.append,
            failed=failed.__setitem__,
        )
    )
    assert found == {c.child: ["a care_period"] for c in CHILDREN if c.child not in ("C25", "C29")}
    assert failed == {"C25": "ValueError in record_kinds", "C29": "the rules engine ended its process"}
    assert sum(done) == len(CHILDREN)


def named(_evaluator: Evaluator, case: CaseFile, prefix: str, of_batch: tuple[str, ...]) -> list[str]:
    """Work that is handed something for its batch; one child's ends the process."""
    if case.child == "C29":
        os.kill(os.getpid(), signal.SIGKILL)
    return [prefix, *of_batch]


def test_what_differs_from_batch_to_batch_is_handed_over_with_each_and_with_the_halves_of_one_that_failed() -> None:
    failed: dict[str, str] = {}
    of_batch = {c.child: f"for {c.child}" for c in CHILDREN}
    swept = each(
        snapshot(CHILDREN),
        BOOK,
        named,
        "a",
        batch=4,
        workers=1,
        beside=lambda batch: (tuple(of_batch[case.child] for case in batch),),
        failed=failed.__setitem__,
    )
    found = dict(swept)
    assert failed.keys() == {"C29"} and found.keys() == of_batch.keys() - failed.keys()
    assert all(f"for {child}" in handed for child, handed in found.items())
    assert found["C31"] == ["a", "for C30", "for C31"], "a half, handed what is for it alone"
    assert found["C24"] == ["a", "for C24", "for C25", "for C26", "for C27"]


class Threes(Processes):
    """Processes that take three children at a time."""

    def batch(self) -> int:
        return 3


def test_so_many_children_are_handed_over_at_a_time_as_suit_where_the_workers_are() -> None:
    sizes: list[int] = []

    def counted(batch: Batch) -> tuple[()]:
        sizes.append(len(batch))
        return ()

    swept = each(
        snapshot(CHILDREN[:7]), BOOK, Evaluator.evaluate, NOW, pools=Threes(1), beside=counted, failed={}.__setitem__
    )
    assert len(dict(swept)) == 7 and sizes == [3, 3, 1]


def which_process(_evaluator: Evaluator, case: CaseFile, fatal: str) -> int:
    """Work that says where it is done; one child may end the process."""
    if case.child == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def test_workers_stay_for_the_next_who_judges_by_the_same_rules_unless_one_of_them_died() -> None:
    pools, failed = Processes(1), dict[str, str]()

    def processes(book: Rulebook, fatal: str = "") -> set[int]:
        swept = each(snapshot(CHILDREN), book, which_process, fatal, pools=pools, batch=4, failed=failed.__setitem__)
        return {process for _, process in swept}

    with pools.staying():
        (first,) = processes(BOOK)
        assert processes(BOOK.model_copy()) == {first}
        assert len(processes(BOOK, "C29")) > 1 and failed.keys() == {"C29"}, "who died is looked for in others"
        (second,) = processes(BOOK)
        assert second != first
        (other,) = processes(BOOK.without({"r.sdq"}))
        assert other not in (first, second), "a worker is for one rulebook"
    for gone in (second, other):
        with pytest.raises(ProcessLookupError):
            os.kill(gone, 0)
    assert processes(BOOK) != processes(BOOK)


def test_what_the_caller_does_not_keep_is_dropped() -> None:
    found = sweep(snapshot(CHILDREN), BOOK, NOW, workers=1, keep=lambda f: f.stage == "met")
    assert found.findings == tuple(f for f in EXPECTED if f.stage == "met") != ()


def test_a_feed_of_nobody_finds_nothing() -> None:
    assert sweep(snapshot([]), BOOK, NOW).findings == ()
