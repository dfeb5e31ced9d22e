"""Which rows an event names: the keys that its fields hold, found out once for each class."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Final, Literal, get_args, get_origin

from eventstore import Event, RecordedEvent
from projections.row import Named, Row, fields_naming

__all__ = ["Namer", "named_by", "namers_of"]

_Form = Literal["one", "parts", "list", "timed"]
"""A value in an event is a key, or its parts, or several keys, or all parts but occurred_at."""

Namer = tuple[type[Row], Callable[[Any], Any] | None, _Form]
"""A table, how to get a value from an event (None: it is the event's id), and what it is."""

_BY_ITSELF: Final = ("event_id",)


def namers_of(tables: Iterable[type[Row]], event: type[Event]) -> tuple[Namer, ...]:
    """How events of a class name rows of these tables."""
    return tuple(
        _namer(table, event, fields) for table in tables for fields in fields_naming(table, event)
    )


def named_by(namers: Iterable[Namer], event: Any, recorded: RecordedEvent) -> list[Named]:
    """The rows that one event names."""
    tenant = recorded.tenant_id
    named: list[Named] = []
    for table, value_in, form in namers:  # this runs for every event
        value: Any = recorded.event_id if value_in is None else value_in(event)
        if form == "one":
            if value is not None:
                named.append((table, (tenant, value)))
        elif form == "list":
            named += [(table, (tenant, each)) for each in value or ()]
        elif not any(part is None for part in value):
            time = (recorded.occurred_at,) if form == "timed" else ()
            named.append((table, (tenant, *value, *time)))
    return named


def _namer(table: type[Row], event: type[Event], fields: tuple[str, ...]) -> Namer:
    if fields == _BY_ITSELF:
        return table, None, "one"
    if fields[-1] == "occurred_at" and "occurred_at" not in event.model_fields:
        own = fields[:-1]
        return table, lambda said: [getattr(said, field) for field in own], "timed"
    if len(fields) > 1:
        return table, attrgetter(*fields), "parts"
    hint = event.model_fields[fields[0]].annotation
    several = any(get_origin(each) in (list, tuple) for each in (hint, *get_args(hint)))
    return table, attrgetter(fields[0]), "list" if several else "one"
