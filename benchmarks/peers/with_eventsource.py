"""The package eventsource-py: a SubscriptionManager that catches up a DatabaseProjection.

Its runner hands over one event at a time, for which the projection opens a transaction. What it
offers to batch is on: 1,000 events a read, and a checkpoint only after each such batch.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from time import perf_counter
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from eventsource import (
    DatabaseProjection,
    DomainEvent,
    ExpectedVersion,
    InMemoryEventBus,
    PostgreSQLEventStore,
    StreamId,
    handles,
    register_event,
)
from eventsource.adapters.sql import SQLCheckpointRepository
from eventsource.application.subscriptions import SubscriptionConfig, SubscriptionManager
from eventsource.migrations import get_schema
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine

from benchmarks.peers import releases
from eventstore.connection.queries import load

__all__ = ["fill", "project"]

_SQL: Final = load("benchmarks.sql", "peers.sql")
_BATCH: Final = 1_000
_EXTENSION: Final = 'CREATE EXTENSION IF NOT EXISTS "uuid-ossp";'
"""Its schema asks for it and uses nothing of it; our server comes without."""


@register_event
class PackageReleased(DomainEvent):
    event_type: str = "PackageReleased"
    aggregate_type: str = "Package"
    release: str


class Releases(DatabaseProjection):
    @handles(PackageReleased)
    async def _released(self, connection: Any, event: PackageReleased) -> None:
        arguments = {"package": event.aggregate_id, "release": event.release}
        await connection.execute(text(_SQL["count_release_named"]), arguments)


def fill(url: str, keys: int, events: int) -> None:
    asyncio.run(_fill(_engine(url), keys, events))


def project(url: str) -> float:
    logging.disable(logging.CRITICAL)
    return asyncio.run(_project(_engine(url)))


async def _fill(engine: AsyncEngine, keys: int, events: int) -> None:
    async with engine.connect() as connection:
        raw = await connection.get_raw_connection()
        assert raw.driver_connection is not None
        await raw.driver_connection.execute(get_schema("all").replace(_EXTENSION, ""))
        await raw.driver_connection.execute(_SQL["make_table"])
    said: dict[UUID, list[DomainEvent]] = defaultdict(list)
    for package, release in releases(keys, events):
        said[package].append(PackageReleased(aggregate_id=package, release=release))
    store = PostgreSQLEventStore(engine)
    for package, its_events in said.items():
        await store.append(StreamId(package, "Package"), its_events, ExpectedVersion.any_())
    await engine.dispose()


async def _project(engine: AsyncEngine) -> float:
    manager = SubscriptionManager(
        PostgreSQLEventStore(engine), InMemoryEventBus(), SQLCheckpointRepository(engine)
    )
    projection = Releases(async_sessionmaker(engine, expire_on_commit=False))
    began = perf_counter()
    await manager.subscribe(
        projection, SubscriptionConfig(start_from="beginning", batch_size=_BATCH), name="releases"
    )
    failures = await manager.start()  # returns when the past is caught up with
    seconds = perf_counter() - began
    await manager.stop()
    await engine.dispose()
    for failure in failures.values():
        if failure is not None:
            raise failure
    return seconds


def _engine(url: str) -> AsyncEngine:
    """The same database through asyncpg, which its store asks for."""
    parts = urlsplit(url)
    return create_async_engine(parts._replace(scheme="postgresql+asyncpg").geturl())
