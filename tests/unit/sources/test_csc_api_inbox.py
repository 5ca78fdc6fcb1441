"""Payload files that are none, the inbox of deliveries, and folding old ones away without losing any."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alertd.cases.records import CaseFile
from alertd.cases.sources import csc_api_inbox
from alertd.cases.sources.csc_api import read
from alertd.cases.sources.csc_api_inbox import STATE, NotAPayloadError, arrived, deliver, fold, parse, tidy
from alertd.cases.sources.csc_api_state import Cleaning, clean, merged
from alertd.errors import InputError
from tests.unit.sources.csc_api_payloads import AS_OF, arrival, child, episode, of, plan, read_all, write

NOT_PAYLOADS = {
    "empty": (b"", "is not JSON"),
    "cut short": (b'[{"la_child_id": "C1"', "is not JSON"),
    "an object": (b'{"la_child_id": "C1"}', "is not a list of children"),
    "a number": (b"1", "is not a list of children"),
    "NaN": (b'[{"la_child_id": "C1", "x": NaN}]', "is not JSON"),
    "beyond numbers": (b"[1e999]", "is not JSON"),
    "nested deeply": (b"[" * 100_000 + b"]" * 100_000, "is not JSON"),
    "nested objects": (b'[{"a":' * 50_000, "is not JSON"),
    "UTF-16": ('[{"la_child_id": "C1"}]'.encode("utf-16"), "is not JSON"),
    "Windows-1252": ('[{"la_child_id": "C1", "child_details": {"surname": "Né"}}]'.encode("cp1252"), "is not JSON"),
    "half a character": (b'["\\ud800"]', "is not JSON"),
    "NUL bytes": (b"\0" * 1000, "is not JSON"),
    "gzip": (bytes.fromhex("1f8b08000000000000038b8e05002a2d0d2202000000"), "is not JSON"),
    "a field twice": (b'[{"la_child_id": "C1", "la_child_id": "C2"}]', "gives a field twice"),
    "a bomb": (b"[" + b"[]," * 2_000_000 + b"[]]", "too many values"),
    "two payloads": (b"[]\n[]", "is not JSON"),
}


@pytest.mark.parametrize("name", NOT_PAYLOADS)
def test_a_file_that_is_no_payload_is_one_clear_error(tmp_path: Path, name: str) -> None:
    raw, why = NOT_PAYLOADS[name]
    (tmp_path / "payload.json").write_bytes(raw)
    with pytest.raises(InputError) as error:
        read(tmp_path / "payload.json", as_of=AS_OF)
    assert why in str(error.value) and str(error.value).startswith("payload.json")
    assert "\n" not in str(error.value) and "Né" not in str(error.value)


def test_the_error_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "payload.json").write_text('[\n{"la_child_id": "C1"},\n{"la_child_id": }\n]')
    with pytest.raises(InputError, match=r"^payload\.json:3: is not JSON"):
        read(tmp_path, as_of=AS_OF)


def test_a_byte_order_mark_is_no_matter_and_a_file_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "payload.json").write_bytes(b"\xef\xbb\xbf" + json.dumps([child()]).encode())
    assert [case.child for case in read_all(tmp_path).cases] == ["C1"]
    monkeypatch.setattr(csc_api_inbox, "LARGEST", 10)
    with pytest.raises(InputError, match="is larger than"):
        read(tmp_path, as_of=AS_OF)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 99) | st.text(max_size=5) | st.sampled_from(["2026-01-05", "C1", "E1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES := [
        "la_child_id", "purge", "child_details", "date_of_birth", "health_and_wellbeing", "sdq_assessments", "date",
        "score", "social_care_episodes", "social_care_episode_id", "referral_date", "care_worker_details", "worker_id",
        "start_date", "end_date", "child_looked_after_placements", "child_looked_after_placement_id", "end_reason",
        "child_protection_plans", "child_protection_plan_id", "section_47_assessments", "section_47_assessment_id",
        "icpc_date", "icpc_required_flag", "care_leavers", "contact_date", "closure_reason", "closure_date",
    ]), inner, max_size=6),
    max_leaves=25,
)  # fmt: skip
SHAPED = st.lists(
    st.fixed_dictionaries(
        {"la_child_id": st.sampled_from(["C1", "C2"])},
        optional={"social_care_episodes": st.lists(
            st.fixed_dictionaries({"social_care_episode_id": st.sampled_from(["E1", "E2"])}, optional=dict.fromkeys(
                ("referral_date", "care_worker_details", "child_looked_after_placements", "child_protection_plans",
                 "section_47_assessments", "care_leavers", "purge"), JSON)) | JSON, max_size=3) | JSON,
            "child_details": JSON, "health_and_wellbeing": JSON, "purge": JSON},
    ) | JSON,
    max_size=4,
)  # fmt: skip


@given(payloads=st.lists(SHAPED, min_size=1, max_size=3))
@example([[None, {"la_child_id": "C1", "purge": True}]])
def test_whatever_the_json_says_every_element_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, payloads: list[list[object]]
) -> None:
    folder = write(tmp_path_factory.mktemp("junk"), *payloads)
    usable = any(clean(element, "", Cleaning()) for payload in payloads for element in payload)
    if usable or not any(payloads):
        read_all(folder)
    else:
        with pytest.raises(InputError, match="no child in it can be used"):
            read_all(folder)


@given(raw=st.binary(max_size=200))
@example(b'[{"a": 1, "a": 2}]')
def test_bytes_are_a_list_or_no_payload(raw: bytes) -> None:
    with contextlib.suppress(NotAPayloadError):
        assert isinstance(parse(raw), list)


@given(payloads=st.lists(SHAPED, min_size=2, max_size=4))
def test_cleaning_twice_is_cleaning_once_and_a_statement_laid_over_itself_changes_nothing(
    payloads: list[list[object]],
) -> None:
    known: dict[str, dict[str, Any] | None] = {}
    for payload in payloads:
        for element in payload:
            statement = clean(element, "", Cleaning())
            if statement is None:
                continue
            assert clean(statement, "", Cleaning()) == statement
            once = merged(known.get(statement["la_child_id"]), statement)
            assert merged(once, statement) == once
            known[statement["la_child_id"]] = once


def test_a_delivery_is_named_by_its_moment_and_always_later_than_those_before(tmp_path: Path) -> None:
    now = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)
    first = deliver(tmp_path, [child()], now, UUID(int=9))
    second = deliver(tmp_path, [child()], now - timedelta(hours=1), UUID(int=1))  # the clock was set back
    assert first == f"20261128T020000000000Z-{UUID(int=9)}.json"
    assert arrived(second) == now + timedelta(microseconds=1)
    assert sorted(os.listdir(tmp_path)) == [first, second]
    assert (tmp_path / first).stat().st_mode & 0o777 == 0o600
    fold(tmp_path)
    assert arrived(deliver(tmp_path, [child()], now, UUID(int=0))) == now + timedelta(microseconds=2)


DELIVERIES = (
    [child(episode(child_protection_plans=[plan(), plan("P2")])), child(id_="C2"), child(id_="C3")],
    [child(episode(start=None, child_protection_plans=[plan(start=None, end_date="2026-05-01")])), child(id_="C4")],
    [child(episode(child_protection_plans=[plan("P2", purge=True)])), child(id_="C3", purge=True)],
)


def cases(folder: Path) -> tuple[str, tuple[CaseFile, ...]]:
    """How many payloads were read, and what they say."""
    snapshot = read_all(folder)
    return snapshot.notes[0].split(",")[0], tuple(snapshot.cases)


def test_folding_changes_nothing_that_is_read(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", *DELIVERIES)
    before, as_at = cases(folder), read_all(folder).as_at
    assert fold(folder) == 3
    assert os.listdir(folder) == [STATE]
    assert (cases(folder), read_all(folder).as_at) == (before, as_at)
    assert fold(folder) == 0
    write(folder, [child(episode(closure_date="2026-06-01"))], first=9)
    assert of(read_all(folder), "referral")[0].day("end") is not None
    assert fold(folder) == 1 and of(read_all(folder), "referral")[0].day("end") is not None


class _Crash(BaseException):
    pass


@pytest.mark.parametrize("step", range(30))
def test_a_crash_at_any_step_of_folding_loses_nothing_and_counts_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    folder = write(tmp_path / "in", *DELIVERIES)
    fold(folder)
    write(folder, *DELIVERIES[::-1], first=10)
    before = cases(folder)
    left = [step]

    def crashing(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if not left[0]:
                raise _Crash
            left[0] -= 1
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        for place, name in ((os, "open"), (os, "fsync"), (os, "close"), (Path, "replace"), (Path, "unlink")):
            patch.setattr(place, name, crashing(getattr(place, name)))
        try:
            fold(folder)
        except _Crash:
            pass
        else:
            assert step > 5
    assert cases(folder) == before
    tidy(folder)
    fold(folder)
    assert cases(folder) == before
    assert os.listdir(folder) == [STATE]


def test_a_file_of_the_name_of_one_that_was_folded_is_read_when_it_says_something_else(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "children.json").write_text(json.dumps([child(episode())]))
    fold(folder)
    (folder / "children.json").write_text(json.dumps([child(episode(closure_date="2026-06-01"))]))
    assert of(read_all(folder), "referral")[0].day("end") is not None


def test_a_file_with_an_element_that_cannot_be_used_is_not_folded_nor_what_came_after(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", [child()], [{"mis_child_id": "M1"}, child()], [child(id_="C2")])
    assert fold(folder) == 1
    assert sorted(os.listdir(folder)) == [arrival(1), arrival(2), STATE]
    assert [r.where for r in read_all(folder).rejects] == [f"{arrival(1)}:[0]"]


def test_files_that_are_folded_while_they_are_read_are_no_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "in", *DELIVERIES)
    before = cases(folder)
    real, once = csc_api_inbox._state, [True]

    def state(file: Path) -> object:
        found = real(file)
        if once.pop() if once else False:
            fold(folder)
        return found

    monkeypatch.setattr(csc_api_inbox, "_state", state)
    assert cases(folder) == before


def test_a_damaged_state_is_refused_and_keeps_no_delivery_out(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", *DELIVERIES)
    fold(folder)
    whole = (folder / STATE).read_bytes()
    for cut in (b"", whole[:-20], whole[: len(whole) // 3], b"\0\1", whole.rsplit(b"\n", 2)[0] + b"\n"):
        (folder / STATE).write_bytes(cut)
        with pytest.raises(InputError, match="is damaged"):
            read(folder, as_of=AS_OF)
        with pytest.raises(InputError, match="is damaged"):
            fold(folder)
    assert deliver(folder, [child()], AS_OF, UUID(int=1))
