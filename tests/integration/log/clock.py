"""A clock that can be set: the log's functions are made anew with another idea of the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from eventstore.connection.database import Connection

_CLOCK: Final = "clock_timestamp()"


class Clock:
    """The time of the log's functions. Months are counted from this one, which is 0."""

    def __init__(self, admin: Connection) -> None:
        self._admin = admin
        self._definitions = [
            row[0]
            for row in admin.execute(
                "SELECT pg_get_functiondef(oid) FROM pg_proc "
                "WHERE pronamespace = 'eventstore'::regnamespace AND prosrc LIKE %s",
                [f"%{_CLOCK}%"],
            )
        ]
        assert len(self._definitions) >= 4

    def set(self, month: int, *, minutes: int = 60 * 24) -> None:
        """Lets every function believe that it is so many minutes into that month."""
        moment = self.begin(month) + timedelta(minutes=minutes)
        for definition in self._definitions:
            self._admin.execute(definition.replace(_CLOCK, f"timestamptz '{moment.isoformat()}'"))

    def begin(self, month: int) -> datetime:
        """When a month begins."""
        now = datetime.now(UTC)
        years, rest = divmod(now.month - 1 + month, 12)
        return datetime(now.year + years, rest + 1, 1, tzinfo=UTC)

    def month(self, month: int) -> str:
        """A month as it stands in the names of partitions."""
        return self.begin(month).strftime("%Y_%m")
