"""What ``make faults`` needs of pytest: marks, figures and the table, for tests wherever they stand.

A test belongs to a row of the catalogue by ``@pytest.mark.fault("F07")``, or by ``f07`` in its name. Which database
it ran on is read from its parameters, or said by ``database="sqlite"`` in the mark.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest

from tests.faults.catalogue import BOTH, CATALOGUE, Row

_IN_NAME = re.compile(r"(?<=_)f(\d\d)(?=_|\b)")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", action="store_true", help="run the long fault tests too")
    parser.addoption("--catalogue", action="store_true", help="print the table of faults; fail where a row lacks proof")
    parser.addoption("--kills", type=int, default=200, help="how often daemons are killed at random")
    parser.addoption("--soak-minutes", type=float, default=1, help="how long two daemons live at random; a day is 20")
    parser.addoption("--kill-seed", type=int, help="repeat the random kills of an earlier run")


@pytest.fixture(scope="session")
def long_run(request: pytest.FixtureRequest) -> None:
    """For tests of minutes, and for those that only repeat on another database what the suite has tried on one."""
    if not request.config.getoption("--faults"):
        pytest.skip("long: run with pytest --faults")


@pytest.fixture
def kill_seed(request: pytest.FixtureRequest) -> int:
    """The same kills in each normal run; others in each long one, unless an earlier run is repeated."""
    given: int | None = request.config.getoption("--kill-seed")
    if given is not None:
        return given
    return random.SystemRandom().randrange(10**6) if request.config.getoption("--faults") else 1


class Measured(Protocol):
    """Notes for the table what a test saw: ``measured(copies=2, recovered_seconds=0.8)``."""

    def __call__(self, *, copies: int | None = None, recovered_seconds: float | None = None) -> None: ...


@pytest.fixture
def measured(record_property: Any) -> Measured:
    """Takes the most copies of one message, and the real seconds until all that was due had gone."""

    def note(*, copies: int | None = None, recovered_seconds: float | None = None) -> None:
        for name, figure in (("copies", copies), ("recovered_seconds", recovered_seconds)):
            if figure is not None:
                record_property(f"fault.{name}", figure)

    return note


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for found in _IN_NAME.findall(getattr(item, "originalname", item.name)):
            item.add_marker(pytest.mark.fault(f"F{found}"))
        rows = {id_: None for mark in item.iter_markers("fault") for id_ in mark.args}
        if strange := rows.keys() - CATALOGUE.keys():
            raise pytest.UsageError(f"{item.nodeid}: the catalogue has no fault {', '.join(sorted(strange))}")
        item.user_properties += [("fault", id_) for id_ in rows]
        item.user_properties += [("fault.database", name) for name in sorted(_databases(item))]


def _databases(item: pytest.Item) -> set[str]:
    said = {str(mark.kwargs["database"]) for mark in item.iter_markers("fault") if "database" in mark.kwargs}
    params = getattr(item, "callspec", None)
    return said | {value for value in (params.params.values() if params else ()) if value in (*BOTH,)}


@dataclass
class Result:
    """What the tests of one row came to."""

    held: int = 0
    broken: int = 0
    skipped: int = 0
    databases: set[str] = field(default_factory=set)
    copies: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, outcome: str, noted: Iterable[tuple[str, Any]]) -> None:
        """Count one test."""
        self.held += outcome == "passed"
        self.broken += outcome == "failed"
        self.skipped += outcome == "skipped"
        if outcome != "passed":
            return
        for name, value in noted:
            if name == "fault.database":
                self.databases.add(value)
            elif name == "fault.copies":
                self.copies.append(value)
            elif name == "fault.recovered_seconds":
                self.seconds.append(value)

    def lacks(self, row: Row) -> str:
        """Why this is no proof of the row; blank when it is."""
        if self.broken:
            return f"BROKEN: {self.broken} of {self.held + self.broken} tests"
        if row.comes_later or (self.held and row.on <= self.databases):
            return ""
        if not self.held:
            return "ONLY SKIPPED" if self.skipped else "NO TEST"
        return f"NOT TRIED on {', '.join(sorted(row.on - self.databases))}"


class Table:
    """Gathers what each test came to, and says it row by row."""

    def __init__(self) -> None:
        self.results: dict[str, Result] = defaultdict(Result)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.outcome == "passed":
            return
        for name, value in report.user_properties:
            if name == "fault":
                self.results[str(value)].add(report.outcome, report.user_properties)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if any(self.results[id_].lacks(row) for id_, row in CATALOGUE.items()) and not session.exitstatus:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("the faults, and what held")
        for line in lines(self.results):
            terminalreporter.write_line(line)


def lines(results: dict[str, Result]) -> Iterator[str]:
    """The table."""
    form = "{:<4} {:<68} {:<9} {:<18} {:<22} {:>6} {:>10}"
    yield form.format("", "fault", "holds", "database", "result", "copies", "recovered")
    lacking = 0
    for id_, row in CATALOGUE.items():
        result = results.get(id_, Result())
        if row.comes_later and not result.held + result.broken:
            continue
        lack = result.lacks(row)
        lacking += bool(lack)
        yield form.format(
            id_,
            row.fault,
            row.holds,
            " ".join(sorted(result.databases, reverse=True)) or "-",
            lack or f"held, {result.held} tests",
            max(result.copies, default="-"),
            f"{max(result.seconds):.1f} s" if result.seconds else "-",
        ).rstrip()
    yield f"{lacking} rows lack proof" if lacking else "all rows hold"


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--catalogue") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Table(), "alertd-fault-table")
