"""Reads that may be behind: how old they are, and waiting until they are not.

Whether a server is a standby, it says itself; `eventstore.watermark()` goes by that.
"""

from __future__ import annotations

from time import monotonic
from typing import Final

from eventstore.connection.database import Connection, Database, translated
from eventstore.connection.queries import load
from eventstore.errors import ReadBehind
from eventstore.reading.read import watermark

__all__ = ["read_age", "wait_for_position"]

_SQL: Final = load("eventstore.sql", "health.sql")
_LOOKS, _PAUSE = 50, 2
"""Looks of one call, and milliseconds between them: so long the server keeps a snapshot for it."""


def read_age(connection: Connection) -> float:
    """Seconds since the watermark of a standby was stored; 0 on the primary."""
    with translated():
        return float(connection.execute(_SQL["read_age"]).fetchall()[0][0])


def wait_for_position(database: Database, position: int, timeout: float) -> int:
    """The watermark as soon as it has reached a position; raises ReadBehind after `timeout` s."""
    deadline = monotonic() + timeout
    arguments = {"after": position - 1, "looks": _LOOKS, "pause": _PAUSE}

    def look(connection: Connection) -> int:
        with translated():
            return int(connection.execute(_SQL["wait_for_position"], arguments).fetchall()[0][0])

    reached = database.read(watermark)
    while reached < position:
        if monotonic() > deadline:
            raise ReadBehind(position, timeout, database.read(watermark), database.read(read_age))
        reached = database.read(look)
    return reached
