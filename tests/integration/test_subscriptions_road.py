"""A subscription on the whole road: the feed, the daemon's own composing, and the mail that arrives."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.db.tables import Delivery, DeliveryAlert
from alertd.engine import sweep
from alertd.subscriptions import store
from alertd.subscriptions.model import STAGES_ASKED, Wanted
from tests.support.council import Inline, council_at


def test_subscribers_hear_of_a_late_review_as_they_asked_once_and_not_on_days_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "ProcessPoolExecutor", Inline)
    council = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    council.looked_after("C1")  # its first review is due on Friday 27 November
    asked = (("S1", STAGES_ASKED[:3], "daily"), ("H1", ("overdue",), "at_once"), ("I1", ("due",), "weekly"))
    with Session(council.house.engine) as session, session.begin():
        for person, stages, every in asked:
            both = ("urgent", "routine")
            since = datetime(2026, 11, 1, tzinfo=UTC)
            store.add(session, Wanted(0, person, ("cla.*",), (), stages, both, every, "email", since))
    days = council.days(date(2026, 11, 26), date(2026, 12, 1))
    heard = {day.day: who for day, sent in days.items() if (who := sorted({"di", "ed", "flo"} & set(sent)))}
    # It is late from Saturday on. Who asked to hear at once hears on Monday, because it is not urgent; who asked
    # weekly for what is due hears nothing, because by then it is overdue.
    assert heard == {26: ["di"], 27: ["di"], 30: ["di", "ed"]}
    assert all("ref C1" in body and "YOU SUBSCRIBE TO" in body for to, _, body in council.mail.sent if to == "ed")
    with Session(council.house.engine) as session:
        rows = session.execute(
            select(Delivery.person, DeliveryAlert.how)
            .join(Delivery, Delivery.id == DeliveryAlert.delivery_id)
            .where(DeliveryAlert.kind == store.SUBSCRIBED)
        )
        told = sorted((person, how.rpartition(" ")[2]) for person, how in rows)
    assert told == [("H1", "overdue"), ("S1", "due"), ("S1", "overdue"), ("S1", "upcoming")]
    council.house.engine.dispose()
