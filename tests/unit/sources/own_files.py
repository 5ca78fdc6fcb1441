"""Lists of an authority's own, written for a test and read with every row accounted for."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from alertd.cases.records import Record, Snapshot
from alertd.cases.sources import own_csv
from alertd.errors import InputError

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def put(folder: Path, **lists: str | bytes) -> Path:
    for name, content in lists.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / f"{name.replace('__', '-')}.csv").write_bytes(data)
    return folder


def read(folder: Path) -> Snapshot:
    found = own_csv.read(folder, as_of=NOW)
    assert all(account.adds_up for account in found.accounts.values()), found.accounts
    return found


def records(folder: Path) -> list[Record]:
    return [record for case in read(folder).cases for record in case.records]


def one(folder: Path) -> Record:
    (found,) = records(folder)
    return found


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as error:
        read(folder)
    assert "\n" not in str(error.value)
    return str(error.value)
