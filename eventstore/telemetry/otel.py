"""What is told to OpenTelemetry; the one module that knows its API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from time import perf_counter
from types import TracebackType
from typing import Any, Final

import orjson
from opentelemetry import metrics, trace
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Link, ProxyTracerProvider, SpanKind, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from eventstore.telemetry import Noted

__all__ = ["Telemetry"]

_NAME: Final = "eventstore"
_KINDS: Final = {"append": SpanKind.PRODUCER, "project": SpanKind.CONSUMER}
_MOST_LINKS: Final = 32
"""Of one span: a batch may hold events of a thousand traces."""
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class Telemetry:
    """Spans and metrics; those of the program's own providers unless others are given."""

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        self._tracer_provider = tracer_provider
        self._tracer = trace.get_tracer(_NAME, tracer_provider=tracer_provider)
        meter = metrics.get_meter(_NAME, meter_provider=meter_provider)
        self._duration = meter.create_histogram(
            "eventstore.operation.duration", "s", "How long an operation of the store took."
        )
        self._events = meter.create_counter(
            "eventstore.operation.events", "{event}", "Events appended, read or applied."
        )

    def carried(self) -> Mapping[str, str]:
        """The trace context of the active span."""
        carrier: dict[str, str] = {}
        if trace.get_current_span().get_span_context().is_valid:
            _PROPAGATOR.inject(carrier)
        return carrier

    def operation(
        self, name: str, noted: Noted, causes: Iterable[bytes]
    ) -> AbstractContextManager[Noted]:
        """As eventstore.telemetry.operation."""
        # Without an SDK spans go nowhere, and making one would take longer than the rest.
        provider = self._tracer_provider or trace.get_tracer_provider()
        if isinstance(provider, ProxyTracerProvider):
            return _Operation(name, noted, self._told)
        return _Operation(name, noted, self._told, self._span(name, noted, causes))

    def _told(self, name: str, noted: Noted, seconds: float, outcome: str) -> None:
        self._duration.record(seconds, {"operation": name, "outcome": outcome})
        self._events.add(noted.events if outcome == "done" else 0, {"operation": name})

    @contextmanager
    def _span(self, name: str, noted: Noted, causes: Iterable[bytes]) -> Iterator[None]:
        attributes = {"db.system.name": "postgresql", "db.operation.name": name}
        with self._tracer.start_as_current_span(
            f"eventstore {name}",
            kind=_KINDS.get(name, SpanKind.CLIENT),
            attributes=attributes,
            links=_links(causes),
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                raise
            finally:
                span.set_attribute("eventstore.events", noted.events)
                for key, value in noted.about.items():
                    span.set_attribute(f"eventstore.{key}", value)


class _Operation:
    """Times a block, around a span if there is one, and tells how it ended.

    A class, because a generator takes twice as long (measured: 3.2 and 1.8 microseconds).
    """

    __slots__ = ("_began", "_name", "_noted", "_span", "_tell")

    def __init__(
        self,
        name: str,
        noted: Noted,
        tell: Callable[[str, Noted, float, str], None],
        span: AbstractContextManager[None] | None = None,
    ) -> None:
        self._name, self._noted, self._tell, self._span = name, noted, tell, span

    def __enter__(self) -> Noted:
        self._began = perf_counter()
        if self._span is not None:
            self._span.__enter__()
        return self._noted

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._span is not None:
                self._span.__exit__(kind, error, traceback)
        finally:
            outcome = "done" if kind is None else kind.__name__
            self._tell(self._name, self._noted, perf_counter() - self._began, outcome)


def _links(causes: Iterable[bytes]) -> list[Link]:
    """The spans in which these events were appended, each once."""
    found: dict[Any, Link] = {}
    for metadata in causes:
        if b'"traceparent"' not in metadata:
            continue
        said = orjson.loads(metadata)
        carrier = {key: said[key] for key in ("traceparent", "tracestate") if key in said}
        context = trace.get_current_span(_PROPAGATOR.extract(carrier)).get_span_context()
        if context.is_valid:
            found.setdefault((context.trace_id, context.span_id), Link(context))
        if len(found) == _MOST_LINKS:
            break
    return list(found.values())
