"""A run told event by event, and put into an order in which no event comes before its cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from eventstore.append import Append
from eventstore.event import Event

__all__ = ["Story"]


class Story:
    """Collects the appends of one run, for a reader.

    Every id follows from the run and from the `place` that an event has in its file, so that the
    same file tells the same events again.
    """

    def __init__(self, run: UUID, source: Mapping[str, Any]) -> None:
        self.run = run
        """The correlation id."""
        self.last: UUID | None = None
        """The event that comes last so far, whichever was told last."""
        self._source = source
        self._told: list[tuple[datetime, Append]] = []
        self._keys: dict[UUID, datetime] = {}

    def id(self, place: str) -> UUID:
        """The id of what stands at that place."""
        return uuid5(self.run, place)

    def tell(
        self,
        place: str,
        stream_id: str,
        event: Event,
        at: datetime,
        *,
        cause: UUID | None,
        agent: str | None,
        target_agent: str | None = None,
        derived: Sequence[str] = (),
        other: Mapping[str, Any] | None = None,
    ) -> UUID:
        """Adds one event and returns its id.

        `cause` was concluded, not stated by the file, and is marked so; `derived` names what else
        was. `other` is what the event has no field for.
        """
        event_id = self.id(place)
        # Clocks of several agents differ: what was caused comes after its cause all the same.
        key = at if cause is None else max(at, self._keys[cause])
        self._keys[event_id] = key
        if self.last is None or key >= self._keys[self.last]:
            self.last = event_id
        source = {**self._source, "place": place}
        if other:
            source["other"] = dict(other)
        concluded = [*(["causation"] if cause is not None else []), *derived]
        self._told.append(
            (
                key,
                Append(
                    stream_id,
                    [event.with_id(event_id)],
                    agent=agent,
                    target_agent=None if target_agent == agent else target_agent,
                    correlation_id=self.run,
                    causation_id=cause,
                    occurred_at=at,
                    metadata={"derived": concluded, "source": source},
                ),
            )
        )
        return event_id

    def appends(self) -> list[Append]:
        """All of it in order of time; what happened at the same time in the order it was told."""
        return [append for _, append in sorted(self._told, key=lambda told: told[0])]
