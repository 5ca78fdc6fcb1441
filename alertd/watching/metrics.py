"""What the daemon counts of itself, for Prometheus. Where nobody asks, the figures are only kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from alertd.watching.catalogue import METRICS


class Metrics:
    """One daemon's figures. Each method tells of one thing that happened; none of them can fail the work it is of."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        to = self.registry
        own = [one for one in METRICS if not one.read]
        self._counters = {m.name: Counter(m.name, m.help, m.labels, registry=to) for m in own if m.kind == "counter"}
        self._gauges = {m.name: Gauge(m.name, m.help, m.labels, registry=to) for m in own if m.kind == "gauge"}
        self._histograms = {
            m.name: Histogram(m.name, m.help, m.labels, registry=to, buckets=m.buckets)
            for m in own
            if m.kind == "histogram"
        }
        self._gauges["alertd_build_info"].labels(version("alertd")).set(1)
        ProcessCollector(registry=to)

    def went_round(self, loop: str, at: datetime) -> None:
        """A loop did its work."""
        self._gauges["alertd_loop_last_run_timestamp_seconds"].labels(loop).set(at.timestamp())
        self._counters["alertd_loop_rounds_total"].labels(loop).inc()

    def evaluated(self, outcome: str, seconds: float) -> None:
        """An evaluation ended."""
        self._counters["alertd_evaluations_total"].labels(outcome).inc()
        self._histograms["alertd_evaluation_duration_seconds"].observe(seconds)

    def judged(self, children: int, failed: int, left_out: int) -> None:
        """An evaluation looked at the children: how many, how many it could not, and the rules it left out."""
        self._gauges["alertd_evaluated_children"].set(children)
        self._gauges["alertd_unevaluated_children"].set(failed)
        self._gauges["alertd_rules_left_out"].set(left_out)

    def looked_at(self, why: Mapping[str, int], waiting: int) -> None:
        """Children were looked at, so many for each reason; and how many wait to be."""
        for reason, n in why.items():
            self._counters["alertd_looked_at_total"].labels(reason).inc(n)
        self._gauges["alertd_children_waiting"].set(waiting)

    def attempted(self, channel: str, result: str, since_made: timedelta) -> None:
        """An attempt to send ended. What was taken counts how long it had been waiting."""
        self._counters["alertd_attempts_total"].labels(channel, result).inc()
        if result == "delivered":
            # A clock that was set back makes no wait shorter than none.
            self._histograms["alertd_accepted_seconds"].labels(channel).observe(max(0.0, since_made.total_seconds()))

    def taken_back(self, messages: int) -> None:
        """A last look took messages back."""
        self._counters["alertd_taken_back_total"].inc(messages)

    def held(self, messages: int) -> None:
        """A pass of composing could not make so many messages."""
        self._gauges["alertd_messages_held"].set(messages)

    def outbox_held(self, held: bool) -> None:
        """Whether a restored database keeps everything from being sent."""
        self._gauges["alertd_outbox_held"].set(held)

    def odd(self, found: Mapping[str, int]) -> None:
        """What a count found that ought not to be, by kind; nothing stands there of the other kinds."""
        self._gauges["alertd_odd"].clear()
        for kind, n in found.items():
            self._gauges["alertd_odd"].labels(kind).set(n)

    def leads_no_more(self) -> None:
        """What the daemon that leads finds is another's to find from now on: old figures would look like new ones."""
        for name in ("alertd_unevaluated_children", "alertd_rules_left_out", "alertd_messages_held"):
            self._gauges[name].set(0)
        self._gauges["alertd_odd"].clear()

    def heartbeat(self, check: str, result: str) -> None:
        """A monitor was told, or could not be."""
        self._counters["alertd_heartbeats_total"].labels(check, result).inc()
