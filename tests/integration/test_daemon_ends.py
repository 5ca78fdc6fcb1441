"""A daemon that cannot go on ends with one line for whoever must act, whichever of its loops found out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alertd import daemon
from alertd.errors import InputError
from tests.support.council import Council, council_at


@pytest.fixture
def council(tmp_path: Path) -> Iterator[Council]:
    found = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    found.looked_after("C1")
    yield found
    found.house.engine.dispose()


@pytest.mark.parametrize("work", ["_evaluate", "compose_once", "dispatch_once_now"])
def test_what_must_be_mended_is_said_alone_and_not_as_one_of_a_group(
    council: Council, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    """Of the loops that only the leader runs, as of those that every daemon does."""

    def fails(*_: Any, **__: Any) -> Any:
        raise InputError("the disk is full", where="alertd.db", fix="Make room")

    monkeypatch.setattr(daemon, work, fails)
    with pytest.raises(InputError, match="the disk is full"):
        asyncio.run(daemon.run(council.house))
