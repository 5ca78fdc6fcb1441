"""What a piece of work needed is given back."""

from __future__ import annotations

import ctypes
import gc
import weakref

import pytest

from alertd.memory import give_back


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
