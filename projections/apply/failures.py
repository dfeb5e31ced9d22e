"""What is held, as an operator looks at it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from eventstore import RecordedEvent
from eventstore.connection.database import translated
from eventstore.connection.queries import load
from eventstore.reading.read import events_at
from projections.errors import NotHeld
from projections.projection import Projection
from projections.session import Connection

__all__ = ["Failure", "HeldEvent", "Waiting", "failures", "held_event"]

_SQL: Final = load("projections.sql", "failures.sql")


@dataclass(frozen=True, slots=True)
class Failure:
    """An event that a projection could not apply."""

    projection: str
    position: int
    tenant_id: str
    event_id: UUID
    event_type: str
    stream_id: str
    origin: str
    """What objected: payload, rules or database."""
    error: str
    attempts: int
    held_at: datetime
    tried_at: datetime
    retry_at: datetime | None
    """When it is tried again by itself; None when only a person can help."""
    waiting: int
    """How many events wait for it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that waits for one that failed."""

    position: int
    event_type: str
    stream_id: str


@dataclass(frozen=True, slots=True)
class HeldEvent:
    """All about one event that is held: one that failed, or one that waits."""

    projection: str
    position: int
    tenant_id: str
    event_id: UUID
    event_type: str
    stream_id: str
    behind: int | None
    """Position of the failed event that it waits for; None when it failed itself."""
    origin: str | None
    error: str | None
    traceback: str | None
    attempts: int
    held_at: datetime
    tried_at: datetime | None
    retry_at: datetime | None
    keys: list[list[Any]]
    """The rows that it names: table, tenant, and the columns of the key."""
    event: RecordedEvent | None
    """As the log has it; None when its partition was detached."""
    waiting: list[Waiting]
    """What waits for it, in order."""


def failures(conn: Connection, projections: Iterable[Projection]) -> list[Failure]:
    """What has failed in the live tables, in order of projection and position."""
    facts = {"projections": [projection.name for projection in projections]}
    with translated():
        return [Failure(*row) for row in conn.execute(_SQL["listed"], facts)]


def held_event(conn: Connection, projection: Projection, position: int) -> HeldEvent:
    """One event that is held; raises NotHeld."""
    facts = {"projection": projection.name, "position": position}
    with translated():
        row = conn.execute(_SQL["one"], facts).fetchone()
        if row is None:
            raise NotHeld(projection.name, position)
        waiting = [Waiting(*each) for each in conn.execute(_SQL["waiting"], facts)]
    *about, keys = row
    event = next(iter(events_at(conn, [position])), None)
    return HeldEvent(*(*about, [orjson.loads(key) for key in keys], event, waiting))
