"""Rule cases as pytest tests: ``pytest its-rules/`` runs every ``*.test.yaml`` beside a pack or an overlay.

Packs and overlays of one folder are judged together, as ``alertd rules test FOLDER`` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from alertd.errors import InputError

if TYPE_CHECKING:
    from alertd.rulebook.shelf import Shelf
    from alertd.rulebook.testing import Case, Outcome, Runner

_RULES: Final = re.compile(r"^(pack|overlay):", re.MULTILINE)
_SHELVES: Final = pytest.StashKey[dict[Path, "list[tuple[Shelf, Runner]]"]]()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a file of cases where a pack or an overlay stands beside it; other people's YAML is left alone."""
    if not file_path.name.endswith(".test.yaml"):
        return None
    if not _holds_rules(file_path.with_name(file_path.name.removesuffix(".test.yaml") + ".yaml")):
        return None
    return _Cases.from_parent(parent, path=file_path)


def _holds_rules(path: Path) -> bool:
    return path.is_file() and _RULES.search(path.read_text("utf-8", errors="replace")) is not None


class _Cases(pytest.File):
    def collect(self) -> Iterator[pytest.Item]:
        from alertd.rulebook.packs import cases_file
        from alertd.rulebook.testing import read_cases

        try:
            for shelf, runner in self._shelves():
                for rules in shelf.files:
                    if cases_file(rules) == self.path:
                        for case in read_cases(self.path):
                            yield _Item.from_parent(self, name=f"{case.rule}: {case.name}", case=case, runner=runner)
        except InputError as error:
            raise self.CollectError(str(error)) from None

    def _shelves(self) -> list[tuple[Shelf, Runner]]:
        """The shelves of the folder, loaded once for all its files."""
        from alertd.rulebook.shelf import shelves
        from alertd.rulebook.testing import Runner

        kept = self.session.stash.setdefault(_SHELVES, {})
        folder = self.path.parent
        if folder not in kept:
            files = [path for path in sorted(folder.glob("*.yaml")) if _holds_rules(path)]
            kept[folder] = [(shelf, Runner(shelf.rulebook)) for shelf in shelves(files)]
        return kept[folder]


class _DoesNotHoldError(Exception):
    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


class _Item(pytest.Item):
    def __init__(self, *, case: Case, runner: Runner, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.case, self.runner = case, runner

    def runtest(self) -> None:
        outcome = self.runner.run(self.case)
        if not outcome.passed:
            raise _DoesNotHoldError(outcome)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:  # noqa: ARG002
        """What was expected and what was found, without a traceback through the engine."""
        error = excinfo.value
        if isinstance(error, _DoesNotHoldError):
            return "\n".join([f"{self.case.place}: {self.case.rule}: {self.case.name}", *error.outcome.differences])
        if isinstance(error, InputError):
            return str(error)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, int(self.case.place.rpartition(":")[2]) - 1, self.case.name
