"""Taking in a feed: what changed is kept with its history; a reading that is not to be believed leaves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from alertd.cases.reading import Pending
from alertd.db.tables import CaseVersion, FeedRun
from alertd.intake import store
from alertd.intake.whole import Whole
from tests.unit.intake.feeds import NOW, Breaking, by_child, child, kept, record, snapshot, take

pytest_plugins = ["tests.support.databases"]


def visit(number: str, day: date, key: str = "V1") -> object:
    return record(number, "cp_visit", key, happened=day)


def versions(engine: Engine) -> int:
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(CaseVersion)) or 0


def outcomes(engine: Engine) -> list[str]:
    with Session(engine) as session:
        return list(session.scalars(select(FeedRun.outcome).order_by(FeedRun.id)))


def test_only_what_changed_is_written_and_each_change_has_its_name(engine: Engine) -> None:
    first = take(engine, snapshot(child("1"), child("2"), child("3")))
    assert (first.first_seen, first.changed, first.vanished) == (3, 0, 0)
    again = take(engine, snapshot(child("1"), child("2"), child("3")), day=1)
    assert (again.children, again.first_seen, again.changed, again.vanished) == (3, 0, 0, 0)
    assert versions(engine) == 3
    third = take(
        engine, snapshot(child("1"), child("2"), record("2", "cp_visit", "V", happened=date(2026, 11, 2))), day=2
    )
    assert (third.first_seen, third.changed, third.vanished) == (0, 1, 1)
    assert versions(engine) == 5
    assert set(by_child(kept(engine))) == {"1", "2"}


def test_what_was_known_on_an_earlier_day_can_be_read_again(engine: Engine) -> None:
    take(engine, snapshot(child("1"), record("1", "cp_visit", "V", happened=date(2026, 11, 2))))
    take(engine, snapshot(child("1"), record("1", "cp_visit", "V", happened=date(2026, 11, 12))), day=1)
    take(engine, snapshot(child("2")), day=2, accept=True)
    days = [by_child(kept(engine, known_on=NOW + timedelta(day, 60))) for day in range(3)]
    assert [sorted(cases) for cases in days] == [["1"], ["1"], ["2"]]
    visits = [next(cases["1"].of("cp_visit")).day("happened") for cases in days[:2]]
    assert visits == [date(2026, 11, 2), date(2026, 11, 12)]


@pytest.mark.parametrize("day", [0, 1])
def test_f70_a_reading_that_breaks_off_leaves_nothing_behind(engine: Engine, day: int) -> None:
    if day:
        take(engine, snapshot(child("1"), child("2"), child("3")))
    before = versions(engine)
    taken = take(engine, Breaking(snapshot(child("1"), child("4"), child("5"))), day=day)
    assert taken.refused.startswith("test: changed while it was being read")
    assert versions(engine) == before
    assert outcomes(engine)[-1] == "refused"
    if day:
        assert set(by_child(kept(engine))) == {"1", "2", "3"}


def test_f70_a_table_that_was_emptied_is_refused_and_no_child_vanishes(engine: Engine) -> None:
    take(engine, snapshot(child("1"), child("2"), record("1", "cp_plan", "P", start=date(2026, 9, 1))))
    taken = take(engine, snapshot(child("1"), child("2")), day=1)
    assert "cp_plan is gone; it held 1 rows" in taken.refused
    assert [r.kind for r in by_child(kept(engine))["1"].records] == ["child", "cp_plan"]


def test_f70_a_feed_that_lost_half_its_children_is_refused_unless_somebody_says_it_is_meant(engine: Engine) -> None:
    whole = [child(str(n)) for n in range(400)]
    rows = [record(str(n), "referral", f"R{n}", start=date(2026, 9, 1)) for n in range(400)]
    take(engine, snapshot(*whole, *rows))
    other = [child(str(n)) for n in range(200, 600)]
    moved = [record(str(n), "referral", f"R{n}", start=date(2026, 9, 1)) for n in range(200, 600)]
    taken = take(engine, snapshot(*other, *moved), day=1)  # as many rows, and half the children are others
    assert taken.refused.startswith("200 of 400 children are gone since the last reading (allowed 20%)")
    assert len(kept(engine)) == 400
    meant = take(engine, snapshot(*other, *moved), day=2, accept=True)
    assert (meant.refused, meant.vanished, meant.first_seen) == ("", 200, 200)


def test_a_reading_that_died_counts_for_nothing_and_is_cleared_away_a_day_later(engine: Engine) -> None:
    take(engine, snapshot(child("1")))

    def die(_children: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(engine, snapshot(child("1"), child("2")), on_children=die)
    assert set(by_child(kept(engine))) == {"1"}
    assert outcomes(engine) == ["accepted", "reading"]
    take(engine, snapshot(child("1")), day=2)
    assert outcomes(engine) == ["accepted", "accepted"] and versions(engine) == 1


def test_f74_a_number_given_to_another_child_is_noticed_and_a_corrected_birthday_is_not(engine: Engine) -> None:
    plan = record("1", "cp_plan", "P1", start=date(2026, 9, 1))
    take(engine, snapshot(child("1"), plan, child("2")))
    corrected = take(engine, snapshot(child("1", date(2012, 1, 1)), plan, child("2")), day=1)
    assert corrected.strangers == []
    other = record("1", "cp_plan", "P9", start=date(2026, 10, 1))
    taken = take(engine, snapshot(child("1", date(2021, 6, 1)), other, child("2")), day=2)
    assert taken.strangers == ["1"]


def test_the_day_a_feed_last_said_anything_new_is_kept(engine: Engine) -> None:
    take(engine, snapshot(child("1")))
    take(engine, snapshot(child("1"), child("2")), day=3)
    take(engine, snapshot(child("1"), child("2")), day=4)
    with Session(engine) as session:
        found = store.standing(session, "feed")
    assert found is not None
    assert (found.at, found.fresh_at) == (NOW + timedelta(4), NOW + timedelta(3))


def test_a_newer_reader_makes_every_child_again_and_keeps_what_is_another(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are the same; what is read of one child's is not."""
    take(engine, snapshot(child("1"), child("2")))
    monkeypatch.setattr("alertd.intake.sync.edition", lambda: b"newer")
    better = Whole(snapshot(child("1"), child("2", date(2014, 12, 31))))
    digests = {pending.child: pending.digest for pending in Whole(snapshot(child("1"), child("2"))).children()}

    class SameRows(Whole):
        def children(self) -> Iterator[Pending]:
            return (replace(pending, digest=digests[pending.child]) for pending in super().children())

    taken = take(engine, SameRows(better.snapshot), day=1)
    assert (taken.changed, versions(engine)) == (1, 3)
    assert next(by_child(kept(engine))["2"].of("child")).day("born") == date(2014, 12, 31)
    again = take(engine, SameRows(better.snapshot), day=2)
    assert (again.changed, versions(engine)) == (0, 3)


def test_the_notes_windows_and_rejects_of_the_whole_feed_are_kept(engine: Engine) -> None:
    of = snapshot(
        child("1"), latest=frozenset({"cp_visit"}), lacks=frozenset({"cp_visit.child_seen"}), notes=("a note",)
    )
    take(engine, of)
    with Session(engine) as session:
        found = store.standing(session, "feed")
    assert found is not None
    assert (found.said.latest, found.said.lacks, found.said.notes) == (of.latest, of.lacks, ("a note",))
    assert next(iter(kept(engine))).latest == {"cp_visit"}
