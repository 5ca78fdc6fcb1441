"""A finding as JSON: what is stored is what was found, and nothing else depends on how it was written."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.cases.records import LONDON
from alertd.engine.findings import CannotTell, Finding, Stage

DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1))
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
WHEN = st.none() | DAYS | MOMENTS
TEXT = st.text(max_size=20)
STAGES = st.sampled_from(["running", "upcoming", "due", "overdue", "met", "met_late", "ended", "unknown"])
FINDINGS = st.builds(
    Finding,
    rule=TEXT,
    child=TEXT,
    record=TEXT,
    occurrence=TEXT,
    stage=STAGES,
    start=WHEN,
    due=WHEN,
    met=WHEN,
    binding=st.sampled_from([None, "statutory", "local", "plan"]),
    statutory=WHEN,
    local=WHEN,
    plan=WHEN,
    warned=st.integers(0, 9),
    level=st.integers(0, 9),
    since=st.none() | MOMENTS,
    changes=st.none() | MOMENTS,
    limit=TEXT,
    where=TEXT,
    counted_from=TEXT,
    met_by=TEXT,
    closed=st.booleans(),
    cannot_tell=st.none() | st.builds(CannotTell, st.sampled_from(["missing", "window"]), TEXT, TEXT, TEXT),
)


@given(FINDINGS)
def test_what_is_written_is_read_back_the_same(finding: Finding) -> None:
    assert Finding.from_json(json.loads(json.dumps(finding.as_json()))) == finding


@given(FINDINGS)
def test_what_a_worker_hands_to_the_daemon_is_what_it_found(finding: Finding) -> None:
    assert pickle.loads(pickle.dumps(finding)) == finding  # noqa: S301 - our own


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(LONDON)))
def test_a_moment_is_written_in_utc_and_read_back_as_the_same_instant(at: datetime) -> None:
    written = Finding("r", "c", "k:1", "start", "running", start=at).as_json()
    read = Finding.from_json(written).start
    assert isinstance(read, datetime)
    assert written["start"].endswith("+00:00")
    assert read.timestamp() == at.timestamp()


def test_a_day_stays_a_day() -> None:
    read = Finding.from_json(Finding("r", "c", "k:1", "start", "due", due=date(2026, 3, 29)).as_json()).due
    assert type(read) is date


def test_a_key_of_another_version_is_left_out() -> None:
    assert Finding.from_json(
        {"rule": "r", "child": "c", "record": "k:1", "occurrence": "start", "stage": "due", "x": 1}
    )


@pytest.mark.parametrize(
    ("stage", "met", "closed", "asks"),
    [
        ("running", False, False, False),
        ("upcoming", False, False, True),
        ("due", False, False, True),
        ("overdue", False, False, True),
        ("met", True, False, False),
        ("met_late", True, False, False),
        ("ended", False, True, False),
        ("unknown", False, False, True),
        ("unknown", True, False, False),
        ("unknown", False, True, False),
    ],
)
def test_who_is_asked_for_action(stage: Stage, met: bool, closed: bool, asks: bool) -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC).date() + timedelta(days=1)
    assert Finding("r", "c", "k", "s", stage, met=day if met else None, closed=closed).asks_for_action is asks
