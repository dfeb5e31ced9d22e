"""From settings to the cache that a program reads through, and to the hook that keeps it true."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from eventstore import EventStore
from eventstore.config import Settings
from projections.cache.invalidation import CacheInvalidation, Dependents
from projections.cache.names import Names
from projections.cache.read_through import Cache
from projections.cache.server import CacheServer, client_of
from projections.session import open_session

__all__ = ["invalidation", "open_cache"]

_PATIENCE: Final = 0.5
"""Seconds that an invalidation waits for the cache, before it ends the epoch."""


def open_cache(store: EventStore, *, timeout: float = 0.1) -> Cache:
    """The cache of a store's tenant, by the store's settings; it need not run.

    `timeout` is how many seconds a read waits for the cache at most, before it goes around it.
    Raises ConfigurationError for a CACHE_URL that makes no sense.
    """
    client = client_of(store.settings, timeout=timeout)
    names = store.database.read(lambda conn: Names.of(store.database.url, conn))
    return Cache(client, names, store.tenant)


@contextmanager
def invalidation(
    settings: Settings, url: str, projection: str, dependents: Dependents
) -> Iterator[CacheInvalidation | None]:
    """The hook for the daemon of a projection, while the block lasts; None without a cache.

    A server of our own starts with the hook and ends with the block. Raises ConfigurationError.
    """
    client = client_of(settings, timeout=_PATIENCE)
    if client is None:
        yield None
        return
    server = CacheServer(settings)
    with closing(open_session(url, part="cache")) as conn:
        names = Names.of(url, conn)
    try:
        with client:
            yield CacheInvalidation(
                projection, dependents, client, names, revive=server.ensure_running
            )
    finally:
        server.stop()
