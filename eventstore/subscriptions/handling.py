"""From what a handler does to what becomes of its event.

A handler is called with a Delivery, at least once for every event: what it does has to be done once
for each `delivery.key`. When it returns, the event is acknowledged; when it raises, it is tried
again, with a growing pause, and parked after the last attempt. It may also settle the delivery
itself, by `delivery.retry(delay=…)` or `delivery.park("why")`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from eventstore.subscriptions.delivery import Delivery

__all__ = ["AsyncHandler", "Handler", "attempt"]

Handler = Callable[[Delivery], object]
"""Handles one event; at least once."""
AsyncHandler = Callable[[Delivery], Awaitable[object]]
"""The same for asyncio."""


@contextmanager
def attempt(delivery: Delivery) -> Iterator[None]:
    """Settles a delivery by how the block ends, unless the block did, or the lease was lost.

    Ctrl-C and the like pass through; the consumer then gives the event back untried.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - told to the store, with its traceback
        if delivery.is_open:
            delivery.retry(error)
    else:
        if delivery.is_open:
            delivery.ack()
