"""Children worked on by a Dask cluster of real processes: the same findings, and none lost whatever dies."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from dask import config as settings

from alertd import synth
from alertd.cases.records import Snapshot
from alertd.cases.sources import ssd
from alertd.engine import cluster as clusters
from alertd.engine.cluster import Cluster, Seen, _Book, _unfit, _work_on
from alertd.engine.edition import edition
from alertd.engine.evaluate import Evaluator
from alertd.engine.sweep import NoWorkersError, Pools, Processes, each
from alertd.rulebook.builtin import england
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rulebook
from tests.support.cluster import SETTINGS, Certificates, DaskProcesses, dask_processes, falls_over, takes_a_while
from tests.unit.engine.test_sweep import BOOK, CHILDREN, EXPECTED, NOW, snapshot

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[DaskProcesses]:
    """Two workers. One that dies is forgiven a batch once, so that a child that ends them is known soon."""
    allowed = {"SCHEDULER__ALLOWED_FAILURES": "1"}
    with dask_processes(tmp_path_factory.mktemp("dask"), 2, certificates=certificates, **allowed) as found:
        yield found


@pytest.fixture(scope="module")
def cluster(dask: DaskProcesses, certificates: Certificates) -> Cluster:
    return at(dask.address, certificates)


def at(address: str, certificates: Certificates) -> Cluster:
    return Cluster(address, ca=certificates.ca, cert=certificates.cert, key=certificates.key)


def found_by(pools: Pools, cases: Snapshot, book: Rulebook, batch: int) -> bytes:
    """All that is found, as bytes."""
    failed: dict[str, str] = {}
    swept = each(cases, book, Evaluator.evaluate, NOW, pools=pools, batch=batch, failed=failed.__setitem__)
    findings = [finding for _, some in swept for finding in some]
    assert not failed, failed
    return json.dumps([f.as_json() for f in sorted(findings, key=lambda f: f.identity)]).encode()


def test_it_is_tried_and_says_what_it_has(cluster: Cluster) -> None:
    assert cluster.tried() == f"2 workers of the cluster at {cluster.address}, with the same alertd"


def test_every_setting_that_operators_are_given_for_it_is_one_that_dask_knows() -> None:
    def names(given: dict[str, Any], above: str = "") -> Iterator[str]:
        for name, value in given.items():
            yield from names(value, f"{above}{name}.") if isinstance(value, dict) else [f"{above}{name}"]

    unknown = object()
    asked = list(names(yaml.safe_load(SETTINGS.read_text("utf-8"))))
    assert len(asked) > 4
    assert [name for name in asked if settings.get(name, unknown) is unknown] == []


def test_its_workers_are_run_with_those_settings(cluster: Cluster) -> None:
    with cluster._connected() as client:
        assert set(client.run(settings.get, "distributed.worker.memory.spill").values()) == {False}


def test_a_worker_keeps_what_one_child_needed_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[None] = []
    monkeypatch.setattr(clusters, "keep_for_the_next", lambda: asked.append(None))
    book = _Book.of(BOOK, "somebody")
    book.setup(None)
    book.teardown(None)
    assert asked == [None]


def test_a_cluster_and_pools_of_one_and_of_two_find_the_same_byte_for_byte(cluster: Cluster, tmp_path: Path) -> None:
    database = tmp_path / "authority.db"
    synth.make(database, la="350", children=60, seed=2, as_of=date(2026, 11, 25), dirty=0.02)
    cases = ssd.read(str(database), as_of=NOW)
    book = load_rulebook([england()], settings={"cp.visit.interval": "10 working days"})
    alone = found_by(Processes(1), cases, book, 40)
    assert len(json.loads(alone)) > 500
    assert found_by(Processes(2), cases, book, 7) == alone
    assert found_by(cluster, cases, book, 7) == alone


@pytest.mark.fault("F59")
def test_a_child_that_ends_every_worker_or_never_ends_costs_that_child_alone(cluster: Cluster) -> None:
    failed: dict[str, str] = {}
    done: list[int] = []
    swept = each(
        snapshot(CHILDREN),
        BOOK,
        falls_over,
        NOW,
        pools=cluster,
        batch=3,
        patience=0.5,
        progress=done.append,
        failed=failed.__setitem__,
    )
    found = sorted((f for _, some in swept for f in some), key=lambda f: f.identity)
    ended = "the rules engine ended its process"
    assert failed == {"C25": ended, "C27": "KeyError in falls_over", "C29": ended}
    assert found == [f for f in EXPECTED if f.child not in failed]
    assert sum(done) == len(CHILDREN)


def test_a_worker_that_is_killed_in_the_middle_loses_no_child(cluster: Cluster, dask: DaskProcesses) -> None:
    failed: dict[str, str] = {}
    swept = each(snapshot(CHILDREN), BOOK, takes_a_while, NOW, pools=cluster, batch=1, failed=failed.__setitem__)
    found = [*next(swept)[1]]
    for worker in (before := dask.processes())[:1]:  # each has a batch, and another waits for it
        os.kill(worker, signal.SIGKILL)
    found += [f for _, some in swept for f in some]
    assert len(before) == 2 and not failed
    assert sorted(found, key=lambda f: f.identity) == EXPECTED


LOST = [
    pytest.param(signal.SIGKILL, "was lost in the middle of it", "", id="killed"),
    pytest.param(signal.SIGSTOP, "in the middle of it: its scheduler does not answer", "long_run", id="hangs"),
]


@pytest.mark.parametrize(("how", "what", "when"), LOST)
def test_a_scheduler_that_goes_or_hangs_in_the_middle_ends_the_sweep_with_words(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    how: signal.Signals,
    what: str,
    when: str,
) -> None:
    if when:
        request.getfixturevalue(when)
    monkeypatch.setattr(clusters, "LOOKED_AT_EVERY", 0.2)
    with dask_processes(tmp_path, 0) as own:
        pools = Cluster(own.address)
        with monkeypatch.context() as soon:
            soon.setattr(clusters, "WORKERS_WITHIN", 0.2)
            with pytest.raises(NoWorkersError, match=r"has had no workers .* Start some"):
                pools.tried()
        own.add_workers(1)
        swept = each(snapshot(CHILDREN), BOOK, takes_a_while, NOW, pools=pools, batch=1, failed=print)
        next(swept)
        monkeypatch.setattr(clusters, "ANSWERS_WITHIN", 1.0)
        own.scheduler.send_signal(how)
        with pytest.raises(NoWorkersError, match=what):
            list(swept)


def test_nobody_there_and_a_stranger_are_said(
    dask: DaskProcesses, certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "ANSWERS_WITHIN", 1.0)
    with pytest.raises(NoWorkersError, match=r"tcp://127.0.0.1:1: the scheduler .* does not answer"):
        Cluster("tcp://127.0.0.1:1").tried()
    with pytest.raises(NoWorkersError, match=r"does not answer .*ertificate"):
        at(dask.address, Certificates(tmp_path)).tried()
    missing = replace_file(certificates, cert=tmp_path / "none.pem")
    with pytest.raises(NoWorkersError, match=r"engine.cert: .*none.pem: there is no such file"):
        missing.tried()


def replace_file(certificates: Certificates, **files: Path) -> Cluster:
    mine = {"ca": certificates.ca, "cert": certificates.cert, "key": certificates.key}
    return Cluster("tls://127.0.0.1:1", **{**mine, **files})


def test_a_worker_with_another_edition_is_refused_before_it_opens_anything(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {**edition(), "holidays": "0.1"}
    monkeypatch.setattr(clusters, "edition", lambda: other)
    what = rf"a worker is not like this machine.*: holidays 0.1 there and {re.escape(edition()['holidays'])} here"
    with pytest.raises(NoWorkersError, match=what):
        found_by(cluster, snapshot(CHILDREN), BOOK, 2)
    refused: Any = _work_on(other, "book", 0.0, b"no pickle")
    assert "holidays 0.1 there" in refused.why


def test_a_worker_that_is_not_like_this_machine_is_refused_with_what_differs() -> None:
    assert _unfit(Seen(edition(), 1)) == ""
    assert _unfit(Seen(edition(), 2)) == "has 2 threads and may have one: --nthreads 1"
    other = {**edition(), "alertd": "0.0.9 (00000000)"}
    assert _unfit(Seen(other, 1)).startswith("is not like this machine: alertd 0.0.9 (00000000) there and ")
