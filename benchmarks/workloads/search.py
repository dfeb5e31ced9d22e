"""Search of knowledge items by meaning, by words and by both, beside exact search."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from statistics import quantiles
from time import perf_counter
from typing import Any, Final
from uuid import UUID

from benchmarks.engine import rebuild_once
from benchmarks.knowledge import FOLDER, MODEL, knowledge
from benchmarks.measure import Aim, Outcome, Plan, Series, take_turns
from benchmarks.sandbox import Sandbox
from eventstore import Append, EventStore
from eventstore.connection.database import Connection, connect
from eventstore.connection.queries import load
from eventstore.encoding.vector import Vector
from eventstore.vocabulary.embedding import joined_text, text_hash
from eventstore.vocabulary.packaging import (
    KnowledgeItemAdded,
    KnowledgeItemEmbedded,
    PackageRegistered,
)
from projections.packaging import Packaging
from projections.search import search as find

__all__ = ["search"]

_SQL: Final = load("benchmarks.sql", "search.sql")
_PACKAGES: Final = 20
_QUERIES: Final = 50
_AT_ONCE: Final = 500
_NOISE: Final = 0.02
"""Standard deviation of what is added to each number of a copy; vectors have the length 1."""

_Query = tuple[str, Vector]


def search(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """The 95th percentile of the queries of each round; and how much of the nearest is found."""
    database = sandbox.database()
    items, queries, source = _material(plan.events)
    with EventStore.open(database.url) as store:
        tell(f"appending {plan.events:,} knowledge items with their embeddings")
        _fill(store, islice(items, plan.events))
        tell("rebuilding packaging")
        rebuild_once(database.url, Packaging())
        with closing(connect(database.url, role="auditor", tenant="default")) as exact:
            exact.execute(_SQL["without_index"])
            few = {"source_package_id": _package(7)}
            sides: dict[str, Callable[[], float]] = {
                "exact, by meaning": partial(_timed, queries, partial(_exact, exact)),
                "by meaning": partial(_timed, queries, partial(_by_vector, store)),
                "by meaning, among one in 20": partial(
                    _timed, queries, partial(_by_vector, store, filters=few)
                ),
                "by words": partial(_timed, queries, partial(_by_text, store)),
                "by both": partial(_timed, queries, partial(_by_both, store)),
            }
            for side in sides.values():
                side()
            floor, *ours = take_turns(plan.rounds, sides, tell)
            nearest = [_exact(exact, query) for query in queries]
        found = [_by_vector(store, query) for query in queries]
    hits = sum(len(set(one) & set(other)) for one, other in zip(found, nearest, strict=True))
    title = f"search of {plan.events:,} {source} texts of 384 dimensions"
    yield Outcome(
        name="search",
        title=f"{title}, 95th percentile",
        unit="ms",
        ours=tuple(ours),
        beside=(floor,),
        aims=tuple(Aim(series.label, "at most", 100.0) for series in ours),
    )
    recall = Series("by meaning", (hits / sum(map(len, nearest)),))
    yield Outcome(
        name="search-recall",
        title=title,
        unit="recall@10",
        ours=(recall,),
        aims=(Aim(recall.label, "at least", 0.95),),
    )


def _material(number: int) -> tuple[Iterator[_Query], list[_Query], str]:
    """Texts without end, and what is asked: real ones, and their copies with other numbers."""
    dice = random.Random(11)
    if not FOLDER.exists():
        made = [(f"text {n}", _random(dice)) for n in range(_QUERIES + 1_000)]
        return _copies(dice, made[_QUERIES:]), made[:_QUERIES], "generated"
    known = knowledge()
    items = [item["text"] for item in known.items]
    queries = [query["text"] for query in known.queries]
    return (
        _copies(dice, list(zip(items, known.vectors, strict=True))),
        list(zip(queries, known.query_vectors, strict=True))[:_QUERIES],
        "real" if number <= len(items) else "real, and copied,",
    )


def _copies(dice: random.Random, originals: list[_Query]) -> Iterator[_Query]:
    yield from originals
    while True:
        for text, vector in originals:
            yield text, Vector(number + dice.gauss(0.0, _NOISE) for number in vector)


def _random(dice: random.Random) -> Vector:
    return Vector(dice.gauss(0.0, 1.0) for _ in range(384))


def _fill(store: EventStore, items: Iterator[_Query]) -> None:
    """Through the public API: what the items say, and what it means."""
    registered = [
        PackageRegistered(package_id=_package(n), name=f"p{n}", version="1", publisher="bench")
        for n in range(_PACKAGES)
    ]
    store.append_many([Append(f"package-{each.package_id}", [each]) for each in registered])
    numbered = enumerate(items)
    while some := list(islice(numbered, _AT_ONCE)):
        store.append_many([_item(n, text, vector) for n, (text, vector) in some])


def _item(n: int, text: str, vector: Vector) -> Append:
    item, title = UUID(int=n + 1), f"item {n}"
    said = KnowledgeItemAdded(
        knowledge_item_id=item, title=title, content=text, source_package_id=_package(n)
    )
    meant = KnowledgeItemEmbedded(
        knowledge_item_id=item,
        model=MODEL,
        dimensions=len(vector),
        vector=vector,
        text_hash=text_hash(joined_text([title, text])),
    )
    return Append(f"knowledge_item-{item}", [said, meant], agent="writer")


def _package(n: int) -> UUID:
    return UUID(int=10**9 + n % _PACKAGES)


def _timed(queries: list[_Query], ask: Callable[[_Query], Any]) -> float:
    """Milliseconds that 95 of 100 queries take at most."""
    taken = []
    for query in queries:
        began = perf_counter()
        ask(query)
        taken.append((perf_counter() - began) * 1000)
    return quantiles(taken, n=20, method="inclusive")[-1]


def _exact(conn: Connection, query: _Query) -> list[UUID]:
    return [row[0] for row in conn.execute(_SQL["exact"], {"vector": str(query[1])})]


def _by_vector(store: EventStore, query: _Query, **said: Any) -> list[UUID]:
    found = find(store, "knowledge_items", vector=query[1], model=MODEL, **said)
    return [each.key[0] for each in found]


def _by_text(store: EventStore, query: _Query) -> Any:
    return find(store, "knowledge_items", _words(query))


def _by_both(store: EventStore, query: _Query) -> Any:
    return find(store, "knowledge_items", _words(query), vector=query[1], model=MODEL)


def _words(query: _Query) -> str:
    """Some words of a query, any of which will do, as somebody would type them."""
    words = [word for word in query[0].split() if word.isalpha() and len(word) > 3]
    return " or ".join(words[:4]) or "nothing"
