"""Gives rows their embeddings as they come: after the commit, by the process that projects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Final

from eventstore import EventStore, RecordedEvent
from projections.hooks import Changes, Hook
from projections.projection import Projection
from projections.row import Named
from projections.search.embedder import Embedder, embedder
from projections.search.recording import Text, lacks_embedding, record, text_of_row
from projections.search.searchable import searchables

__all__ = ["EmbedHook", "embedding_hooks"]

_NAME: Final = "embed"
_MOST_STORES: Final = 16
"""Tenants for whom a store is kept open."""


class EmbedHook(Hook):
    """Appends an embedding for each row whose text changed.

    It is told at least once, never during a rebuild, and never of a replay: what it has appended is
    in the log, and what it is told twice gives the same events. Rows that were there before it, or
    that a rebuild made, are the business of `eventstore search backfill`.
    """

    name = _NAME

    def __init__(self, url: str, rules: Projection, embedder: Embedder) -> None:
        self.projection = rules.name
        self._url, self._rules, self._embedder = url, rules, embedder
        self._targets = {each.table: each for each in searchables(rules)}
        self._mutex = Lock()
        self._stores: dict[str, EventStore] = {}
        self._opened = ExitStack()

    @contextmanager
    def holding(self, shard: int, fencing_token: int) -> Iterator[None]:
        """Closes what was opened to append, in the end."""
        try:
            yield
        finally:
            with self._mutex:
                self._close()

    def after_commit(self, changes: Changes) -> None:
        """Does it; raises what the store or the embedder raises."""
        causes: dict[Named, RecordedEvent] = {}
        by_tenant: defaultdict[str, list[Text]] = defaultdict(list)
        for table, target in self._targets.items():
            for key, row in changes.rows.get(table, {}).items():
                if row is not None and lacks_embedding(vars(row), self._embedder):
                    causes = causes or self._causes(changes)
                    said = text_of_row(target, vars(row), causes.get((table, key)))
                    if said is not None:
                        by_tenant[said.tenant].append(said)
        for tenant, texts in by_tenant.items():
            with self._mutex:  # the shards of a daemon share a hook
                record(self._store(tenant), self._embedder, texts)

    def _store(self, tenant: str) -> EventStore:
        if tenant not in self._stores:
            if len(self._stores) >= _MOST_STORES:
                self._close()
            opened = EventStore.open(self._url, tenant=tenant)
            self._stores[tenant] = self._opened.enter_context(opened)
        return self._stores[tenant]

    def _close(self) -> None:
        self._stores.clear()
        self._opened.close()

    def _causes(self, changes: Changes) -> dict[Named, RecordedEvent]:
        """For each row the last of the events that name it."""
        return {
            named: recorded for recorded in changes.events for named in self._rules.keys(recorded)
        }


def embedding_hooks(
    url: str, projections: Iterable[Projection], name: str | None
) -> list[EmbedHook]:
    """A hook for each projection with searchable tables; none without the name of an embedder.

    Raises EmbedderRefused.
    """
    if name is None:
        return []
    chosen = embedder(name)
    return [EmbedHook(url, each, chosen) for each in projections if searchables(each)]
