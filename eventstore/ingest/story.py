"""A run told event by event, and put into an order in which no event comes before its cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from eventstore.append import Append
from eventstore.event import Event
from eventstore.vocabulary.trust import AgentRegistered

__all__ = ["Story", "registration"]

_UNKNOWN: Final = datetime.min.replace(tzinfo=UTC)
"""Before every time that a file can state."""


def registration(
    namespace: UUID, agent: str, persona: str, source: Mapping[str, Any], at: datetime | None
) -> Append:
    """An agent's registration: the same fact in every run, so that it belongs to none."""
    event = AgentRegistered(agent_id=agent, name=agent, persona_type=persona)
    return Append(
        f"agent-{agent}",
        [event.with_id(uuid5(namespace, f"agent/{persona}/{agent}"))],
        agent=agent,
        occurred_at=at,
        metadata={"derived": [] if at else ["occurred_at"], "source": dict(source)},
    )


class Story:
    """Collects the appends of one run, for a reader.

    Every id follows from the run and from the `place` that an event has in its file, so that the
    same file tells the same events again.
    """

    def __init__(self, run: UUID, source: Mapping[str, Any], since: datetime | None = None) -> None:
        self.run = run
        """The correlation id."""
        self.last: UUID | None = None
        """The event that comes last so far, whichever was told last."""
        self._source = source
        self._told: list[tuple[datetime, Append]] = []
        self._keys: dict[UUID, datetime] = {}
        self._latest = since or _UNKNOWN
        """When the event told last happened, or, before the first, what is known of that."""

    def id(self, place: str) -> UUID:
        """The id of what stands at that place."""
        return uuid5(self.run, place)

    def tell(
        self,
        place: str,
        stream_id: str,
        event: Event,
        at: datetime | None,
        *,
        cause: UUID | None,
        cause_is_stated: bool = False,
        agent: str | None,
        target_agent: str | None = None,
        derived: Sequence[str] = (),
        other: Mapping[str, Any] | None = None,
    ) -> UUID:
        """Adds one event and returns its id.

        Without a time (`at`) it happened when the event told before it did, as far as the file says
        when that was. A `cause` that the file does not state was concluded, and is marked so, as is
        such a time; `derived` names what else was. `other` is what the event has no field for.
        """
        event_id = self.id(place)
        derived = list(derived)
        key = self._latest if at is None else at
        if at is None:
            derived.insert(0, "occurred_at")
            at = None if key == _UNKNOWN else key
        if cause is not None:
            # Clocks of several agents differ: what was caused comes after its cause all the same.
            key = max(key, self._keys[cause])
            if not cause_is_stated:
                derived.insert(0, "causation")
        self._keys[event_id] = self._latest = key
        if self.last is None or key >= self._keys[self.last]:
            self.last = event_id
        source = {**self._source, "place": place}
        if other:
            source["other"] = dict(other)
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
                    metadata={"derived": derived, "source": source},
                ),
            )
        )
        return event_id

    def appends(self) -> list[Append]:
        """All of it in order of time; what happened at the same time in the order it was told."""
        return [append for _, append in sorted(self._told, key=lambda told: told[0])]
