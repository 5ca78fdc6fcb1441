"""What a piece of work needed is given back to the machine when it is done: a daemon waits for most of its life."""

from __future__ import annotations

import ctypes
import gc


def give_back() -> None:
    """Let the C library return what it keeps for later. One that cannot be asked (it is glibc's) keeps it."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
