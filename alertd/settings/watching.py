"""The sections about how others see that alertd works."""

from __future__ import annotations

from pydantic import Field

from alertd.settings.listening import Listening


class Metrics(Listening):
    """Where ``alertd run`` serves what it counts, for Prometheus: docs/metrics.md. No sign-in is asked for."""

    port: int = Field(default=9464, ge=0, le=65535)
