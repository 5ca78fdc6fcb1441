"""The page about metrics, made from the list of them."""

from __future__ import annotations

from collections.abc import Iterator

from alertd.watching.catalogue import LABELS, METRICS

_HEAD = """# Metrics

Generated: `alertd metrics > docs/metrics.md`.

`alertd run` serves these to Prometheus at `/metrics`, where the settings have the section:

```toml
[metrics]
host = "127.0.0.1"
port = 9464
```

Another host than this machine needs `certfile` and `keyfile`, or `behind_proxy = true`. Nobody has to sign in, so no
label is a child, a person, a team or a rule: that one alert of some rule is open in some team may point at a child.
Which they are, `alertd status` and the log say. A port that is taken stops nothing: the log says `metrics_not_served`.

What is *read* is found in the database when somebody asks, at most every 15 seconds; where the database does not
answer, only `alertd_database_up` is there, as 0. All else the daemon counts from its start. Of several daemons on one
database each counts its own, and all read the same: take the `max` of what is read, and the `sum` of what is counted.

`config/prometheus-alerts.yaml` has example alerts over them, and `config/grafana.json` a board. Beside them are the
library's `process_…`: memory, open files, start.
"""


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    yield "| metric | kind | labels | what it says |\n|---|---|---|---|"
    for one in METRICS:
        kind = f"{one.kind}, read" if one.read else one.kind
        yield f"| `{one.name}` | {kind} | {', '.join(f'`{label}`' for label in one.labels)} | {one.help} |"
    yield "\n| label | what it holds |\n|---|---|"
    for label, what in LABELS.items():
        yield f"| `{label}` | {what} |"
