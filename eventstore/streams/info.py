"""What is known of one stream as a whole."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from eventstore.connection.database import Connection, translated
from eventstore.connection.queries import load

__all__ = ["StreamInfo", "stream_info"]

_SQL: Final = load("eventstore.sql", "streams.sql")


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """A stream, its ends, and what was said of it as a whole."""

    stream_id: str
    category: str
    stream_version: int
    """How many events it has."""
    first_recorded_at: datetime | None
    """When its first event was recorded; None when that lies in a partition that was detached."""
    last_recorded_at: datetime | None
    last_position: int | None
    """Place of its last event in the whole log."""
    closed_at: datetime | None
    """Since when it takes no more events; None while it does."""
    closed_by: str | None
    """The agent that closed it."""
    closed_because: str | None
    """The reason that was given."""
    description: dict[str, Any] | None
    """What it was described with last; None when it never was."""

    @property
    def closed(self) -> bool:
        """Whether appends to it are refused."""
        return self.closed_at is not None

    def as_json(self) -> dict[str, Any]:
        """Every field, for `--json`."""
        return asdict(self)


def stream_info(connection: Connection, tenant: str, stream_id: str) -> StreamInfo | None:
    """What is known of a stream; None when it does not exist."""
    with translated():
        row = connection.execute(
            _SQL["info"], {"tenant": tenant, "stream_id": stream_id}, binary=True
        ).fetchone()
    if row is None:
        return None
    version, closed_at, first, last, position, closed_by, closing, describing = row
    return StreamInfo(
        stream_id=stream_id,
        category=stream_id.partition("-")[0],
        stream_version=version,
        first_recorded_at=first,
        last_recorded_at=last,
        last_position=position,
        closed_at=closed_at,
        closed_by=closed_by,
        closed_because=closing and orjson.loads(closing).get("reason"),
        description=describing and orjson.loads(describing)["description"],
    )
