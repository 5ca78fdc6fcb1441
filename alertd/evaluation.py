"""Evaluating: the feeds are read at their times, and at every tick those are looked at of whom something is new."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from alertd.bootstrap import House, open_feed
from alertd.cases.reading import Progress
from alertd.db.leading import alone
from alertd.db.statistics import count_alerts
from alertd.errors import InputError
from alertd.faultpoints import point
from alertd.intake import store
from alertd.intake.sync import Taken, take_in
from alertd.settings import Feed
from alertd.telling import tell_of_feeds
from alertd.turn import PORTION, Evaluated, OnEvaluated, tick, ticks

__all__ = ["Evaluated", "evaluate_once", "read_feeds", "read_in", "tick"]


def evaluate_once(
    house: House,
    *,
    accept: bool = False,
    on_read: Progress = lambda _what, _n: None,
    on_evaluated: OnEvaluated = lambda _done, _all: None,
    most: int = PORTION,
    turns: AbstractContextManager[object] = nullcontext(),
    enough: Callable[[], bool] = lambda: False,
) -> Evaluated:
    """Read the feeds, and look at children until nobody waits any more, at most ``most`` at a time.

    A feed that cannot be used, or looks half-loaded, changes nothing: the data owner is told, and the
    rules that wait for it say nothing new. Once it has been silent for too long they are unknown.
    ``accept``: somebody has said that whatever this reading lost is meant to be gone. ``turns`` is held while
    children are looked at; no further ones are once there is ``enough``.
    """
    refused = read_feeds(house, accept=accept, on_read=on_read)
    with turns, house.pools.staying():
        done = ticks(house, on_evaluated=on_evaluated, most=most, enough=enough)
    count_alerts(house.engine)
    done = replace(done, refused=refused or done.refused)
    house.log.info(
        "evaluated", children=done.children, changes=dict(done.changes), notices=done.notices, failed=done.failed
    )
    return done


def read_feeds(house: House, *, accept: bool = False, on_read: Progress = lambda _what, _n: None) -> str:
    """Read every feed and keep what changed; why what was read of some is not used, or blank."""
    now = house.clock()
    taken = [_take_in(house, feed, now, accept, on_read) for feed in house.settings.feed]
    refused = {one.feed: one.refused for one in taken if one.refused}
    strangers = [child for one in taken for child in one.strangers]
    if refused or strangers:
        with Session(house.engine) as session, session.begin():
            alone(session)
            tell_of_feeds(session, house, now, refused, {}, strangers)
    return "; ".join(refused.values())


def read_in(
    engine: Engine,
    feed: Feed,
    now: datetime,
    *,
    accept: bool = False,
    on_read: Progress = lambda _what, _n: None,
    on_children: Callable[[int], None] = lambda _n: None,
) -> Taken:
    """Read one feed to its end and keep what changed. What is wrong with it is in the answer, and kept too."""
    try:
        with open_feed(feed, now, on_read) as found:
            return take_in(
                engine, feed.name, found, now, max_loss=feed.max_loss, accept=accept, on_children=on_children
            )
    except InputError as error:
        with Session(engine) as session, session.begin():
            store.refused(session, feed.name, "", now, str(error))
        return Taken(feed.name, "", refused=str(error))


def _take_in(house: House, feed: Feed, now: datetime, accept: bool, on_read: Progress) -> Taken:
    with house.traces.span("read feed", feed=feed.name) as span:
        taken = read_in(house.engine, feed, now, accept=accept, on_read=_marking(on_read))
        span.say(children=taken.children, changed=taken.changed, refused=bool(taken.refused))
    if taken.refused:
        house.log.error("feed_refused", feed=feed.name, why=taken.refused)
    else:
        house.log.info(
            "feed_read",
            feed=feed.name,
            children=taken.children,
            first_seen=taken.first_seen,
            changed=taken.changed,
            vanished=taken.vanished,
            unread=len(taken.unread),
        )
    return taken


def _marking(on_read: Progress) -> Progress:
    def progress(what: str, n: int) -> None:
        point("feed.mid_read")
        on_read(what, n)

    return progress
