"""What OpenTelemetry is told of appends, reads and projections; and that nobody needs it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import orjson
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from eventstore import Append, AsyncEventStore, EventStore, telemetry
from eventstore.errors import ConcurrencyConflict, InvalidEvent
from eventstore.telemetry.otel import Telemetry
from tests.integration.log.facts import FACTS, said


class Told(NamedTuple):
    spans: InMemorySpanExporter
    metrics: InMemoryMetricReader
    provider: TracerProvider

    def finished(self) -> list[ReadableSpan]:
        """The store's spans."""
        every = self.spans.get_finished_spans()
        return [span for span in every if span.name.startswith("eventstore ")]

    def points(self, name: str) -> dict[tuple[Any, ...], Any]:
        """The data points of one metric, by the values of their attributes."""
        data = self.metrics.get_metrics_data()
        assert data is not None
        return {
            tuple(value for _, value in sorted((point.attributes or {}).items())): point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        }


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Everything that is told from now on."""
    spans, metrics = InMemorySpanExporter(), InMemoryMetricReader()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    active = Telemetry(provider, MeterProvider(metric_readers=[metrics]))
    monkeypatch.setattr(telemetry, "_active", active)
    return Told(spans, metrics, provider)


@pytest.fixture
def store(database_url: str) -> Iterator[EventStore]:
    with EventStore.open(database_url, registry=FACTS) as opened:
        yield opened


def traceparents(store: EventStore) -> list[str | None]:
    return [orjson.loads(event.metadata).get("traceparent") for event in store.read_all()]


def test_an_event_carries_the_trace_in_which_it_was_appended(
    store: EventStore, told: Told, database_url: str
) -> None:
    async def asynchronously() -> None:
        async with await AsyncEventStore.open(database_url, registry=FACTS) as opened:
            await opened.append("s-3", said(1))

    with told.provider.get_tracer("test").start_as_current_span("work") as work:
        store.append("s-1", said(1), metadata={"why": "test"})
        store.append_many([Append("s-1", said(1)), Append("s-2", said(1))])
        asyncio.run(asynchronously())
        store.append("s-4", said(1), metadata={"traceparent": "my own"})
    appended = [span for span in told.finished() if span.name == "eventstore append"]
    assert [span.kind for span in appended] == [SpanKind.PRODUCER] * 4
    assert {span.parent.span_id for span in appended if span.parent} == {
        work.get_span_context().span_id
    }
    ids = [
        f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}"
        f"-{span.context.trace_flags:02x}"
        for span in appended
    ]
    assert traceparents(store) == [ids[0], ids[1], ids[1], ids[2], "my own"]
    assert [dict(span.attributes or {}).get("eventstore.stream_id") for span in appended] == [
        "s-1", None, "s-3", "s-4",
    ]  # fmt: skip


def test_without_a_span_of_the_program_s_an_append_begins_a_trace(
    store: EventStore, told: Told
) -> None:
    store.append("s-1", said(1))
    [carried] = traceparents(store)
    assert carried is not None
    assert not get_current_span().get_span_context().is_valid


def test_reads_and_refusals_are_told(store: EventStore, told: Told) -> None:
    store.append("s-1", said(3))
    with pytest.raises(ConcurrencyConflict):
        store.append("s-1", said(1), expected_version=7)
    with pytest.raises(InvalidEvent):
        store.append("", said(1))
    assert len(list(store.read_stream("s-1"))) == 3
    spans = {(span.name, span.status.status_code): span for span in told.finished()}
    assert spans.keys() == {
        ("eventstore append", StatusCode.UNSET),
        ("eventstore append", StatusCode.ERROR),
        ("eventstore read", StatusCode.UNSET),
    }
    read = dict(spans["eventstore read", StatusCode.UNSET].attributes or {})
    assert read["eventstore.events"] == 3
    durations = told.points("eventstore.operation.duration")
    assert {key: point.count for key, point in durations.items()} == {
        ("append", "done"): 1,
        ("append", "ConcurrencyConflict"): 1,
        ("append", "InvalidEvent"): 1,
        ("read", "done"): 1,
    }
    events = told.points("eventstore.operation.events")
    assert {key: point.value for key, point in events.items()} == {("append",): 3, ("read",): 3}


def test_a_span_is_linked_to_the_causes_of_its_events(store: EventStore, told: Told) -> None:
    with told.provider.get_tracer("test").start_as_current_span("work"):
        store.append("s-1", said(2))
    store.append("s-2", said(1), metadata={"traceparent": "nonsense"})
    causes = [recorded.metadata for recorded in store.read_all()]
    with telemetry.operation("project", 3, about={"projection": "packaging"}, causes=causes):
        pass
    *_, project = told.finished()
    [first, _] = [span for span in told.finished() if span.name == "eventstore append"]
    assert [link.context.span_id for link in project.links] == [first.context.span_id]
    assert project.kind == SpanKind.CONSUMER


def test_a_span_has_few_links(told: Told) -> None:
    causes = [
        orjson.dumps({"traceparent": f"00-{uuid4().hex}-{number + 1:016x}-01"})
        for number in range(100)
    ]
    with telemetry.operation("project", 100, causes=causes):
        pass
    assert len(told.finished()[-1].links) == 32


def test_without_an_sdk_and_without_a_trace_nothing_is_added(store: EventStore) -> None:
    store.append("s-1", said(1))
    assert traceparents(store) == [None]


def test_the_store_works_without_opentelemetry() -> None:
    program = (
        "import sys\n"
        "sys.modules['opentelemetry'] = None\n"
        "import eventstore.telemetry as telemetry\n"
        "with telemetry.operation('append', 1) as noted:\n"
        "    assert noted.events == 1\n"
        "assert telemetry.carried() == {}\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
