"""What is run by hand, not by the suite, still finds every part of the program it is written against."""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

import pytest

from tests import bench, faults, fuzz

MODULES = sorted(
    found.name
    for package in (bench, faults, fuzz)
    for found in walk_packages(package.__path__, f"{package.__name__}.")
    if not found.name.rsplit(".", 1)[1].startswith("test_")
)


@pytest.mark.parametrize("module", MODULES)
def test_a_bench_a_fault_or_a_fuzz_can_be_loaded(module: str) -> None:
    """A name that moved in the program is missed here, not on the day somebody measures."""
    import_module(module)
