"""What a process holds: what work needed is given back when it is done, and what stays is not looked through again."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_ARENA_MAX: Final = -8
"""``M_ARENA_MAX`` of glibc's malloc.h."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""``M_TRIM_THRESHOLD`` and ``M_MMAP_THRESHOLD``."""
_KEPT: Final = 32 << 20
"""Bytes. glibc takes no more for the second."""


def share_one_arena() -> None:
    """Let all threads take memory from one place; before there are any. glibc gives each its own, of which none can use
    what another has left over. Python's threads wait for each other anyway."""
    choose = getattr(ctypes.CDLL(None), "mallopt", None)
    if choose is not None:
        choose(_ARENA_MAX, 1)


def keep_for_the_next() -> None:
    """Let the C library keep what one child needed for the next. Dask's nannies have it return all beyond 64 KB at
    once, and the engine takes and leaves some 270 KB a child: to have them back took an eighth of a worker's time."""
    choose = getattr(ctypes.CDLL(None), "mallopt", None)
    if choose is not None:
        choose(_TRIM_THRESHOLD, _KEPT)
        choose(_MMAP_THRESHOLD, _KEPT)


def give_back() -> None:
    """Let the C library return what it keeps for later. One that cannot be asked (it is glibc's) keeps it."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@contextmanager
def unsearched() -> Iterator[None]:
    """A while in which nobody looks for what nobody needs: for work that makes much, all of which stays till its end.
    To search that again and again took a sixth of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def keep_what_is_there() -> None:
    """Leave what there is now out of every search for what nobody needs. A server has rules, pages and staff to its
    end, and whoever asked while they were searched waited a quarter of a second."""
    gc.collect()
    gc.freeze()
