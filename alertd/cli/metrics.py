"""``alertd metrics``: what the daemon serves to Prometheus."""

from __future__ import annotations

from alertd.watching.page import page


def metrics() -> None:
    """List the metrics that `alertd run` serves, as Markdown."""
    print(page(), end="")
