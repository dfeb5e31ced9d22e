"""A consumer: claims deliveries, hands them out in order, and tells the store what became of them.

No thread works in the background. Each call gives the store a sign of life, so a handler may take
as long as the lease for one event; one that takes longer calls `delivery.renew` meanwhile.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from math import ceil
from threading import Event as Signal
from threading import RLock
from time import monotonic
from types import TracebackType
from typing import Final, Self

from eventstore.connection.database import Database, lost
from eventstore.connection.session import Session
from eventstore.errors import LeaseLost, StoreUnavailable
from eventstore.registry import EventRegistry
from eventstore.subscriptions import exchange
from eventstore.subscriptions.delivery import Delivery
from eventstore.subscriptions.exchange import Lease
from eventstore.subscriptions.tray import Settled, Tray

__all__ = ["BATCH", "Consumer"]

BATCH: Final = 500
"""Deliveries that a consumer claims at once, at most."""
_FIRST_BATCH: Final = 10
_GROWTH: Final = 4
FLUSH_SECONDS: Final = 0.1
"""Acknowledgements wait so long at most for others to go with, as long as somebody iterates."""
_LOOKS: Final = 200
"""Looks of a millisecond in one call that waits: so long the server keeps a snapshot for it, and
so late what another consumer gave back is noticed."""
_NOTHING: Final = Settled()


class Consumer:
    """One of the consumers of a subscription: an iterator over deliveries, for a `with` block.

    It ends when `close` is called, from any thread, or, with `until_idle`, when nothing is left to
    be delivered now. After a lost connection or lease it joins again, by itself; what it had not
    acknowledged is delivered again. `refused` counts acknowledgements that came too late.
    """

    def __init__(
        self,
        database: Database,
        registry: EventRegistry,
        subscription: str,
        *,
        name: str | None = None,
        batch: int = BATCH,
        until_idle: bool = False,
    ) -> None:
        self.subscription = subscription
        self.name = name or f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.refused = 0
        self._database, self._registry = database, registry
        self._batch, self._until_idle = batch, until_idle
        self._turn = RLock()  # one exchange at a time
        self._stopped = Signal()
        self._connection: Session | None = None
        self._lease: Lease | None = None
        self._tray = Tray(subscription, self.flush)
        self._spoke_at = monotonic()
        self._looked: int | None = None
        self._looks = _LOOKS
        self._size = min(batch, _FIRST_BATCH)
        self._given, self._given_at = 0, monotonic()
        self.is_idle = False
        """Whether the last call of `fetch` found nothing that can be delivered now."""

    def __iter__(self) -> Iterator[Delivery]:
        return self

    def __next__(self) -> Delivery:
        while not self.ended:
            if self.must_speak:
                self.flush()
            delivery = self.take()
            if delivery is not None:
                return delivery
            self.fetch()
        raise StopIteration

    @property
    def ended(self) -> bool:
        """Whether there will be no further deliveries."""
        return self._stopped.is_set() or (self._until_idle and self.is_idle and self._tray.is_empty)

    @property
    def must_speak(self) -> bool:
        """Whether it is time to tell the store something: acknowledgements, or a sign of life."""
        silence = monotonic() - self._spoke_at
        if silence < FLUSH_SECONDS or self._lease is None:
            return False
        return len(self._tray.unsent()) > 0 or silence > self._lease.seconds / 4

    def take(self) -> Delivery | None:
        """The next delivery that is at hand, or None; does not wait."""
        return self._tray.take()

    def flush(self) -> None:
        """Tells the store what was settled, and that this consumer lives. Raises NotFound."""
        with self._turn:
            lease, connection = self._joined()
            settled = self._tray.unsent()
            try:
                exchange.settle(connection, lease, settled)
            except (LeaseLost, StoreUnavailable) as error:
                self._start_anew(lease, error)
            else:
                self._told(settled)

    def fetch(self) -> None:
        """Claims what comes next; waits a moment for it when there was nothing the last time."""
        with self._turn:
            lease, connection = self._joined()
            settled = self._tray.unsent()
            self._adapt()
            room = self._size - self._tray.in_hands
            if room <= 0 and not len(settled):
                self._stopped.wait(FLUSH_SECONDS)  # somebody has to settle something first
                return
            try:
                claimed = exchange.claim(
                    connection,
                    lease,
                    max(room, 0),
                    settled,
                    wait_after=self._looked,
                    looks=self._looks,
                    registry=self._registry,
                )
            except (LeaseLost, StoreUnavailable) as error:
                self._start_anew(lease, error)
                return
            self._told(settled)
            self._tray.receive(claimed.deliveries)
            self._given, self._given_at = len(claimed.deliveries), monotonic()
            nothing = not claimed.deliveries
            self._looked = claimed.looked if nothing else None
            until_due = _LOOKS if claimed.due is None else ceil(claimed.due * 1000)
            self._looks = min(max(until_due, 1), _LOOKS)
            self.is_idle = nothing and room > 0 and claimed.looked >= claimed.mark

    def stop(self) -> None:
        """Ends the iteration, from any thread."""
        self._stopped.set()

    def close(self) -> None:
        """Ends the iteration, tells what was settled, and gives the rest back at once.

        Raises StoreUnavailable when the store can't be told; it then delivers again.
        """
        self.stop()
        with self._turn:
            lease = self._lease
            if lease is not None:
                self._tray.lose()
                settled = self._tray.unsent()  # afterwards nobody can settle any more
                self._lease = None
                try:
                    self._database.patiently(lambda: self._say_goodbye(lease, settled))
                finally:
                    self._disconnect()

    def __enter__(self) -> Self:
        with self._turn:
            self._joined()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # The error of the block says more than that the store can't be told.
        with nullcontext() if kind is None else suppress(StoreUnavailable):
            self.close()

    def _adapt(self) -> None:
        """Claims what is handled in a second, or less; the rest is for others to claim."""
        if self._given:
            a_second = self._given / max(monotonic() - self._given_at, 0.001)
            self._size = max(1, min(self._batch, self._size * _GROWTH, int(a_second)))

    def _joined(self) -> tuple[Lease, Session]:
        """The lease and its connection; joins when there is none."""
        if self._lease is None or self._connection is None:
            self._database.require_open()
            self._database.patiently(self._join)
        assert self._lease is not None, "it has just joined"
        assert self._connection is not None, "over this connection"
        return self._lease, self._connection

    def _join(self) -> None:
        try:
            connection = self._connected()
            self._lease = exchange.join(
                connection, self._database.tenant, self.subscription, self.name
            )
        except BaseException:
            self._disconnect()
            raise
        self._tray = Tray(self.subscription, self.flush)
        self._looked, self._spoke_at = None, monotonic()

    def _start_anew(self, lease: Lease, error: Exception) -> None:
        """Goes on under another lease after this one, or its connection, was lost.

        What a claim has given can't be told from what was lost on its way, so all is given back.
        """
        still_there = self._connection is not None and not self._connection.closed
        if isinstance(error, StoreUnavailable) and still_there and not lost(error):
            raise error
        self._tray.lose()
        settled = self._tray.unsent()
        self._lease = None
        if isinstance(error, LeaseLost):
            self.refused += len(settled)
        else:
            self._disconnect()
            self._database.patiently(lambda: self._say_goodbye(lease, settled))
        self._joined()

    def _say_goodbye(self, lease: Lease, settled: Settled) -> None:
        try:
            connection = self._connected()
            if len(settled):
                try:
                    exchange.settle(connection, lease, settled)
                except LeaseLost:
                    self.refused += len(settled)
            exchange.leave(connection, lease)
        except BaseException:
            self._disconnect()
            raise

    def _connected(self) -> Session:
        if self._connection is None or self._connection.closed:
            self._connection = self._database.subscriber()
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _told(self, settled: Settled) -> None:
        self._tray.sent(settled)
        self._spoke_at = monotonic()
