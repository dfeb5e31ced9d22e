"""What is in the log, in numbers: cheap ones at once, exact ones on request."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from psycopg.rows import dict_row

from eventstore import read
from eventstore.database import Connection, Database, connect, translated
from eventstore.partitions import partitions
from eventstore.queries import load

__all__ = ["SAMPLE_EVENTS", "LogStats", "log_stats"]

SAMPLE_EVENTS: Final = 200_000
"""A log with more events than this is sampled, unless exact numbers are asked for."""

_SQL: Final = load("eventstore.sql", "stats.sql")


@dataclass(frozen=True, slots=True)
class LogStats:
    """One tenant's log in numbers."""

    tenant: str
    events: int
    """Exact, like those of the categories: they come from the streams' versions."""
    streams: int
    watermark: int
    first_recorded_at: datetime | None
    last_recorded_at: datetime | None
    categories: list[dict[str, Any]]
    """category, streams, events."""
    event_types: list[dict[str, Any]]
    """event_type, retention_class, events."""
    sampled_percent: float | None
    """The part of the log that event_types are projected from; None when all of it was counted."""
    partitions: list[dict[str, Any]]
    """name, retention_class, from_time, until_time, sealed, bytes, and the number of events:
    estimated_events, of all tenants (None: not known yet), or exact events, of this tenant."""
    appends_in_flight: list[dict[str, Any]]
    """What holds the watermark back, the oldest first."""


def log_stats(database: Database, *, exact: bool = False) -> LogStats:
    """The log in numbers; `exact` counts all events, which takes as long as reading them."""
    if not exact:
        return database.read(lambda connection: _stats(connection, database.tenant, exact))
    # A count of everything may take longer than any statement of an agent should.
    patient = replace(database.limits, command=0)
    with closing(
        connect(database.url, role="auditor", tenant=database.tenant, limits=patient)
    ) as connection:
        return _stats(connection, database.tenant, exact)


def _stats(connection: Connection, tenant: str, exact: bool) -> LogStats:
    def rows(name: str, **arguments: Any) -> list[dict[str, Any]]:
        with translated(), connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(_SQL[name], {"tenant": tenant, **arguments}).fetchall()

    categories = rows("categories")
    events = sum(row["events"] for row in categories)
    percent = None if exact or events <= SAMPLE_EVENTS else 100 * SAMPLE_EVENTS / events
    if percent is None:
        event_types = rows("event_types")
    else:
        event_types = _projected(rows("event_types_sampled", percent=percent), events)
    parts = partitions(connection)
    if exact:
        counts = {row["relation"]: row["events"] for row in rows("partition_counts")}
        for part in parts:
            part["events"] = counts.get(part["relation"], 0)
            del part["estimated_events"]
    for part in parts:
        del part["relation"]
    with translated():
        first, last = connection.execute(_SQL["ends"], {"tenant": tenant}).fetchall()[0]
    return LogStats(
        tenant=tenant,
        events=events,
        streams=sum(row["streams"] for row in categories),
        watermark=read.watermark(connection),
        first_recorded_at=first,
        last_recorded_at=last,
        categories=categories,
        event_types=event_types,
        sampled_percent=percent,
        partitions=parts,
        appends_in_flight=rows("appends_in_flight"),
    )


def _projected(sample: list[dict[str, Any]], events: int) -> list[dict[str, Any]]:
    """The sample's numbers in proportion to the whole, which is known exactly."""
    seen = sum(row["events"] for row in sample)
    return [{**row, "events": round(row["events"] * events / seen)} for row in sample]
