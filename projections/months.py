"""The months of tables that are kept by month: made when rows need them, before these are written.

A row without its month would be refused. What is known to be there costs nothing.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Final

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from projections.projection import Projection
from projections.row import Row
from projections.session import Connection

__all__ = ["Months", "span"]

_SQL: Final = load("projections.sql", "rows.sql")


class Months:
    """Those of a projection's tables in one schema, as far as they are known to be there."""

    def __init__(self, projection: Projection, schema: str) -> None:
        self._schema = schema
        self._known: dict[type[Row], set[date]] = {
            table: set() for table in projection.tables if table.BY_MONTH is not None
        }

    def make(self, conn: Connection, rows: Iterable[Row | None]) -> None:
        """Makes the months that these rows need, as far as they are not there.

        Not in the transaction that writes the rows: to attach a partition to a table with foreign
        keys takes locks that two writers of those tables can't both have.
        """
        if not self._known:
            return
        wanted: defaultdict[type[Row], set[date]] = defaultdict(set)
        for row in rows:
            if row is not None and (column := type(row).BY_MONTH):
                wanted[type(row)].add(_month(getattr(row, column)))
        for table, months in wanted.items():
            if missing := sorted(months - self._known[table]):
                names = {"schema": self._schema, "table": table.TABLE, "months": missing}
                with translated():
                    conn.execute(_SQL["make_months"], names)
                self._known[table] |= months

    def forget(self) -> None:
        """Takes nothing for granted any more: others may have changed the tables."""
        for known in self._known.values():
            known.clear()


def span(times: Iterable[datetime]) -> tuple[datetime, datetime]:
    """The first and the last moment of the months in which these times lie, from end to end."""
    months = set(map(_month, times))
    first, last = min(months), max(months)
    last = last.replace(day=monthrange(last.year, last.month)[1])
    return datetime.combine(first, time.min, UTC), datetime.combine(last, time.max, UTC)


def _month(moment: datetime) -> date:
    """Its first day, in UTC; of one beyond the calendar that of the month which is nearest."""
    try:
        there = moment.astimezone(UTC)
    except OverflowError:
        there = moment
    return date(there.year, there.month, 1)
