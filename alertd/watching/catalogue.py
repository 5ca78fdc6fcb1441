"""Every metric: its name, what it counts, and what parts it. The code, docs/metrics.md and its test read this list.

No label is a child, a person, a team or a rule: whoever reads the metrics has signed in nowhere, and that one alert of
some rule is open in some team may point at a child. What is left, as feeds and channels, is as many as the settings
name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``read`` ones are found when somebody asks, most in the database; the others the daemon counts."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    read: bool = False
    buckets: tuple[float, ...] = ()


LABELS: Final = {
    "channel": "a channel of the settings, or one that messages still name",
    "check": "`evaluation` or `work`, the two addresses of `[heartbeat]`",
    "feed": "a feed of the settings, by its name",
    "kind": "what ought not to be, as in the log's `odd`",
    "loop": "`evaluate`, `compose`, `send`, `follow` or `count`: what the daemon does again and again",
    "outcome": "`done`, `refused` (some feed was) or `failed` (the database was out of reach)",
    "result": "an attempt's: `delivered`, `refused`, `later`, `unknown`; a heartbeat's: `taken`, `failed`, `left_out`",
    "stage": "`upcoming`, `due`, `overdue` or `unknown`",
    "state": "where it stands",
    "told": "`yes`, or `no` where nobody is told: in shadow, held, silenced, or another alert speaks for it",
    "version": "alertd's own",
    "why": "`first`, `data`, `merged`, `window`, `notice`, `clock`, `instant`, `failed` or `rules`",
}
"""What each label holds, and so how many values it may have."""

_MINUTES: Final = (1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200)
_TO_ACCEPTED: Final = (5, 15, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400)

METRICS: Final = (
    Metric("alertd_build_info", "gauge", "Always 1: which alertd this is.", ("version",)),
    Metric("alertd_loop_last_run_timestamp_seconds", "gauge", "When a loop last did its work.", ("loop",)),
    Metric("alertd_loop_rounds_total", "counter", "How often a loop did its work.", ("loop",)),
    Metric("alertd_loop_stuck", "gauge", "1 while a loop takes longer than it ever should.", ("loop",), read=True),
    Metric("alertd_evaluations_total", "counter", "Evaluations, by how they ended.", ("outcome",)),
    Metric("alertd_evaluation_duration_seconds", "histogram", "How long an evaluation took.", buckets=_MINUTES),
    Metric("alertd_looked_at_total", "counter", "Children looked at, by what had them looked at.", ("why",)),
    Metric("alertd_children_waiting", "gauge", "Children who were still to be looked at when a look ended."),
    Metric("alertd_evaluated_children", "gauge", "Children whom the last look that was at any was at."),
    Metric(
        "alertd_unevaluated_children", "gauge", "Children who could not be read or judged when they were last looked "
        "at: nobody is told of them.",
    ),
    Metric("alertd_rules_left_out", "gauge", "Rules that the last evaluation left out because they failed."),
    Metric("alertd_attempts_total", "counter", "Attempts to send, by what came of them.", ("channel", "result")),
    Metric(
        "alertd_accepted_seconds", "histogram", "From when a message was made until the other side took it. One that "
        "stands in for another was made with it: it is how long the person waited.",
        ("channel",), buckets=_TO_ACCEPTED,
    ),
    Metric("alertd_taken_back_total", "counter", "Messages that the last look before sending took back."),
    Metric("alertd_messages_held", "gauge", "Messages that the last pass could not make: what they tell waits."),
    Metric("alertd_outbox_held", "gauge", "1 while nothing is sent because the database was restored."),
    Metric("alertd_odd", "gauge", "What the last count found that ought not to be.", ("kind",)),
    Metric("alertd_heartbeats_total", "counter", "Heartbeats, by whether the monitor took them.", ("check", "result")),
    Metric(
        "alertd_leads", "gauge", "1 at the daemon that leads those of its database, 0 at the others, which only send.",
        read=True,
    ),
    Metric("alertd_leads_since_timestamp_seconds", "gauge", "When the lead was last taken, by any daemon.", read=True),
    Metric("alertd_log_lines_lost_total", "counter", "Lines of the log that could not be written.", read=True),
    Metric("alertd_database_up", "gauge", "1 where the database answered when it was last read for this.", read=True),
    Metric("alertd_feed_children", "gauge", "Children in the reading in force.", ("feed",), read=True),
    Metric(
        "alertd_feed_unread_children", "gauge", "Children of whom the reading in force could make no case file.",
        ("feed",), read=True,
    ),
    Metric("alertd_feed_read_timestamp_seconds", "gauge", "When it was last read and used.", ("feed",), read=True),
    Metric("alertd_feed_fresh_timestamp_seconds", "gauge", "When it last said anything new.", ("feed",), read=True),
    Metric("alertd_feed_refused", "gauge", "1 where its last reading was refused.", ("feed",), read=True),
    Metric("alertd_feed_stale", "gauge", "1 where it is silent for longer than it may.", ("feed",), read=True),
    Metric("alertd_alerts_open", "gauge", "Open alerts.", ("stage", "told"), read=True),
    Metric(
        "alertd_deliveries", "gauge", "Messages that have not ended: `due`, `sending`, `unknown`, `parked` "
        "or `standing_by`.", ("channel", "state"), read=True,
    ),
    Metric(
        "alertd_oldest_due_seconds", "gauge", "How long ago the oldest message that is due was made; 0 where none is.",
        ("channel",), read=True,
    ),
    Metric(
        "alertd_notifications_waiting", "gauge", "Notifications to agencies that wait for a person: `held` or "
        "`awaiting_approval`.", ("state",), read=True,
    ),
    Metric(
        "alertd_watchdog_delivered_timestamp_seconds", "gauge", "When the watchdog's message was last delivered; 0 "
        "where it never was, absent where no [watchdog] is set.", read=True,
    ),
)  # fmt: skip

BY_NAME: Final = {metric.name: metric for metric in METRICS}
