"""Decisions of agents, and how they are judged and measured.

A decision is made in an open session, by the active agent whose session it is. What is said of it
may come later than the end of the session.
"""

from __future__ import annotations

from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from eventstore.command import Command, State, Timed
from eventstore.commands.event_of import event_of
from eventstore.commands.fields import AgentName
from eventstore.commands.trust.agents import Agent, agent
from eventstore.commands.trust.sessions import Session, session
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist
from eventstore.vocabulary.fields import Json, Milliseconds, Share, Word
from eventstore.vocabulary.trust import (
    DecisionFeedbackGiven,
    DecisionMade,
    DecisionOutcomeKnown,
    Feedback,
    MetricType,
    Outcome,
    TrustMetricRecorded,
    check_range,
)

__all__ = ["GiveFeedback", "MakeDecision", "RecordMetric", "RecordOutcome"]


class MakeDecision(Timed):
    """States what an agent chose to do, and why; the decision has the id of this command."""

    session_id: UUID
    agent_id: AgentName
    decision_type: Word
    input_context: Json = Field(default_factory=dict)
    """What it had before it: the question, the alternatives."""
    rationale: str
    action: Json = Field(default_factory=dict)
    """What it chose."""
    confidence: Share | None = None
    """How sure it was; null when it did not say."""
    execution_time_ms: Milliseconds | None = None

    @property
    def decision_id(self) -> UUID:
        """The id of the decision: that of the command."""
        return self.command_id

    def reads(self) -> dict[str, State]:
        return session(self.session_id) | agent(self.agent_id)

    def decide(self, session: Session, agent: Agent) -> Event:
        session.require_open(self.session_id, self.at)
        session.require_of(self.session_id, self.agent_id)
        agent.require_active(self.agent_id)
        if self.decision_id in session.decisions:
            raise AlreadyExists("decision", self.decision_id)
        return event_of(DecisionMade, self, decision_id=self.decision_id)


class _Judge(Command):
    session_id: UUID
    """The session in which the decision was made, open or over."""
    decision_id: UUID
    reason: str | None = None

    def reads(self) -> dict[str, State]:
        return session(self.session_id)

    def _decider(self, session: Session) -> str:
        """The agent whose decision it is; raises DoesNotExist."""
        agent_id = session.require(self.session_id)
        if self.decision_id not in session.decisions:
            raise DoesNotExist(f"decision of session {self.session_id},", self.decision_id)
        return agent_id


class GiveFeedback(_Judge):
    """Judges a decision; a later judgement replaces an earlier one."""

    feedback: Feedback

    def decide(self, session: Session) -> Event:
        return event_of(DecisionFeedbackGiven, self, agent_id=self._decider(session))


class RecordOutcome(_Judge):
    """States how a decision turned out; a later outcome replaces an earlier one."""

    outcome: Outcome

    def decide(self, session: Session) -> Event:
        return event_of(DecisionOutcomeKnown, self, agent_id=self._decider(session))


class RecordMetric(Command):
    """States a measured property of an agent's work in a session, open or over.

    The metric has the id of this command, once for ever: also when it was rolled up since.
    """

    session_id: UUID
    metric_type: MetricType
    metric_value: float
    """0 to 100 for accuracy and autonomy, 0 to 10 for complexity."""
    measurement_context: Json = Field(default_factory=dict)

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        check_range(self.metric_type, self.metric_value)
        return self

    @property
    def metric_id(self) -> UUID:
        """The id of the metric: that of the command."""
        return self.command_id

    def reads(self) -> dict[str, State]:
        return session(self.session_id)

    def decide(self, session: Session) -> Event:
        agent_id = session.require(self.session_id)
        if self.metric_id in session.metrics:
            raise AlreadyExists("metric", self.metric_id)
        return event_of(TrustMetricRecorded, self, metric_id=self.metric_id, agent_id=agent_id)
