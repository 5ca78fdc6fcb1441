"""A process that dies between any two steps of its work with the database, as SIGKILL would have it.

Nothing it had begun is committed, and nothing it does afterwards reaches the database or anybody outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine, event


class Died(Exception):  # noqa: N818 - no error of anybody's
    """The process is no more. No ``BaseException``: whatever waits for its threads has to come to an end here."""


@dataclass
class Process:
    """Whoever works on an engine now. ``left`` is how many steps it lives for; None for as long as it likes."""

    left: int | None = None
    dead: bool = False

    def step(self, *_: object) -> None:
        """One statement or commit, or a word to somebody outside."""
        if self.left is not None:
            self.dead = self.dead or self.left == 0
            self.left = max(self.left - 1, 0)
        if self.dead:
            raise Died

    def die(self) -> None:
        """Here and now."""
        self.dead = True
        raise Died

    @contextmanager
    def living(self, steps: int | None) -> Iterator[None]:
        """Live for so many steps. What it dies of goes no further; whoever is on the engine afterwards lives on."""
        self.left, self.dead = steps, False
        try:
            yield
        except Died:
            assert self.dead
        finally:
            self.left, self.dead = None, False


def mortal(engine: Engine) -> Process:
    """Have everything on this engine be the work of a process that may die."""
    process = Process()
    event.listen(engine, "before_cursor_execute", process.step)
    event.listen(engine, "commit", process.step)
    return process
