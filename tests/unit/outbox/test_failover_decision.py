"""When another channel takes over from a mail: every case, with its reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.db.tables import DELIVERY_STATES
from alertd.outbox.failover import COMES_BACK_WITHIN, URGENT_WAITS, First, decide

MADE = datetime(2026, 11, 26, 9, tzinfo=UTC)
A_MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("case", "first", "after", "what"),
    [
        ("refused", First("refused", "no such mailbox", False, MADE), A_MINUTE, "go"),
        ("parked", First("parked", "gave up", False, MADE), timedelta(days=6), "go"),
        ("cancelled", First("cancelled", "it is another's now", True, MADE), URGENT_WAITS, "cancel"),
        ("urgent and due for long", First("due", "greylisted", True, MADE), URGENT_WAITS, "go"),
        ("urgent and being sent for long", First("sending", "", True, MADE), URGENT_WAITS, "go"),
        ("urgent, a little earlier", First("due", "", True, MADE), URGENT_WAITS - A_MINUTE, "wait"),
        ("not urgent and due for long", First("due", "", False, MADE), timedelta(days=4), "wait"),
        ("delivered", First("delivered", "", True, MADE, MADE), URGENT_WAITS, "wait"),
        ("delivered and nothing came back", First("delivered", "", True, MADE, MADE), COMES_BACK_WITHIN, "cancel"),
        (
            "delivered late, and it may still come back",
            First("delivered", "", False, MADE, MADE + timedelta(days=3)),
            COMES_BACK_WITHIN,
            "wait",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_case(case: str, first: First, after: timedelta, what: str) -> None:
    found, why = decide(first, MADE + after)
    assert found == what, case
    assert why and (not first.reason or what == "wait" or first.reason in why)


@given(
    state=st.sampled_from([s for s in DELIVERY_STATES if s != "standing_by"]),
    urgent=st.booleans(),
    after=st.timedeltas(timedelta(), timedelta(days=20)),
)
def test_what_failed_always_goes_and_what_arrived_never_does(state: str, urgent: bool, after: timedelta) -> None:
    what, why = decide(First(state, "", urgent, MADE, MADE if state == "delivered" else None), MADE + after)
    assert why
    assert (state in ("refused", "parked")) <= (what == "go")
    assert (state in ("delivered", "cancelled")) <= (what != "go")
