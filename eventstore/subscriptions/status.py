"""How far subscriptions are, and what they have parked; functions of a reader's connection."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from psycopg.rows import dict_row

from eventstore.connection.database import Connection, translated
from eventstore.connection.queries import load

__all__ = ["ParkedEvent", "SubscriptionStatus", "consumers", "parked", "resolved", "status"]

_SQL: Final = load("eventstore.sql", "subscriptions.sql")


@dataclass(frozen=True, slots=True)
class SubscriptionStatus:
    """A subscription as it is now: its definition, and how far it is."""

    name: str
    event_types: list[str] | None
    categories: list[str] | None
    correlation_id: UUID | None
    tags: list[str] | None
    after_parked: Literal["wait", "pass"]
    max_attempts: int
    retry_seconds: float
    lease_seconds: float
    max_unsettled: int
    start_position: int
    """It delivers what is after this position."""
    read_position: int
    """The log was read up to here."""
    checkpoint: int
    """Every event of the filter up to here is acknowledged or discarded."""
    unread: int
    """Positions from read_position to the watermark."""
    held: int
    """Deliveries that consumers have in hands."""
    waiting: int
    """Deliveries that wait for a consumer, or for their next attempt."""
    parked: int
    """Events that were set aside."""
    behind_parked: int
    """Later events of the streams of parked ones."""
    consumers: int
    """Consumers whose lease is not over."""
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """An event that a subscription set aside."""

    subscription: str
    position: int
    stream_id: str
    event_id: UUID | None
    """None when the event is not in the log any more."""
    event_type: str | None
    reason: str
    error: str | None
    """The traceback, or what the command said."""
    attempts: int
    parked_at: datetime
    parked_by: str
    """The consumer that had it."""
    waiting: int
    """Later events of its stream that wait behind it."""


def status(
    connection: Connection, tenant: str, name: str | None = None
) -> list[SubscriptionStatus]:
    """One subscription, or all, in order of their names."""
    rows = _rows(connection, "status", {"tenant": tenant, "name": name})
    return [SubscriptionStatus(**row) for row in rows]


def consumers(connection: Connection, tenant: str, name: str) -> list[dict[str, Any]]:
    """Those who have a lease on a subscription: who, since when, last sign of life, how much."""
    return _rows(connection, "consumers", {"tenant": tenant, "name": name})


def parked(
    connection: Connection,
    tenant: str,
    name: str,
    *,
    position: int | None = None,
    after: int = 0,
    limit: int = 1000,
) -> list[ParkedEvent]:
    """What a subscription has set aside, in order of position, or the event at a position."""
    wanted = {"tenant": tenant, "name": name, "position": position, "after": after, "limit": limit}
    return [ParkedEvent(**row) for row in _rows(connection, "parked", wanted)]


def resolved(connection: Connection, tenant: str, name: str, position: int) -> list[dict[str, Any]]:
    """What became of an event whenever it was parked before."""
    return _rows(connection, "resolved", {"tenant": tenant, "name": name, "position": position})


def _rows(connection: Connection, query: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    with translated(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SQL[query], values).fetchall()
