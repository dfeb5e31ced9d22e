"""What the agents of one run say and decide, in the words of trust.

Each agent has a session. A call of a tool is a decision: what it is given is the action, and what
the agent says with it the rationale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from eventstore.event import Event
from eventstore.ingest.story import Story
from eventstore.vocabulary.trust import (
    DecisionFeedbackGiven,
    DecisionMade,
    DecisionOutcomeKnown,
    Feedback,
    MessageRole,
    MessageSent,
    MessageType,
    Outcome,
    SessionCompleted,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    TrustMetricRecorded,
)

__all__ = ["Conversation"]


class Conversation:
    """A run that is being told; each event follows from the one told before it, unless stated."""

    def __init__(self, story: Story, agent: str) -> None:
        self.story, self.agent = story, agent
        """The agent is whoever acts where the file names nobody."""
        self.last: UUID | None = None
        """The event told last."""
        self.marks: Sequence[str] = ()
        """What is derived of every event that is told now."""
        self._sessions: dict[str, UUID] = {}
        self._deciders: dict[UUID, str] = {}

    @property
    def agents(self) -> list[str]:
        """Who has a session."""
        return list(self._sessions)

    def join(
        self,
        agent: str,
        at: datetime | None = None,
        *,
        context: Mapping[str, Any] | None = None,
        user_id: str | None = None,
    ) -> None:
        """An agent's session begins."""
        session = self._sessions[agent] = self.story.id(f"session/{agent}")
        started = SessionStarted(
            session_id=session, agent_id=agent, user_id=user_id, context=dict(context or {})
        )
        self.tell(f"session/{agent}/started", f"session-{session}", started, at, agent=agent)

    def say(
        self,
        place: str,
        role: MessageRole,
        content: str,
        at: datetime | None = None,
        *,
        speaker: str,
        session_of: str | None = None,
        target: str | None = None,
        form: MessageType = "text",
        model: str | None = None,
        tokens: int | None = None,
        cause: UUID | None = None,
        derived: Sequence[str] = (),
        other: Mapping[str, Any] | None = None,
    ) -> UUID:
        """A message, in the session of its speaker or of who is spoken to; `cause` is stated."""
        session = self._sessions[session_of or speaker]
        message = MessageSent(
            message_id=self.story.id(place),
            session_id=session,
            role=role,
            content=content,
            message_type=form,
            model_used=model,
            tokens_used=tokens,
        )
        return self.tell(
            place, f"session-{session}", message, at,
            agent=speaker, target=target, cause=cause, derived=derived, other=other,
        )  # fmt: skip

    def decide(
        self,
        place: str,
        kind: str,
        action: Mapping[str, Any],
        at: datetime | None = None,
        *,
        rationale: str = "",
        agent: str | None = None,
        context: Mapping[str, Any] | None = None,
        milliseconds: int | None = None,
        target: str | None = None,
        cause: UUID | None = None,
        derived: Sequence[str] = (),
        other: Mapping[str, Any] | None = None,
    ) -> UUID:
        """What an agent chose to do; the rationale is empty when it gave none."""
        agent = agent or self.agent
        session = self._sessions[agent]
        decision = DecisionMade(
            decision_id=self.story.id(place),
            session_id=session,
            agent_id=agent,
            decision_type=kind,
            input_context=dict(context or {}),
            rationale=rationale,
            action=dict(action),
            execution_time_ms=milliseconds,
        )
        self._deciders[decision.decision_id] = agent
        return self.tell(
            place, f"session-{session}", decision, at,
            agent=agent, target=target, cause=cause, derived=derived, other=other,
        )  # fmt: skip

    def turned_out(
        self,
        decision: UUID,
        outcome: Outcome,
        reason: str | None,
        at: datetime | None = None,
        *,
        agent: str,
        derived: Sequence[str] = (),
    ) -> None:
        """How good a decision was, as `agent` knows."""
        decider = self._deciders[decision]
        session = self._sessions[decider]
        known = DecisionOutcomeKnown(
            decision_id=decision,
            session_id=session,
            agent_id=decider,
            outcome=outcome,
            reason=reason,
        )
        self.tell(
            f"outcome/{decision}", f"session-{session}", known, at, agent=agent, derived=derived
        )

    def judge(self, decision: UUID, feedback: Feedback, reason: str | None, *, agent: str) -> None:
        """What `agent`, or whoever speaks under that name, thinks of a decision."""
        decider = self._deciders[decision]
        session = self._sessions[decider]
        given = DecisionFeedbackGiven(
            decision_id=decision,
            session_id=session,
            agent_id=decider,
            feedback=feedback,
            reason=reason,
        )
        self.tell(f"feedback/{decision}", f"session-{session}", given, agent=agent)

    def measure(
        self,
        place: str,
        share: float,
        basis: str,
        at: datetime | None = None,
        *,
        agent: str,
    ) -> None:
        """A result between 0 and 1 as the agent's accuracy in percent."""
        session = self._sessions[self.agent]
        metric = TrustMetricRecorded(
            metric_id=self.story.id(place),
            session_id=session,
            agent_id=self.agent,
            metric_type="accuracy",
            metric_value=round(100 * share, 6),
            measurement_context={"basis": basis},
        )
        self.tell(place, f"session-{session}", metric, at, agent=agent, derived=["metric"])

    def pause(self, place: str, at: datetime | None = None) -> None:
        """The agent waits."""
        self._move(place, SessionPaused(session_id=self._sessions[self.agent]), at)

    def resume(self, place: str, at: datetime | None = None) -> None:
        """The agent goes on."""
        self._move(place, SessionResumed(session_id=self._sessions[self.agent]), at)

    def _move(self, place: str, event: SessionPaused | SessionResumed, at: datetime | None) -> None:
        self.tell(place, f"session-{event.session_id}", event, at, agent=self.agent)

    def leave(self, at: datetime | None = None) -> None:
        """All sessions are over."""
        for agent, session in self._sessions.items():
            completed = SessionCompleted(session_id=session)
            stream = f"session-{session}"
            self.tell(f"session/{agent}/ended", stream, completed, at, agent=agent)

    def tell(
        self,
        place: str,
        stream: str,
        event: Event,
        at: datetime | None = None,
        *,
        agent: str | None = None,
        target: str | None = None,
        cause: UUID | None = None,
        derived: Sequence[str] = (),
        other: Mapping[str, Any] | None = None,
    ) -> UUID:
        """Any event, after the one told before it, unless its `cause` is stated."""
        derived = [*derived, *([] if agent else ["agent"]), *self.marks]
        self.last = self.story.tell(
            place, stream, event, at,
            cause=cause or self.last, cause_is_stated=cause is not None,
            agent=agent or self.agent, target_agent=target, derived=derived, other=other,
        )  # fmt: skip
        return self.last
