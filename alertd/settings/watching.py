"""The sections about how others see that alertd works."""

from __future__ import annotations

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from alertd.outbox.channel_config import SecretFile
from alertd.settings.listening import Listening, loopback
from alertd.settings.section import Section


class Log(Section):
    """What is logged, on standard output."""

    level: Literal["info", "warning", "error"] = "info"
    """The least that is logged: with "warning" only what somebody should look at."""


class Metrics(Listening):
    """Where `alertd run` serves what it counts, for Prometheus: docs/metrics.md. No sign-in is asked for."""

    port: int = Field(default=9464, ge=0, le=65535)
    """The port."""


class Heartbeat(Section):
    """What is asked for so that somebody outside sees that alertd lives. They are two addresses because one that is
    asked for every few minutes would soon call a failed evaluation well."""

    url: SecretStr | None = None
    """The address that is asked for when an evaluation went well. It may be a secret, and then be in a file."""
    url_file: SecretFile | None = None
    """The file that holds it."""
    signals: bool = True
    """`/start` and `/fail` below `url` are asked for too, as healthchecks has them."""
    work_url: SecretStr | None = None
    """The address that is asked for where work moved."""
    work_url_file: SecretFile | None = None
    """The file that holds it."""
    work_minutes: int = Field(default=5, ge=1, le=24 * 60)
    """How often that is, in minutes."""
    timeout_seconds: float = Field(default=10, gt=0, le=60)
    """How long one may take."""

    @model_validator(mode="after")
    def _somewhere_safe(self) -> Self:
        for name in ("url", "work_url"):
            url, file = getattr(self, name), getattr(self, f"{name}_file")
            if url and file:
                raise ValueError(f"give {name} or {name}_file, not both")
            if url and (why := unsafe(url.get_secret_value())):
                raise ValueError(f"{name} {why}")
        if not (self.url or self.url_file or self.work_url or self.work_url_file):
            raise ValueError("give url or work_url, or the file that holds it")
        return self


class Traces(Section):
    """Where `alertd run` tells by OpenTelemetry how long each piece of work took: reading a feed, evaluating,
    composing, sending a message. It says ids of deliveries, names of feeds and channels, and counts; no child, person
    or rule. The extra `otel` is needed."""

    endpoint: str
    """The address of a collector that takes OTLP over HTTP, as `https://collector.council.example/v1/traces`: https, or
    this machine."""
    headers_file: SecretFile | None = None
    """The file of headers that it wants, a line each: `name: value`."""
    share: float = Field(default=1.0, gt=0, le=1)
    """The share of all pieces of work that is told of."""
    timeout_seconds: float = Field(default=10, gt=0, le=60)
    """How long one call may take."""

    @model_validator(mode="after")
    def _somewhere_safe(self) -> Self:
        if why := unsafe(self.endpoint):
            raise ValueError(f"endpoint {why}")
        return self


def unsafe(url: str) -> str:
    """Why an address may not be asked for: only https is, or this machine. Blank where it may."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port  # raises where it is no number
    except ValueError:
        return "is no address"
    if not host or parts.scheme not in ("https", "http") or not url.isascii() or any(c.isspace() for c in url):
        return "is no address: write it as https://..."
    if parts.username is not None or parts.password is not None:
        return "holds a user or a password, which are not sent: the secret is its path"
    return "" if parts.scheme == "https" or loopback(host) else "is not https, and not on this machine"
