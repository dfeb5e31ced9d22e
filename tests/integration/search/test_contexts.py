"""Every searchable table of the contexts: filled by events, embedded by the hook, found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from eventstore import EventStore
from eventstore.vocabulary import packaging, trust, work
from projections.audit.verify import verify
from projections.builds.rebuild import rebuild
from projections.packaging import Packaging
from projections.projection import Projection
from projections.search import Mode, search
from projections.search.backfill import backfill
from projections.search.hashing import HashingEmbedder
from projections.search.hook import embedding_hooks
from projections.search.searchable import searchable, searchables
from projections.trust import Trust
from projections.work import Work
from tests.integration.projections.running import catch_up, number

RULES: tuple[Projection, ...] = (Packaging(), Trust(), Work())
FILTERS: dict[str, dict[str, Any]] = {
    "agent_knowledge": {"knowledge_type": "pattern"},
    "conversation_history": {"role": "agent"},
    "documentation": {"package_id": number(1)},
    "knowledge_items": {"source_package_id": number(1)},
    "mem_docs": {"type": ["CONTEXT", "KNOWLEDGE"]},
}


def tell(store: EventStore) -> None:
    """Two rows in each table: the first is about wind."""
    package, session = number(1), number(2)
    store.append(
        "package-1",
        [
            packaging.PackageRegistered(package_id=package, name="p", version="1", publisher="q"),
            packaging.DocumentationWritten(
                documentation_id=number(11), package_id=package, content="How to install turbines"
            ),
            packaging.DocumentationWritten(
                documentation_id=number(12), package_id=package, content="How to bake bread"
            ),
        ],
    )
    for n, title, content in ((11, "Turbines", "They turn"), (12, "Ovens", "They are hot")):
        store.append(
            f"knowledge_item-{n}",
            [
                packaging.KnowledgeItemAdded(
                    knowledge_item_id=number(n),
                    title=title,
                    content=content,
                    source_package_id=package,
                )
            ],
        )
    for n, content in ((11, "remember the turbine"), (12, "remember the milk")):
        store.append(
            f"mem_doc-{n}",
            [work.MemDocWritten(mem_doc_id=number(n), type="CONTEXT", content=content)],
        )
    store.append(
        "agent-ann",
        [
            trust.AgentRegistered(agent_id="ann", name="Ann", persona_type="developer"),
            trust.SessionStarted(session_id=session, agent_id="ann", trust_level=1),
        ],
    )
    for n, said in ((11, "the turbines turn"), (12, "the bread is baked")):
        store.append(
            "agent-ann",
            [
                trust.MessageSent(
                    message_id=number(n), session_id=session, role="agent", content=said
                ),
                trust.KnowledgeLearned(
                    knowledge_id=number(n),
                    agent_id="ann",
                    knowledge_type="pattern",
                    domain="work",
                    content={"said": said},
                ),
            ],
        )


@pytest.fixture
def store(database_url: str) -> Iterator[EventStore]:
    with EventStore.open(database_url) as opened:
        yield opened


def test_the_five_tables_of_the_contexts_can_be_searched() -> None:
    assert {each.table.TABLE for rules in RULES for each in searchables(rules)} == set(FILTERS)


def test_every_table_is_filled_embedded_and_found(store: EventStore, database_url: str) -> None:
    chosen = HashingEmbedder()
    hooks = embedding_hooks(database_url, RULES, "hashing")
    assert not catch_up(database_url, *RULES, hooks=hooks)
    tell(store)
    for _ in range(2):  # what the hook appends is applied too
        assert not catch_up(database_url, *RULES, hooks=hooks)
    modes: tuple[Mode, ...] = ("hybrid", "vector", "text")
    for table, filters in FILTERS.items():
        for mode in modes:
            found = search(
                store, table, "turbines", embedder=chosen, mode=mode, filters=filters, limit=5
            )
            key: UUID = found[0].key[0]
            assert (key, len(found)) == (number(11), 1 if mode == "text" else 2), (table, mode)
        assert backfill(store, searchable(table), chosen) == 0, table
    for rules in RULES:
        checked = verify(database_url, rules)
        assert (checked.wrong, checked.failed) == (0, 0), rules.name
        rebuild(database_url, rules)
    for table in FILTERS:
        assert search(store, table, "turbines", embedder=chosen)[0].key[0] == number(11)
