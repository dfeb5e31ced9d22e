"""Reads by a query of types and tags: pages of the log in order, as in `read`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eventstore.connection.database import Connection, translated
from eventstore.connection.flight import fetch, fly
from eventstore.connection.queries import load
from eventstore.errors import InvalidEvent
from eventstore.query import Query
from eventstore.reading.read import PAGE, log_page, rows_at
from eventstore.reading.rows import Rows
from eventstore.registry import EventRegistry, default_registry

__all__ = ["check_alone", "query_page", "windows"]

_SQL = load("eventstore.sql", "read_query.sql")


def query_page(
    connection: Connection,
    query: Query,
    after: int,
    until: int,
    limit: int = PAGE,
    *,
    tenant: str,
    registry: EventRegistry = default_registry,
) -> Rows:
    """Up to `limit` events that the query means with after < position <= until, in order.

    A query by tags costs what it finds; one that has an item without a tag walks through the log.
    Nothing is skipped as long as `until` is at most a watermark read before.
    """
    if not any(item.tags for item in query.items):
        types = [name for item in query.items for name in item.types]
        return log_page(
            connection, tenant, after, until, limit, event_types=types, registry=registry
        )
    about = {"tenant": tenant, "query": query.as_json(), "until": until}
    with translated():
        if not query.tagged:
            asked = {**about, "after": after, "limit": limit}
            return Rows(connection, fetch(connection, _SQL["query_page"], asked), registry)
        places: list[int] = []
        wanted = limit
        while True:
            asked = {**about, "after": after, "limit": wanted}
            found = fly(connection, [(_SQL["tagged_positions"], asked)], binary=True)[0]
            places += [position for (position,) in found]
            page = rows_at(connection, places, registry=registry)
            # Some may be in a partition that was detached: a page is short only at the end.
            if len(page) == limit or len(found) < wanted:
                return page
            after, wanted = found[-1][0], limit - len(page)


def check_alone(query: Query | None, *others: Sequence[str] | None) -> None:
    """Refuses a query beside other filters: it says all by itself."""
    if query is not None and not isinstance(query, Query):
        raise InvalidEvent(f"{type(query).__name__} is no Query", path="query")
    if query is not None and any(other is not None for other in others):
        raise InvalidEvent("stands alone: name the types in it, no categories", path="query")


def windows(after: int, until: int, first: int = PAGE) -> Iterator[tuple[int, int]]:
    """Ranges of positions from `until` down to `after`, each four times as wide as the last.

    So the newest events that a query means are found without reading all that it means.
    """
    while until > after:
        begin = max(after, until - first)
        yield begin, until
        until, first = begin, first * 4
