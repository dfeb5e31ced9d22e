"""What a consumer has at hand under one lease: what came, what is being handled, what was settled.

It keeps the order: an event is not handed out while an earlier one of its stream is in somebody's
hands, and what follows one that failed is dropped, as the store gives it out again. Pure but for a
lock: deliveries may be settled from any thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from eventstore.errors import DeliverySettled, LeaseLost
from eventstore.recorded import RecordedEvent
from eventstore.subscriptions.delivery import Delivery

__all__ = ["Settled", "Tray"]


@dataclass(frozen=True, slots=True)
class Settled:
    """What the store has to be told: positions that were handled, and what failed and why."""

    acknowledged: tuple[int, ...] = ()
    failures: tuple[dict[str, Any], ...] = ()

    def __len__(self) -> int:
        return len(self.acknowledged) + len(self.failures)


class Tray:
    """The deliveries of one consumer under one lease."""

    def __init__(self, subscription: str, renew: Callable[[], None] = lambda: None) -> None:
        self.subscription, self.renew = subscription, renew
        self.lost = False
        self._lock = Lock()
        self._queue: deque[Delivery] = deque()
        self._in_hands: dict[str, Delivery] = {}
        self._acknowledged: list[int] = []
        self._failures: list[tuple[str, dict[str, Any]]] = []

    @property
    def in_hands(self) -> int:
        """Deliveries that were taken and are not settled."""
        return len(self._in_hands)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to be taken."""
        return not self._queue

    def receive(self, claimed: Iterable[tuple[RecordedEvent, int]]) -> None:
        """Puts down what was claimed, in order: events, and how often each has failed.

        What follows a failure that the store does not know of yet is dropped, as in `fail`.
        """
        with self._lock:
            failed_in = {stream_id for stream_id, _ in self._failures}
            self._queue.extend(
                Delivery(recorded, failed, self)
                for recorded, failed in claimed
                if recorded.stream_id not in failed_in
            )

    def take(self) -> Delivery | None:
        """The next delivery whose stream nobody has in hands, or None."""
        with self._lock:
            for place, delivery in enumerate(self._queue):
                if delivery.recorded.stream_id not in self._in_hands:
                    del self._queue[place]
                    self._in_hands[delivery.recorded.stream_id] = delivery
                    return delivery
        return None

    def acknowledge(self, delivery: Delivery) -> None:
        """Notes that it was handled; raises DeliverySettled or LeaseLost."""
        with self._lock:
            self._put_away(delivery)
            self._acknowledged.append(delivery.recorded.position)

    def fail(self, delivery: Delivery, failure: dict[str, Any]) -> None:
        """Notes that it failed, and drops what follows in its stream; raises as acknowledge."""
        with self._lock:
            self._put_away(delivery)
            stream_id = delivery.recorded.stream_id
            failure = {"position": delivery.recorded.position, **failure}
            self._failures.append((stream_id, failure))
            self._queue = deque(d for d in self._queue if d.recorded.stream_id != stream_id)

    def unsent(self) -> Settled:
        """What the store does not know yet."""
        with self._lock:
            failures = tuple(failure for _, failure in self._failures)
            return Settled(tuple(self._acknowledged), failures)

    def sent(self, settled: Settled) -> None:
        """The store knows that now."""
        with self._lock:
            del self._acknowledged[: len(settled.acknowledged)]
            del self._failures[: len(settled.failures)]

    def lose(self) -> None:
        """The lease is over: nothing can be taken or settled any more."""
        with self._lock:
            self.lost = True
            self._queue.clear()

    def _put_away(self, delivery: Delivery) -> None:
        if self.lost:
            raise LeaseLost(self.subscription)
        if not delivery.is_open:
            raise DeliverySettled(delivery.key)
        delivery.settle()
        del self._in_hands[delivery.recorded.stream_id]
