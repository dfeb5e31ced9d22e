"""Which events are meant: by type and by tag. Pure; the same for reading and for conditions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

import orjson

from eventstore.errors import InvalidEvent
from eventstore.event import Event
from eventstore.limits import MAX_ITEMS, MAX_NAME, MAX_TAG, MAX_TAGS, MAX_TYPES
from eventstore.names import check_name

__all__ = ["Item", "Query"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """Events of one of these types that have all of these tags; both sorted, each once."""

    types: tuple[str, ...]
    """None of them means any type."""
    tags: tuple[str, ...]
    """None of them means whatever the tags."""

    def __str__(self) -> str:
        said = " or ".join(self.types) or "any type"
        return f"{said} tagged {' and '.join(self.tags)}" if self.tags else said


@dataclass(frozen=True, slots=True, init=False)
class Query:
    """Events of one of some `types` (classes or names) that have all of some `tags`.

        Query(types=[SeatTaken, SeatFreed], tags=["hall:1", "seat:7"])
        Query(tags=["hall:1"]) | Query(tags=["seat:7"])

    `Query.any` and `|` mean the events that any of several queries means. Two queries that say the
    same are equal. Raises InvalidEvent for what is neither a type nor a tag, and when neither is
    given: that would be every event.
    """

    items: tuple[Item, ...]
    """Sorted, each once."""

    def __init__(
        self, *, types: Iterable[type[Event] | str] = (), tags: Iterable[str] = ()
    ) -> None:
        item = Item(
            tuple(sorted({_type_name(each) for each in _several(types, "types")})),
            tuple(sorted({_tag(each) for each in _several(tags, "tags")})),
        )
        if not (item.types or item.tags):
            raise InvalidEvent("names neither a type nor a tag, so it means all", path="query")
        _limit(item.types, MAX_TYPES, "types")
        _limit(item.tags, MAX_TAGS, "tags")
        object.__setattr__(self, "items", (item,))

    @classmethod
    def any(cls, *queries: Query) -> Self:
        """The events that at least one of the queries means; raises InvalidEvent for none."""
        items = tuple(sorted({item for query in queries for item in query.items}))
        if not items:
            raise InvalidEvent("no query to choose from", path="query")
        _limit(items, MAX_ITEMS, "items")
        made = object.__new__(cls)
        object.__setattr__(made, "items", items)
        return made

    def __or__(self, other: Query) -> Query:
        return Query.any(self, other) if isinstance(other, Query) else NotImplemented

    def __str__(self) -> str:
        return ", or ".join(map(str, self.items))

    @property
    def tagged(self) -> bool:
        """Whether it can be answered by tags alone: every item has one."""
        return all(item.tags for item in self.items)

    def matches(self, event_type: str, tags: Iterable[str]) -> bool:
        """Whether it means an event of that type with these tags."""
        has = frozenset(tags)
        return any(
            (not item.types or event_type in item.types) and has.issuperset(item.tags)
            for item in self.items
        )

    def as_json(self) -> str:
        """As the database takes it: an array of items; what an item leaves open is null."""
        return orjson.dumps(
            [{"types": item.types or None, "tags": item.tags or None} for item in self.items]
        ).decode()


def _several(values: Iterable[T], path: str) -> Iterable[T]:
    if isinstance(values, str | bytes | type) or not isinstance(values, Iterable):
        raise InvalidEvent("must be a list", path=f"query.{path}")
    return values


def _type_name(named: type[Event] | str) -> str:
    if isinstance(named, type) and issubclass(named, Event):
        named = named.event_type
    check_name(named, "query.types", MAX_NAME)
    return str(named)


def _tag(tag: str) -> str:
    check_name(tag, "query.tags", MAX_TAG)
    return tag


def _limit(values: Sequence[object], limit: int, path: str) -> None:
    if len(values) > limit:
        raise InvalidEvent(f"{len(values)} {path}, the limit is {limit}", path="query")
