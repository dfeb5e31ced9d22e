"""Sessions: the runs in which agents speak and decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from eventstore.event import Event
from eventstore.vocabulary.fields import AgentId, Json, Moment

__all__ = [
    "SESSION_MOVES",
    "SessionCompleted",
    "SessionExpired",
    "SessionPaused",
    "SessionResumed",
    "SessionStarted",
    "SessionState",
    "state_after",
]

SessionState = Literal["active", "paused", "completed", "expired"]

SESSION_MOVES: Final[Mapping[SessionState, frozenset[SessionState]]] = {
    "active": frozenset({"paused", "completed", "expired"}),
    "paused": frozenset({"active", "completed", "expired"}),
    "completed": frozenset(),
    "expired": frozenset(),
}
"""What may follow each state; a session that is completed or expired is over."""


class SessionStarted(Event, event_type="trust.session_started"):
    """An agent begins a run of messages and decisions, for a user or on its own."""

    session_id: UUID
    agent_id: AgentId
    user_id: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    trust_level: Annotated[int, Field(ge=0, le=4)] | None = None
    """How far it is trusted in this session; null: as far as its standing goes then."""
    context: Json = Field(default_factory=dict)
    metadata: Json = Field(default_factory=dict)
    expires_at: Moment | None = None


class SessionPaused(Event, event_type="trust.session_paused"):
    """An active session waits."""

    session_id: UUID


class SessionResumed(Event, event_type="trust.session_resumed"):
    """A paused session goes on."""

    session_id: UUID


class SessionCompleted(Event, event_type="trust.session_completed"):
    """A session is over, because its work is done or given up."""

    session_id: UUID


class SessionExpired(Event, event_type="trust.session_expired"):
    """A session is over, because its time is."""

    session_id: UUID


_STATES: Final[Mapping[type[Event], SessionState]] = {
    SessionPaused: "paused",
    SessionResumed: "active",
    SessionCompleted: "completed",
    SessionExpired: "expired",
}


def state_after(event: Event) -> SessionState | None:
    """The state that an event moves its session to; None for an event that is no move."""
    return _STATES.get(type(event))
