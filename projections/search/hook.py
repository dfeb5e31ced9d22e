"""Gives rows their embeddings as they come: after the commit, by the process that projects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
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
            with EventStore.open(self._url, tenant=tenant) as store:
                record(store, self._embedder, texts)

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
