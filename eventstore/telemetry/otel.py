"""What is told to OpenTelemetry; the one module that knows its API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import perf_counter
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

    @contextmanager
    def operation(self, name: str, noted: Noted, causes: Iterable[bytes]) -> Iterator[Noted]:
        """As eventstore.telemetry.operation."""
        outcome, began = "done", perf_counter()
        try:
            with self._span(name, noted, causes):
                yield noted
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            attributes = {"operation": name, "outcome": outcome}
            self._duration.record(perf_counter() - began, attributes)
            self._events.add(noted.events if outcome == "done" else 0, {"operation": name})

    def _span(
        self, name: str, noted: Noted, causes: Iterable[bytes]
    ) -> AbstractContextManager[None]:
        # Without an SDK spans go nowhere, and making one would take longer than the rest.
        provider = self._tracer_provider or trace.get_tracer_provider()
        if isinstance(provider, ProxyTracerProvider):
            return nullcontext()
        return self._recorded(name, noted, causes)

    @contextmanager
    def _recorded(self, name: str, noted: Noted, causes: Iterable[bytes]) -> Iterator[None]:
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
