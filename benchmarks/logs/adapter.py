"""What a store must be able to do to be measured: the protocol of the `with_X` modules.

Each has a class `Store(url, payload, sql)`: the address of an empty database, the 300 bytes of
JSON that every event carries, as a dictionary, and the queries of benchmarks/sql/logs.sql. A store
is used as its documentation shows it, without an expected version, in the quickest way that it has.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Final, Protocol
from uuid import UUID

__all__ = ["CONNECTIONS", "PAGE", "Adapter"]

CONNECTIONS: Final = 8
"""That a process keeps at most: as many as the floor has clients."""
PAGE: Final = 1_000
"""Events that are read at once, where everything is read in order."""


class Adapter(Protocol):
    """A store, ready to be used by any number of threads.

    One that lives in asyncio has `append_async` besides, with the same arguments, and `run`, which
    runs a coroutine in its loop; the other methods then wait for theirs.
    """

    def begin(self) -> None:
        """Makes the tables."""

    def append(self, category: str, key: UUID, version: int, count: int) -> object:
        """Appends so many events in one call to a stream that has `version` events."""

    def read_stream(self, category: str, key: UUID) -> int:
        """Reads a stream, as the store gives it, and returns how many events it has."""

    def page(self, category: str, after: Any) -> tuple[Any, Sequence[Any]]:
        """The next events of everything in order, and where the page after them begins.

        `category` has all events when everything is read, and is "" when many have.
        """

    def identity(self, event: Any) -> Hashable:
        """What tells an event of a page from all others."""
