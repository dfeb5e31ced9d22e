"""A look at the status for whoever asks often: at most one a second, and one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Final

from eventstore.connection.database import Limits, connect
from eventstore.errors import EventStoreError
from eventstore.schema.revision import check_schema
from projections.monitor.status import Status, status
from projections.projection import Projection

__all__ = ["Look", "Looker"]

_FRESH: Final = 1.0
"""Seconds for which an answer is given again."""
_LIMITS: Final = Limits(command=5.0, lock=1.0, connect=2.0)
"""Whoever asks for health or metrics waits for some seconds at most."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was found, or why nothing was."""

    status: Status | None
    error: EventStoreError | None


class Looker:
    """Looks over connections of its own, so that the workers never wait for it."""

    def __init__(self, url: str, projections: Sequence[Projection]) -> None:
        self._url, self._projections = url, projections
        self._mutex = Lock()
        self._found: Look | None = None
        self._at = 0.0

    def look(self) -> Look:
        """The status just now."""
        with self._mutex:
            if self._found is None or monotonic() - self._at > _FRESH:
                self._found, self._at = self._ask(), monotonic()
            return self._found

    def _ask(self) -> Look:
        try:
            with closing(
                connect(
                    self._url, role="projector", application="eventstore health", limits=_LIMITS
                )
            ) as conn:
                check_schema(conn)
                return Look(status(conn, self._projections), None)
        except EventStoreError as error:
            return Look(None, error)
