"""What is in the log, in numbers. Nothing is scanned but partitions, and these on request."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from psycopg.rows import dict_row

from eventstore.connection.database import Connection, Database, connect, translated
from eventstore.connection.queries import load
from eventstore.streams.counts import Counts, counts
from eventstore.upkeep.partitions import partitions

__all__ = ["LogStats", "log_stats"]

_SQL: Final = load("eventstore.sql", "stats.sql")


@dataclass(frozen=True, slots=True)
class LogStats:
    """One tenant's log in numbers."""

    tenant: str
    events: int
    streams: int
    watermark: int
    """What is counted is exact up to here."""
    first_recorded_at: datetime | None
    last_recorded_at: datetime | None
    categories: list[dict[str, Any]]
    """category, streams, events."""
    event_types: list[dict[str, Any]]
    """event_type, retention_class, events, and streams that begin with one."""
    partitions: list[dict[str, Any]]
    """name, retention_class, from_time, until_time, sealed, bytes, and the number of events:
    estimated_events, of all tenants (None: not known yet), or exact events, of this tenant."""
    appends_in_flight: list[dict[str, Any]]
    """What holds the watermark back, the oldest first."""


def log_stats(database: Database, *, exact: bool = False) -> LogStats:
    """The log in numbers; `exact` counts partitions too, which takes as long as reading them."""
    found = counts(database)
    if not exact:
        return database.read(lambda c: _stats(c, database.tenant, found, exact))
    # A count of everything may take longer than any statement of an agent should.
    patient = replace(database.limits, command=0)
    with closing(
        connect(database.url, role="auditor", tenant=database.tenant, limits=patient)
    ) as connection:
        return _stats(connection, database.tenant, found, exact)


def _stats(connection: Connection, tenant: str, found: Counts, exact: bool) -> LogStats:
    def rows(name: str, **arguments: Any) -> list[dict[str, Any]]:
        with translated(), connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(_SQL[name], {"tenant": tenant, **arguments}).fetchall()

    categories = found.of_categories()
    parts = partitions(connection)
    if exact:
        in_parts = {row["relation"]: row["events"] for row in rows("partition_counts")}
        for part in parts:
            part["events"] = in_parts.get(part["relation"], 0)
            del part["estimated_events"]
    for part in parts:
        del part["relation"]
    with translated():
        first, last = connection.execute(_SQL["ends"], {"tenant": tenant}).fetchall()[0]
    return LogStats(
        tenant=tenant,
        events=sum(each.events for each in categories),
        streams=sum(each.streams for each in categories),
        watermark=found.position,
        first_recorded_at=first,
        last_recorded_at=last,
        categories=[asdict(each) for each in categories],
        event_types=[asdict(each) for each in found.of_types()],
        partitions=parts,
        appends_in_flight=rows("appends_in_flight"),
    )
