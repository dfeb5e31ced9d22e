"""A Consumer for asyncio: the same tray and the same calls, which run in threads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext, suppress
from types import TracebackType
from typing import Self

from eventstore.errors import StoreUnavailable
from eventstore.subscriptions.consumer import Consumer
from eventstore.subscriptions.delivery import Delivery

__all__ = ["AsyncConsumer"]


class AsyncConsumer:
    """An asynchronous iterator over deliveries, for an `async with` block."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer

    def __aiter__(self) -> AsyncIterator[Delivery]:
        return self

    async def __anext__(self) -> Delivery:
        while not self.consumer.ended:
            if self.consumer.must_speak:
                await self.flush()
            delivery = self.consumer.take()
            if delivery is not None:
                return delivery
            await asyncio.to_thread(self.consumer.fetch)
        raise StopAsyncIteration

    async def flush(self) -> None:
        """As Consumer.flush."""
        await asyncio.to_thread(self.consumer.flush)

    def stop(self) -> None:
        """As Consumer.stop."""
        self.consumer.stop()

    async def close(self) -> None:
        """As Consumer.close."""
        await asyncio.to_thread(self.consumer.close)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.consumer.__enter__)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # The error of the block says more than that the store can't be told.
        with nullcontext() if kind is None else suppress(StoreUnavailable):
            await self.close()
