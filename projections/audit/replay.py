"""Read models as they were: the same fold, up to an earlier position."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, get_type_hints

from pydantic import TypeAdapter, ValidationError

from eventstore import RecordedEvent
from eventstore.connection.database import translated
from eventstore.connection.queries import load
from eventstore.errors import ConfigurationError
from eventstore.reading.read import watermark
from projections.apply.held_rows import for_replay
from projections.apply.holding import Held
from projections.audit.fold import fold
from projections.catalogue import PROJECTIONS, all_projections
from projections.errors import NoSuchRow, UnknownTable
from projections.projection import Projection, State
from projections.row import Key, Row
from projections.session import Connection

__all__ = ["RowAsOf", "owner_of", "parse_key", "position_at", "row_as_of", "state_as_of"]

_SQL: Final = load("projections.sql", "replay.sql")


@dataclass(frozen=True, slots=True)
class RowAsOf:
    """A row as it was at `position`, and the events up to there that touched it, in order."""

    row: Row
    position: int
    events: tuple[RecordedEvent, ...]
    held: tuple[Held, ...]
    """Events that name the row and can't be applied, or wait; they are not in the row."""


def position_at(conn: Connection, at: int | datetime) -> int:
    """A position as it is, capped by the watermark; a time as the last position recorded by then.

    A time without a zone is UTC.
    """
    mark = watermark(conn)
    if isinstance(at, int):
        return min(at, mark)
    with translated():
        found = conn.execute(_SQL["position_at"], {"moment": at, "until": mark}).fetchone()
    assert found is not None, "coalesce answers"
    return int(found[0])


def state_as_of(
    conn: Connection, projection: Projection, at: int | datetime, *, tenant: str | None = None
) -> State:
    """Every row of a projection as it was, of one tenant or of all that the connection may see.

    What the rules refuse is held, as by the live projection.
    """
    state, holding = projection.empty(), for_replay(conn, projection, tenant=tenant)
    for _ in fold(conn, projection, state, holding, until=position_at(conn, at), tenant=tenant):
        pass
    return state


def row_as_of(
    conn: Connection,
    table: str,
    key: tuple[Any, ...],
    at: int | datetime,
    *,
    tenant: str,
    projections: tuple[Projection, ...] | None = None,
) -> RowAsOf:
    """One row as it was; `key` holds the key columns without the tenant.

    Raises UnknownTable or NoSuchRow.
    """
    projection, row_type = owner_of(table, projections)
    wanted: tuple[type[Row], Key] = (row_type, (tenant, *key))
    position = position_at(conn, at)
    state, holding = projection.empty(), for_replay(conn, projection, tenant=tenant)
    made_by: list[RecordedEvent] = []
    held: list[Held] = []
    for recorded, outcome in fold(conn, projection, state, holding, until=position, tenant=tenant):
        if isinstance(outcome, Held):
            held += [outcome] if outcome.names(*wanted) else []
        elif wanted in outcome:
            made_by.append(recorded)
    row = state[row_type].get(wanted[1])
    if row is None:
        raise NoSuchRow(table, key, position, held=[each.recorded.position for each in held])
    return RowAsOf(row, position, tuple(made_by), tuple(held))


def owner_of(
    table: str, projections: tuple[Projection, ...] | None = None
) -> tuple[Projection, type[Row]]:
    """The projection that builds a table, and the type of its rows; raises UnknownTable.

    By default it is looked for in all, and other packages are loaded only if it is none of ours.
    """
    known = _tables(PROJECTIONS if projections is None else projections)
    if table not in known and projections is None:
        known = _tables(all_projections())
    if table not in known:
        raise UnknownTable(table, sorted(known))
    return known[table]


def _tables(projections: Iterable[Projection]) -> dict[str, tuple[Projection, type[Row]]]:
    return {
        row_type.TABLE: (projection, row_type)
        for projection in projections
        for row_type in projection.tables
    }


def parse_key(row_type: type[Row], text: str) -> tuple[Any, ...]:
    """The key in `text`, its columns separated by commas; raises ConfigurationError."""
    parts, hints = text.split(",", len(row_type.KEY) - 1), get_type_hints(row_type)
    shape = ",".join(column.upper() for column in row_type.KEY)
    if len(parts) != len(row_type.KEY):
        raise ConfigurationError("KEY", f"the key of {row_type.TABLE} is {shape}, got {text!r}")
    try:
        return tuple(
            TypeAdapter(hints[column]).validate_python(part.strip())
            for column, part in zip(row_type.KEY, parts, strict=True)
        )
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"]
        raise ConfigurationError(
            "KEY", f"the key of {row_type.TABLE} is {shape}, got {text!r}: {reason}"
        ) from error
