"""Spans, metrics and trace context, by OpenTelemetry where `opentelemetry-api` is installed.

Without that package everything here does nothing, at the price of a call. With it, and without an
SDK that the program has set up, OpenTelemetry itself does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventstore.append import Request
    from eventstore.telemetry.otel import Telemetry

__all__ = ["Noted", "carried", "operation"]


class Noted:
    """What is known of an operation only when it is under way."""

    __slots__ = ("about", "events")

    def __init__(self, events: int, about: Mapping[str, str]) -> None:
        self.events = events
        """How many events were appended, read or applied."""
        self.about = about
        """For the span, not for the metrics: it may be of any cardinality."""

    def tell(self, request: Request) -> None:
        """Of an append, what it is about."""
        self.events = len(request.event_ids)
        if len(request.appends) == 1:
            self.about = {"stream_id": request.appends[0].stream_id}


def carried() -> Mapping[str, str]:
    """The W3C trace context (`traceparent`, `tracestate`) of the active span; empty for none."""
    return _active.carried() if _active is not None else {}


def operation(
    name: str, events: int = 0, *, about: Mapping[str, str] = {}, causes: Iterable[bytes] = ()
) -> AbstractContextManager[Noted]:
    """A span and a duration around one operation: `append`, `read` or `project`.

    `about` goes into the span, not into the metrics. `causes` are metadata of events, whose trace
    contexts the span is linked to.
    """
    noted = Noted(events, about)
    return nullcontext(noted) if _active is None else _active.operation(name, noted, causes)


def _found() -> Telemetry | None:
    if find_spec("opentelemetry") is None:
        return None
    try:
        from eventstore.telemetry.otel import Telemetry
    except ImportError:  # another package of that namespace, without the API
        return None
    return Telemetry()


_active: Telemetry | None = _found()
