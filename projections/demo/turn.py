"""How an agent speaks: all that it says in answer to one event is recorded together, or not at all.

Every event names the one that it answers to. What an agent is and decides, and how that is judged,
stands in its own stream, `agent-NAME`: that is what its standing is folded from.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from eventstore import ANY, Append, Event, RecordedEvent
from eventstore.vocabulary.packaging import PackageStatus, PackageStatusChanged
from eventstore.vocabulary.trust import (
    DecisionFeedbackGiven,
    DecisionMade,
    DecisionOutcomeKnown,
    Feedback,
    MessageSent,
    MetricType,
    Outcome,
    TrustMetricRecorded,
)
from eventstore.vocabulary.work import WorkItemStatus, WorkItemStatusChanged
from projections.demo.case import Case
from projections.demo.package import PackageNow, PackageTaken, package_stream
from projections.demo.team import Agent, agent_stream

__all__ = ["Turn"]


class Turn:
    """What an agent says in answer to one event, as it is put together."""

    def __init__(
        self,
        agent: Agent,
        correlation_id: UUID,
        *,
        asked: RecordedEvent | None = None,
        package: PackageNow | None = None,
    ) -> None:
        self.agent = agent
        self.package = package
        self.appends: list[Append] = []
        self._correlation_id = correlation_id
        self._answers = None if asked is None else asked.event_id
        said = None if asked is None else asked.event
        self._message_id = said.message_id if isinstance(said, MessageSent) else None
        self.status: PackageStatus | None = None if package is None else package.status
        """The package's status, after what the turn says."""
        self._package_version = 0 if package is None else package.stream_version

    def say(
        self,
        stream_id: str,
        event: Event,
        *,
        because: UUID | None = None,
        to: str | None = None,
        expected: int = ANY,
    ) -> UUID:
        """Adds an event, caused by `because` or else by what the turn answers; returns its id."""
        self.appends.append(
            Append(
                stream_id,
                [event],
                expected,
                agent=self.agent.agent_id,
                target_agent=to,
                correlation_id=self._correlation_id,
                causation_id=because or self._answers,
            )
        )
        return event.event_id

    def of_package(self, event: Event, *, because: UUID | None = None) -> UUID:
        """Adds an event of the package, which must still be at the version that was read."""
        assert self.package is not None, "this turn is about a package"
        stream_id, expected = package_stream(self.package.package_id), self._package_version
        self._package_version += 1
        return self.say(stream_id, event, because=because, expected=expected)

    def move(
        self,
        before: PackageStatus,
        after: PackageStatus,
        reason: str | None = None,
        *,
        because: UUID | None = None,
    ) -> UUID:
        """Moves the package on; raises PackageTaken when it is not where it should be."""
        assert self.package is not None, "this turn is about a package"
        if self.status != before:
            raise PackageTaken(self.package.package_id, before, self.status)
        self.status = after
        moved = PackageStatusChanged(
            package_id=self.package.package_id, from_status=before, to_status=after, reason=reason
        )
        return self.of_package(moved, because=because)

    def of_item(self, case: Case, event: Event, *, because: UUID | None = None) -> UUID:
        """Adds an event of the work item."""
        return self.say(f"work_item-{case.item.work_item_id}", event, because=because)

    def move_item(
        self,
        case: Case,
        after: WorkItemStatus,
        reason: str | None = None,
        *,
        because: UUID | None = None,
    ) -> UUID:
        """Moves the work item on from where the case has it."""
        moved = WorkItemStatusChanged(
            work_item_id=case.item.work_item_id,
            work_order_id=case.item.work_order_id,
            from_status=case.item_status,  # type: ignore[arg-type]  # pydantic checks
            to_status=after,
            reason=reason,
        )
        return self.of_item(case, moved, because=because)

    def tell(self, to: Agent, content: str, *, because: UUID | None = None) -> UUID:
        """Sends a message; the one that it reaches goes on from there."""
        message = MessageSent(
            message_id=uuid7(),
            session_id=self.agent.session_id,
            role="agent",
            content=content,
            parent_message_id=self._message_id,
        )
        return self.say(self.agent.session_stream, message, because=because, to=to.agent_id)

    def decide(
        self,
        decision_type: str,
        rationale: str,
        action: dict[str, Any],
        *,
        confidence: float | None,
        given: dict[str, Any] | None = None,
        milliseconds: int | None = None,
        because: UUID | None = None,
    ) -> DecisionMade:
        """Adds a decision of this agent's own."""
        decided = DecisionMade(
            decision_id=uuid7(),
            session_id=self.agent.session_id,
            agent_id=self.agent.agent_id,
            decision_type=decision_type,
            input_context=given or {},
            rationale=rationale,
            action=action,
            confidence=confidence,
            execution_time_ms=milliseconds,
        )
        self.say(self.agent.stream, decided, because=because)
        return decided

    def outcome(
        self, decision: DecisionMade, outcome: Outcome, reason: str, *, because: UUID | None = None
    ) -> UUID:
        """Says how somebody's decision turned out."""
        known = DecisionOutcomeKnown(
            decision_id=decision.decision_id,
            session_id=decision.session_id,
            agent_id=decision.agent_id,
            outcome=outcome,
            reason=reason,
        )
        return self.say(agent_stream(decision.agent_id), known, because=because)

    def feedback(
        self,
        decision: DecisionMade,
        feedback: Feedback,
        reason: str | None,
        *,
        because: UUID | None = None,
    ) -> UUID:
        """Says what this agent thinks of somebody's decision."""
        given = DecisionFeedbackGiven(
            decision_id=decision.decision_id,
            session_id=decision.session_id,
            agent_id=decision.agent_id,
            feedback=feedback,
            reason=reason,
        )
        return self.say(agent_stream(decision.agent_id), given, because=because)

    def measure(
        self,
        decision: DecisionMade,
        metric_type: MetricType,
        value: float,
        context: dict[str, Any],
        *,
        because: UUID | None = None,
    ) -> UUID:
        """Says how well a decision did, as a number that was measured."""
        measured = TrustMetricRecorded(
            metric_id=uuid7(),
            session_id=decision.session_id,
            agent_id=decision.agent_id,
            metric_type=metric_type,
            metric_value=round(value, 2),
            measurement_context=context,
        )
        return self.say(agent_stream(decision.agent_id), measured, because=because)
