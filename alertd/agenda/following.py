"""Following what may make an answer another: each thing from where it was followed to last, with those it calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.agenda import entries
from alertd.cases.records import Window, local_day
from alertd.db.partner_tables import Notification, NotificationEvent
from alertd.db.tables import Alert, FeedRun
from alertd.intake import store
from alertd.intake.kept import Named, followed, known_as
from alertd.intake.store import Said, Standing

Feeds = Sequence[tuple[Named, Standing]]

SETTLED: Final = timedelta(hours=1)
"""No transaction is open so long: what one wrote an hour ago, everybody sees."""


def follow(session: Session, feeds: Feeds, merged: Mapping[str, str], now: datetime) -> int:
    """Call whomever anything new concerns; how far, in days, the feeds' windows have moved in all.

    To be done alone, before anybody is looked at: the marks are written with the calls.
    """
    _follow_clock(session, now)
    _follow_merges(session, merged, now)
    _follow_notices(session, merged, now)
    return _follow_feeds(session, feeds, merged, now)


def _follow_clock(session: Session, now: datetime) -> None:
    """Where the clock was set back, what was found later is found again: as if it had not been."""
    last = entries.mark(session, "clock")
    if last and now < datetime.fromisoformat(last["at"]):
        entries.call_judged_after(session, now)
    entries.set_mark(session, "clock", {"at": now.isoformat()})


def _follow_merges(session: Session, merged: Mapping[str, str], now: datetime) -> None:
    """Those whose number is another than it was, and whom it was and is."""
    mark = entries.mark(session, "merged")
    before: dict[str, str] = mark["numbers"] if mark else {}
    if before == merged:
        return
    moved: set[str] = set()
    for number in before.keys() | merged.keys():
        was, now_is = followed(number, before), followed(number, merged)
        if was != now_is:
            moved |= {number, was, now_is}
    entries.call(session, moved, "merged", now)
    entries.set_mark(session, "merged", {"numbers": dict(merged)})


def _follow_notices(session: Session, merged: Mapping[str, str], now: datetime) -> None:
    """Those of whom an agency was told, or has answered: of the moves since, whatever order they were written in."""
    mark = entries.mark(session, "notices") or {"upto": 0, "seen": []}
    event = NotificationEvent
    rows = session.execute(
        select(event.id, event.at, Alert.child)
        .join(Notification, Notification.id == event.notification_id)
        .join(Alert, Alert.id == Notification.alert_id)
        .where(event.id > mark["upto"])
        .order_by(event.id)
    ).all()
    seen = set(mark["seen"])
    entries.call(session, {followed(row[2], merged) for row in rows if row[0] not in seen}, "notice", now)
    upto = max((row[0] for row in rows if row[1] <= now - SETTLED), default=mark["upto"])
    entries.set_mark(session, "notices", {"upto": upto, "seen": [row[0] for row in rows if row[0] > upto]})


def _follow_feeds(session: Session, feeds: Feeds, merged: Mapping[str, str], now: datetime) -> int:
    windows = entries.mark(session, "windows") or {"moved": 0}
    furthest = 0
    for named, standing in feeds:
        name = f"feed {named.feed}"[:100]
        mark = entries.mark(session, name)
        if mark and mark["run"] == standing.run:
            continue
        before = session.get(FeedRun, mark["run"]) if mark else None
        if mark is None or before is None or standing.run < mark["run"]:
            _call_all(session, named, merged, now)
        else:
            said = Said.from_json(before.source, before.said)
            new = store.changed_since(session, named.feed, mark["run"]) | {*said.unread, *standing.said.unread}
            entries.call(session, (known_as(named, child, merged) for child in new), "data", now)
            fresh = date.fromisoformat(mark["fresh"]) if len(feeds) > 1 else local_day(standing.fresh_at)
            moved = _moved(said, standing.said, fresh, local_day(standing.fresh_at))
            if moved is None:
                entries.call_everybody(session, "window", now)
            furthest = max(furthest, moved or 0)
        entries.set_mark(session, name, {"run": standing.run, "fresh": local_day(standing.fresh_at).isoformat()})
    in_all: int = windows["moved"] + furthest
    entries.set_mark(session, "windows", {"moved": in_all})
    # Each time: whoever was being looked at while they moved was looked at by the windows of before.
    entries.call_moved(session, in_all, now)
    return in_all


def _call_all(session: Session, named: Named, merged: Mapping[str, str], now: datetime) -> None:
    """Everybody whom a feed has, and whoever has alerts though none has them any more."""
    children = {known_as(named, child, merged) for child in store.versions_in_force(session, named.feed)}
    alerted = session.scalars(select(Alert.child).where(Alert.state == "open", Alert.child != "*").distinct())
    entries.call(session, children | set(alerted), "first", now)


def _moved(before: Said, now: Said, said_on: date, says_on: date) -> int | None:
    """How many days the windows of a feed, and the day on which it last said anything new, moved on at most from one
    reading to another; None where any of them is another in any other way."""
    if before.windows.keys() != now.windows.keys():
        return None
    pairs = [(before.window, now.window), *((before.windows[kind], now.windows[kind]) for kind in now.windows)]
    moves = [(says_on - said_on).days]
    for was, is_ in pairs:
        for one, other in _sides(was, is_):
            if (one is None) != (other is None):
                return None
            moves.append((other - one).days if one and other else 0)
    return None if min(moves) < 0 else max(moves)


def _sides(was: Window, is_: Window) -> Iterator[tuple[date | None, date | None]]:
    yield was.start, is_.start
    yield was.end, is_.end
