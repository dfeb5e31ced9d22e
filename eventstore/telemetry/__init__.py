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
    from eventstore.telemetry.otel import Telemetry

__all__ = ["Noted", "carried", "operation"]


class Noted:
    """What is known of an operation only when it is done."""

    __slots__ = ("events",)

    def __init__(self, events: int) -> None:
        self.events = events
        """How many events were appended, read or applied."""


def carried() -> Mapping[str, str]:
    """The W3C trace context (`traceparent`, `tracestate`) of the active span; empty for none."""
    return _active.carried() if _active is not None else {}


def operation(
    name: str, events: int = 0, *, about: Mapping[str, str] = {}, causes: Iterable[bytes] = ()
) -> AbstractContextManager[Noted]:
    """A span and a duration around one operation: `append`, `read` or `project`.

    `about` goes into the span, not into the metrics, so it may be of any cardinality. `causes` are
    metadata of events, whose trace contexts the span is linked to.
    """
    if _active is None:
        return nullcontext(Noted(events))
    return _active.operation(name, events, about, causes)


def _found() -> Telemetry | None:
    if find_spec("opentelemetry") is None:
        return None
    try:
        from eventstore.telemetry.otel import Telemetry
    except ImportError:  # another package of that namespace, without the API
        return None
    return Telemetry()


_active: Telemetry | None = _found()
