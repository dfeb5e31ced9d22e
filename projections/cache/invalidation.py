"""Forgets what events have changed: a hook, told after each commit of the projection.

It ends a call only when no reader can get what was before: the entries are gone, or, when the cache
does not answer, their epoch is. So after `store.wait_for`, which waits for hooks, no read is stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from valkey import Valkey
from valkey.exceptions import ValkeyError

from projections.cache.epoch import EpochKeeper
from projections.cache.names import Names
from projections.hooks.hook import Changes, Hook
from projections.row import Row

__all__ = ["CacheInvalidation", "Dependents"]

Dependents = Mapping[type[Row], tuple[tuple[str, Callable[[Any], object]], ...]]
"""For each table the kinds of entries that its rows are in, and each entry's key from a row."""


class CacheInvalidation(Hook):
    """Keeps the cache of one projection's rows true."""

    name = "cache"

    def __init__(
        self,
        projection: str,
        dependents: Dependents,
        client: Valkey,
        names: Names,
        *,
        revive: Callable[[], None] = lambda: None,
    ) -> None:
        self.projection = projection
        self._dependents = dependents
        self._client, self._names, self._revive = client, names, revive
        self._keeper: EpochKeeper | None = None

    def holding(self, shard: int, fencing_token: int) -> AbstractContextManager[object]:
        """Keeps the epoch alive meanwhile."""
        return self._keeping(fencing_token)

    @contextmanager
    def _keeping(self, fencing_token: int) -> Iterator[None]:
        keeper = EpochKeeper(self._client, self._names.epoch, fencing_token, revive=self._revive)
        with keeper:
            self._keeper = keeper
            yield

    def after_commit(self, changes: Changes) -> None:
        """Forgets the entries of the rows that changed."""
        assert self._keeper is not None, "a hook is told while it is held"
        try:
            if stale := list(self._stale(changes)):
                self._client.unlink(*stale)
        except ValkeyError:
            self._keeper.end()

    def _stale(self, changes: Changes) -> Iterable[str]:
        for table, kinds in self._dependents.items():
            for (tenant, *_), row in changes.rows[table].items():
                if row is None:  # it goes with a change of the row that its entry is named after
                    continue
                for kind, key_of in kinds:
                    yield self._names.entry(tenant, kind, str(key_of(row)))
