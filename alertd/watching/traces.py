"""Traces by OpenTelemetry: how long each piece of work took. Off, and nothing of it imported, unless the settings say.

What a span says of itself is in :data:`SAID`: names of feeds and channels, ids of deliveries, and counts. Nothing else
can be said, and of an error only its type: its text may hold personal data.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

from alertd import __version__
from alertd.errors import InputError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

Name = Literal["evaluate", "read feed", "compose", "send"]
SAID: Final[Mapping[str, type]] = {
    "feed": str,
    "children": int,
    "changed": int,
    "notices": int,
    "failed": int,
    "refused": bool,
    "urgent": int,
    "digests": int,
    "delivery": str,
    "channel": str,
    "result": str,
    "error": str,
}
"""All that a span may say of itself, each as ``alertd.NAME``."""

_FLUSH_MS: Final = 5_000
"""How long the last spans may take to leave when the daemon ends."""


class Said:
    """What one span says of itself, while it lasts; nothing where traces are off."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def say(self, **said: str | int) -> None:
        """Say something of :data:`SAID`."""
        for name, value in said.items():
            if not isinstance(value, SAID[name]):
                raise TypeError(f"{name} is no {SAID[name].__name__}")
            if self._span is not None:
                self._span.set_attribute(f"alertd.{name}", value)


class Traces:
    """Those of one daemon. Without an ``exporter`` there are none."""

    def __init__(self, exporter: SpanExporter | None = None, *, share: float = 1.0) -> None:
        """``share`` of all pieces of work are told of, whole."""
        self._tracer: Any = None
        self._provider: Any = None
        if exporter is not None:
            self._provider = _provider(exporter, share)
            self._tracer = self._provider.get_tracer("alertd", __version__)

    @contextmanager
    def span(self, name: Name, **said: str | int) -> Iterator[Said]:
        """While a piece of work lasts. What it raises ends the span, which says the type."""
        if self._tracer is None:
            yield _NOTHING
            return
        with self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as span:
            told = Said(span)
            told.say(**said)
            try:
                yield told
            except BaseException as fault:
                told.say(error=type(fault).__name__)
                raise

    def ended(self, name: Name, seconds: float, **said: str | int) -> None:
        """A piece of work that took so long has ended just now."""
        if self._tracer is None:
            return
        now = time.time_ns()
        span = self._tracer.start_span(name, start_time=now - int(seconds * 1e9))
        Said(span).say(**said)
        span.end(now)

    def close(self) -> None:
        """Let the last ones go, for a short while."""
        if self._provider is not None:
            self._provider.force_flush(_FLUSH_MS)
            self._provider.shutdown()


_NOTHING: Final = Said()


def traces_to(endpoint: str, *, headers: Mapping[str, str], timeout: float, share: float) -> Traces:
    """Traces sent by OTLP over HTTP, as ``https://collector/v1/traces``, in a thread of their own. A collector that is
    away costs no work: what it does not take is dropped. Raises InputError where the extra is not installed."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        what, fix = "needs packages that are not installed", "Run: pip install 'alertd[otel]'"
        raise InputError(what, where="traces", fix=fix) from None
    return Traces(OTLPSpanExporter(endpoint=endpoint, headers=dict(headers), timeout=timeout), share=share)


def _provider(exporter: SpanExporter, share: float) -> Any:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    # Only this is said of where it comes from: the library would add what stands in the environment.
    resource = Resource({"service.name": "alertd", "service.version": __version__})
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(share)), resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider
