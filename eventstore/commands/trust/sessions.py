"""Sessions: when they begin, rest and end, and what must hold for what is said in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from eventstore.command import State, Timed
from eventstore.commands.event_of import event_of
from eventstore.commands.fields import AgentName
from eventstore.commands.trust.agents import Agent, agent
from eventstore.commands.trust.ids import NO_IDS, Ids
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist, NotAllowed, SessionEnded, require_move
from eventstore.vocabulary.fields import Json
from eventstore.vocabulary.trust import (
    SESSION_MOVES,
    DecisionMade,
    FindingReported,
    MessageSent,
    ReflectionRecorded,
    SessionCompleted,
    SessionExpired,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    SessionState,
    TrustMetricRecorded,
    state_after,
)

__all__ = [
    "CompleteSession",
    "ExpireSession",
    "PauseSession",
    "ResumeSession",
    "Session",
    "StartSession",
    "session",
]


@dataclass(frozen=True, slots=True)
class Session:
    """Whose session it is, how far it came, and what can be referred to in it.

    Events that the read model refuses, because they were appended past the deciders, change
    nothing here either.
    """

    agent_id: str | None = None
    """None as long as there is no such session."""
    state: SessionState = "active"
    expires_at: datetime | None = None
    messages: Ids = NO_IDS
    decisions: Ids = NO_IDS
    metrics: Ids = NO_IDS

    def after(self, event: Event) -> Self:
        if (self.agent_id is None) != isinstance(event, SessionStarted):
            return self
        match event:
            case SessionStarted():
                return replace(self, agent_id=event.agent_id, expires_at=event.expires_at)
            case MessageSent() | FindingReported() | ReflectionRecorded() if self.goes_on:
                return replace(self, messages=self.messages.and_also(event.message_id))
            case DecisionMade(agent_id=self.agent_id) if self.goes_on:
                return replace(self, decisions=self.decisions.and_also(event.decision_id))
            case TrustMetricRecorded(agent_id=self.agent_id):
                return replace(self, metrics=self.metrics.and_also(event.metric_id))
        after = state_after(event)
        return replace(self, state=after) if after in SESSION_MOVES[self.state] else self

    @property
    def goes_on(self) -> bool:
        """Whether nobody has ended it."""
        return bool(SESSION_MOVES[self.state])

    def require(self, session_id: UUID) -> str:
        """The agent whose session it is; raises DoesNotExist."""
        if self.agent_id is None:
            raise DoesNotExist("session", session_id)
        return self.agent_id

    def require_not_ended(self, session_id: UUID) -> str:
        """The agent whose session it is; raises SessionEnded when somebody has ended it."""
        agent_id = self.require(session_id)
        if not self.goes_on:
            raise SessionEnded(session_id, self.state)
        return agent_id

    def require_open(self, session_id: UUID, at: datetime) -> str:
        """The agent whose session it is; raises SessionEnded when its time is over, too."""
        agent_id = self.require_not_ended(session_id)
        if self.expires_at is not None and self.expires_at <= at:
            raise SessionEnded(session_id, "expired", self.expires_at.isoformat())
        return agent_id

    def require_of(self, session_id: UUID, agent_id: str) -> None:
        """Raises DoesNotExist, or NotAllowed when it is another agent's."""
        own = self.require(session_id)
        if own != agent_id:
            raise NotAllowed(f"session {session_id} is {own}'s; {agent_id} needs one of its own")


def session(session_id: UUID) -> dict[str, State]:
    """The stream of a session."""
    return {f"session-{session_id}": Session()}


class StartSession(Timed):
    """Begins a session of an active agent."""

    session_id: UUID
    agent_id: AgentName
    user_id: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    trust_level: Annotated[int, Field(ge=0, le=4)] | None = None
    """How far it is trusted in this session; null: as far as its standing goes then."""
    context: Json = Field(default_factory=dict)
    metadata: Json = Field(default_factory=dict)
    expires_at: AwareDatetime | None = None
    """After `at`; null for a session that lasts until it is ended."""

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.expires_at is not None and self.expires_at <= self.at:
            raise ValueError(f"expires_at {self.expires_at} is not after at, {self.at}")
        return self

    def reads(self) -> dict[str, State]:
        return session(self.session_id) | agent(self.agent_id)

    def decide(self, session: Session, agent: Agent) -> Event:
        if session.agent_id is not None:
            raise AlreadyExists("session", self.session_id)
        agent.require_active(self.agent_id)
        return event_of(SessionStarted, self)


class _MoveSession(Timed):
    says: ClassVar[type[Event]]
    session_id: UUID

    def reads(self) -> dict[str, State]:
        return session(self.session_id)

    def decide(self, session: Session) -> Event:
        session.require_open(self.session_id, self.at)
        event = event_of(self.says, self)
        wanted = state_after(event)
        assert wanted is not None, "these events move a session"
        require_move("session", self.session_id, SESSION_MOVES, session.state, wanted)
        return event


class PauseSession(_MoveSession):
    """Lets an active session wait; messages and decisions are still possible."""

    says = SessionPaused


class ResumeSession(_MoveSession):
    """Lets a paused session go on."""

    says = SessionResumed


class CompleteSession(_MoveSession):
    """Ends a session, because its work is done or given up; one whose time is over expires."""

    says = SessionCompleted


class ExpireSession(_MoveSession):
    """Ends a session whose time is over: that it was given, or, for one without, that is now."""

    says = SessionExpired

    def decide(self, session: Session) -> Event:
        session.require_not_ended(self.session_id)
        if session.expires_at is not None and session.expires_at > self.at:
            raise NotAllowed(
                f"session {self.session_id} lasts until {session.expires_at.isoformat()}; "
                "complete it instead"
            )
        return event_of(SessionExpired, self)
