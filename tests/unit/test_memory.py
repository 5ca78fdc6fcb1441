"""What a piece of work needed is given back."""

from __future__ import annotations

import ctypes
import gc
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
