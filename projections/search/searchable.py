"""Which tables can be searched, and which event gives a row of each its embedding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from eventstore.vocabulary.embedding import Embedded
from projections.catalogue import PROJECTIONS, all_projections
from projections.errors import UnknownTable
from projections.projection import Projection
from projections.row import Row, fields_naming

__all__ = ["Searchable", "searchable", "searchables"]


@dataclass(frozen=True, slots=True)
class Searchable:
    """A table whose rows are found by their text."""

    projection: str
    table: type[Row]
    event: type[Embedded]
    fields: tuple[str, ...]
    """Those of the event that name the row, in the order of its key."""

    @property
    def more(self) -> list[str]:
        """Further fields of the event, with the values of the row's columns of these names."""
        own = self.event.model_fields.keys() - Embedded.model_fields.keys()
        return sorted(own.difference(self.fields))

    @property
    def title(self) -> str | None:
        """The column with a title; None when there is only what it would stand above."""
        return self.table.SEARCHED[0] if len(self.table.SEARCHED) > 1 else None

    @property
    def body(self) -> str:
        """The column with the text itself."""
        return self.table.SEARCHED[-1]


def searchables(projection: Projection) -> list[Searchable]:
    """The searchable tables of a projection: with columns to search, and a rule for embeddings."""
    return list(_searchables(projection))


def searchable(name: str) -> Searchable:
    """The searchable table of that name; raises UnknownTable.

    Other packages are loaded only if it is none of ours.
    """
    known = _by_name(PROJECTIONS)
    if name not in known:
        known = _by_name(all_projections())
    if name not in known:
        raise UnknownTable(name, sorted(known), "searchable table")
    return known[name]


def _by_name(projections: Iterable[Projection]) -> dict[str, Searchable]:
    return {each.table.TABLE: each for one in projections for each in _searchables(one)}


def _searchables(projection: Projection) -> Iterator[Searchable]:
    events = [event for event in projection.handlers if issubclass(event, Embedded)]
    for table in projection.tables:
        for event in events:
            naming = fields_naming(table, event)
            if table.SEARCHED and naming:
                yield Searchable(projection.name, table, event, naming[0])
                break
