"""What a piece of work needed is given back."""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import weakref
from types import SimpleNamespace

import pytest

from alertd.memory import give_back, keep_what_is_there, share_one_arena, unsearched


class Circle:
    """Something that holds itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.parametrize("library", ["glibc's", "another"])
def test_what_holds_itself_is_let_go_whatever_the_c_library(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    if library == "another":
        monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    gc.disable()
    try:
        circle = weakref.ref(Circle())
        assert circle() is not None
        give_back()
        assert circle() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("library", ["glibc's", "another"])
def test_all_threads_take_memory_from_one_place_where_the_c_library_can_be_asked(
    monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    asked: list[tuple[int, int]] = []
    mallopt = {"mallopt": lambda *of: asked.append(of)} if library == "glibc's" else {}
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(**mallopt))
    share_one_arena()
    assert asked == ([(-8, 1)] if mallopt else [])


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc")
def test_what_one_piece_of_work_gave_back_is_there_for_the_next_however_little_is_to_be_kept() -> None:
    """As a worker of a cluster is started, told to return all beyond 64 KB."""
    code = """
import resource, sys
from alertd.memory import keep_for_the_next
if "keep" in sys.argv: keep_for_the_next()
def work():
    some = [b"x" * 5000 for _ in range(400)]
for _ in range(5): work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20): work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    env = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "65536"}
    fetched_anew = {
        word: int(subprocess.run([sys.executable, "-c", code, word], env=env, capture_output=True, check=True).stdout)
        for word in ("return", "keep")
    }
    assert fetched_anew["keep"] < fetched_anew["return"] / 10, fetched_anew


def test_a_server_leaves_what_it_began_with_out_of_every_later_search() -> None:
    before = gc.get_freeze_count()
    try:
        keep_what_is_there()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()


@unsearched()
def fails_unsearched() -> None:
    raise ZeroDivisionError(f"searched: {gc.isenabled()}")


@pytest.mark.parametrize("is_on", [True, False])
def test_while_much_is_made_nobody_searches_and_then_it_is_as_before(*, is_on: bool) -> None:
    """Whatever becomes of the work."""
    if not is_on:
        gc.disable()
    try:
        with pytest.raises(ZeroDivisionError, match="searched: False"):
            fails_unsearched()
        assert gc.isenabled() is is_on
    finally:
        gc.enable()
