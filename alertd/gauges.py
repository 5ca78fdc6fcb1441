"""What is found when Prometheus asks: how things stand in the database, and what the rest of alertd has counted.

The database is read in a thread of its own and at most every quarter of a minute, so that neither somebody who asks
often nor a database that hangs costs the daemon anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from threading import Lock, Thread
from time import monotonic
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alertd import log, watchdog
from alertd.bootstrap import House
from alertd.db.engine import reading
from alertd.db.leading import latest
from alertd.db.partner_tables import Notification
from alertd.db.tables import Alert, Delivery
from alertd.intake import store as intake
from alertd.intake.freshness import why_stale
from alertd.watching.catalogue import BY_NAME

KEPT: Final = 15.0
"""Seconds for which what was read is good enough."""

PATIENCE: Final = 3.0
"""Seconds that somebody who asks waits for the database: Prometheus itself waits ten."""

_UNENDED: Final = ("due", "sending", "unknown", "parked", "standing_by")

Figures = dict[str, dict[tuple[str, ...], float]]
"""Of each metric, its values by those of its labels."""


class Gauges(Collector):
    """Everything that is looked up at the asking."""

    def __init__(self, house: House, *, now: Callable[[], float] = monotonic) -> None:
        self._house, self._now = house, now
        self._found: Figures = {}
        self._read_at: float | None = None
        self._reader: Thread | None = None
        self._lock = Lock()

    def describe(self) -> list[Family]:
        """Nothing: else it would all be read once at the start."""
        return []

    def collect(self) -> Iterator[Family]:
        """The metrics, as the library has them."""
        pulse = self._house.pulse
        stuck = pulse.stuck()
        found: Figures = {
            "alertd_loop_stuck": {(loop,): loop in stuck for loop in pulse.loops()},
            "alertd_log_lines_lost_total": {(): log.lines_lost()},
            "alertd_leads": {(): self._house.leading.term is not None},
            **self._standing(),
        }
        for name, values in found.items():
            yield _family(name, values)

    def _standing(self) -> Figures:
        with self._lock:
            fresh = self._read_at is not None and self._now() - self._read_at < KEPT
            if not fresh and (self._reader is None or not self._reader.is_alive()):
                self._reader = Thread(target=self._read, name="metrics-reader", daemon=True)
                self._reader.start()
            reader = self._reader
        if not fresh and reader is not None:
            reader.join(PATIENCE)
        with self._lock:
            old = self._read_at is None or self._now() - self._read_at >= KEPT
            return {"alertd_database_up": {(): 0.0}} if old else self._found

    def _read(self) -> None:
        """Old figures would look like new ones, so a database that does not answer leaves none."""
        try:
            found = standing(self._house)
        except Exception as fault:  # noqa: BLE001 - its text may hold what must not be logged; its type does not
            self._house.log.warning("metrics_not_read", kind=type(fault).__name__)
            found = {"alertd_database_up": {(): 0.0}}
        with self._lock:
            self._found, self._read_at = found, self._now()


def _family(name: str, values: dict[tuple[str, ...], float]) -> Family:
    metric = BY_NAME[name]
    made = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = made(name, metric.help, labels=metric.labels)
    for labels, value in values.items():
        family.add_metric(labels, float(value))
    return family


def standing(house: House) -> Figures:
    """How things stand in the database now."""
    now = house.clock()
    with Session(reading(house.engine)) as session:
        found: Figures = {"alertd_database_up": {(): 1.0}}
        for part in (_feeds(house, session, now), _deliveries(house, session, now), _watchdog(house, session)):
            found |= part
        told = (Alert.muted == "").label("told")
        alerts = select(Alert.stage, told, func.count()).where(Alert.state == "open").group_by(Alert.stage, told)
        found["alertd_alerts_open"] = {
            (stage, "yes" if is_told else "no"): n for stage, is_told, n in session.execute(alerts)
        }
        waiting = select(Notification.state, func.count()).where(Notification.state.in_(("held", "awaiting_approval")))
        states: dict[tuple[str, ...], float] = {("held",): 0, ("awaiting_approval",): 0}
        states |= {(state,): n for state, n in session.execute(waiting.group_by(Notification.state))}
        found["alertd_notifications_waiting"] = states
        term = latest(session)
        found["alertd_leads_since_timestamp_seconds"] = {(): term.since.timestamp()} if term else {}
    return found


def _feeds(house: House, session: Session, now: datetime) -> Figures:
    names = ("children", "unread_children", "read_timestamp_seconds", "fresh_timestamp_seconds", "refused", "stale")
    found: Figures = {f"alertd_feed_{name}": {} for name in names}
    for feed in house.settings.feed:
        said, key = intake.standing(session, feed.name), (feed.name,)
        if said is None:
            found["alertd_feed_refused"][key] = bool(intake.refused_since(session, feed.name, 0))
            continue
        late = why_stale(feed.name, said.fresh_at, feed.stale(said.children), now, house.calendar)
        values = (
            said.children,
            len(said.said.unread),
            said.at.timestamp(),
            said.fresh_at.timestamp(),
            bool(intake.refused_since(session, feed.name, said.run)),
            bool(late),
        )
        for name, value in zip(names, values, strict=True):
            found[f"alertd_feed_{name}"][key] = value
    return found


def _deliveries(house: House, session: Session, now: datetime) -> Figures:
    """Every state of each channel of the settings is there, 0 or not, so that a rule over it has something to go by."""
    counts: dict[tuple[str, ...], float] = {(channel, state): 0 for channel in house.notifiers for state in _UNENDED}
    oldest: dict[tuple[str, ...], float] = {(channel,): 0 for channel in house.notifiers}
    rows = select(Delivery.channel, Delivery.state, func.count(), func.min(Delivery.created_at))
    for channel, state, n, made in session.execute(
        rows.where(Delivery.state.in_(_UNENDED)).group_by(Delivery.channel, Delivery.state)
    ):
        counts[channel, state] = n
        if state == "due":
            oldest[channel,] = max(0.0, (now - made).total_seconds())
    return {"alertd_deliveries": counts, "alertd_oldest_due_seconds": oldest}


def _watchdog(house: House, session: Session) -> Figures:
    if house.settings.watchdog is None:
        return {}
    last = watchdog.last_delivered(session)
    return {"alertd_watchdog_delivered_timestamp_seconds": {(): last.timestamp() if last else 0}}
