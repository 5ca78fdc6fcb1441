"""Two processes that read the same feed at once, and a feed that does not keep to what a reading is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import Engine, func, insert, select
from sqlalchemy.orm import Session

from alertd.cases.reading import Pending
from alertd.db.tables import CaseVersion, FeedRun
from alertd.intake import store
from alertd.intake.whole import Whole
from tests.unit.intake.feeds import NOW, by_child, child, kept, snapshot, take

pytest_plugins = ["tests.support.databases"]


def versions(engine: Engine) -> int:
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(CaseVersion)) or 0


def test_a_reading_that_another_overtook_leaves_nothing_and_is_no_refusal(engine: Engine) -> None:
    """Mixed with the other's, its children would be of two nights: here one that had vanished would come back."""
    take(engine, snapshot(child("1"), child("2"), child("3")))

    def meanwhile(_children: int) -> None:
        take(engine, snapshot(child("1"), child("3"), child("5")), day=1)

    slow = take(engine, snapshot(child("1"), child("2"), child("4")), day=1, on_children=meanwhile)
    assert (slow.overtaken, slow.refused) == (True, "")
    assert set(by_child(kept(engine))) == {"1", "3", "5"}
    assert versions(engine) == 5


def test_of_readings_that_end_together_one_stands(engine: Engine) -> None:
    ready = Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        done = list(
            pool.map(
                lambda n: take(engine, snapshot(child("1"), child(f"n{n}")), on_children=lambda _: ready.wait()),
                range(4),
            )
        )
    assert sorted(one.overtaken for one in done) == [False, True, True, True]
    assert len(kept(engine)) == 2 and versions(engine) == 2


class Twice(Whole):
    def children(self) -> Iterator[Pending]:
        yield from super().children()
        yield from super().children()


def test_a_feed_that_gives_a_child_twice_is_refused(engine: Engine) -> None:
    assert "gives a child in two places" in take(engine, Twice(snapshot(child("1"), child("2")))).refused
    assert versions(engine) == 0


def test_a_reading_of_an_older_program_that_kept_no_children_does_not_stand(engine: Engine) -> None:
    """As the migration leaves it: the guard compares with its counts, and nobody evaluates no children."""
    with Session(engine) as session, session.begin():
        session.execute(
            insert(FeedRun).values(feed="feed", source="s", at=NOW, outcome="accepted", counts={"child": 9}, said={})
        )
    with Session(engine) as session:
        assert store.standing(session, "feed") is None
    assert "child is gone; it held 9 rows" in take(engine, snapshot()).refused
