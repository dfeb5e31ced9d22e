"""`store.subscriptions` for asyncio: the same names, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from eventstore.subscriptions.async_consumer import AsyncConsumer
from eventstore.subscriptions.directory import Subscriptions
from eventstore.subscriptions.handling import AsyncHandler, attempt
from eventstore.subscriptions.status import ParkedEvent, SubscriptionStatus

__all__ = ["AsyncSubscriptions"]


class AsyncSubscriptions:
    """Subscriptions for asyncio; the calls run in threads."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        self._subscriptions = subscriptions

    async def create(self, name: str, **options: Any) -> bool:
        """As Subscriptions.create."""
        return await asyncio.to_thread(self._subscriptions.create, name, **options)

    async def list(self) -> Sequence[SubscriptionStatus]:
        """As Subscriptions.list."""
        return await asyncio.to_thread(self._subscriptions.list)

    async def show(self, name: str) -> SubscriptionStatus:
        """As Subscriptions.show."""
        return await asyncio.to_thread(self._subscriptions.show, name)

    async def drop(self, name: str, *, force: bool = False) -> None:
        """As Subscriptions.drop."""
        await asyncio.to_thread(self._subscriptions.drop, name, force=force)

    def consumer(self, name: str, **options: Any) -> AsyncConsumer:
        """As Subscriptions.consumer, for an `async with` block."""
        return AsyncConsumer(self._subscriptions.consumer(name, **options))

    async def consume(self, name: str, handler: AsyncHandler, **options: Any) -> int:
        """As Subscriptions.consume, with a handler that is awaited; ends when it is cancelled."""
        handled = 0
        async with self.consumer(name, **options) as consumer:
            async for delivery in consumer:
                with attempt(delivery):
                    await handler(delivery)
                handled += 1
        return handled

    async def parked(self, name: str, **options: Any) -> Sequence[ParkedEvent]:
        """As Subscriptions.parked."""
        return await asyncio.to_thread(self._subscriptions.parked, name, **options)

    async def resolved(self, name: str, position: int) -> Sequence[dict[str, Any]]:
        """As Subscriptions.resolved."""
        return await asyncio.to_thread(self._subscriptions.resolved, name, position)

    async def retry(
        self, name: str, positions: Sequence[int] | None = None, *, who: str
    ) -> Sequence[int]:
        """As Subscriptions.retry."""
        return await asyncio.to_thread(self._subscriptions.retry, name, positions, who=who)

    async def discard(self, name: str, position: int, reason: str, *, who: str) -> None:
        """As Subscriptions.discard."""
        await asyncio.to_thread(self._subscriptions.discard, name, position, reason, who=who)
