"""A run of one task, in the words of work and trust: what several formats have in common.

The task is a work order with one item, and the run is one attempt at it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from eventstore.event import Event
from eventstore.ingest.conversation import Conversation
from eventstore.ingest.story import Story
from eventstore.vocabulary.work import (
    AttemptEnded,
    AttemptStarted,
    ErrorReported,
    EvalRecorded,
    EvidenceGiven,
    WorkItemQueued,
    WorkItemStatusChanged,
    WorkOrderOpened,
    WorkOrderStatusChanged,
    register_work_item_type,
)

__all__ = ["TASK", "Job"]

TASK: Final = register_work_item_type("TASK")
"""The type of the work items."""


class Job(Conversation):
    """A conversation about a task, with the work that it is."""

    def __init__(self, story: Story, agent: str) -> None:
        super().__init__(story, agent)
        self.order, self.item = story.id("order"), story.id("item")
        self.attempt = story.id("attempt")

    def begin(
        self,
        title: str,
        task: Mapping[str, Any],
        at: datetime | None = None,
        *,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """The order, its item, and the attempt at it."""
        self.open(title, at, metadata=metadata)
        queued = WorkItemQueued(
            work_item_id=self.item,
            work_order_id=self.order,
            type=TASK,
            content=dict(task),
            assigned_agent=self.agent,
        )
        started = AttemptStarted(
            attempt_id=self.attempt, work_item_id=self.item, agent_id=self.agent
        )
        self.tell("item/queued", self._of_item, queued, at)
        self.tell("item/processing", self._of_item, self._moved("QUEUED", "PROCESSING"), at)
        self.tell("attempt/started", self._of_item, started, at)

    def open(
        self, title: str, at: datetime | None = None, *, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """The order alone, PROCESSING."""
        opened = WorkOrderOpened(
            work_order_id=self.order, title=title, metadata=dict(metadata or {})
        )
        started = WorkOrderStatusChanged(
            work_order_id=self.order, from_status="PENDING", to_status="PROCESSING"
        )
        self.tell("order/opened", self._of_order, opened, at)
        self.tell("order/processing", self._of_order, started, at)

    def show(
        self,
        place: str,
        kind: str,
        summary: str,
        details: Mapping[str, Any],
        at: datetime | None = None,
        *,
        agent: str | None = None,
    ) -> None:
        """Evidence of how the item turned out."""
        evidence = EvidenceGiven(
            evidence_id=self.story.id(place),
            work_item_id=self.item,
            attempt_id=self.attempt,
            kind=kind,
            summary=summary,
            details=dict(details),
        )
        self.tell(place, self._of_item, evidence, at, agent=agent)

    def grade(
        self,
        place: str,
        evaluator: str,
        score: float,
        details: Mapping[str, Any],
        at: datetime | None = None,
        *,
        derived: Sequence[str] = (),
    ) -> None:
        """An evaluator's score between 0 and 1, also as the agent's accuracy; 1 is passed."""
        recorded = EvalRecorded(
            eval_id=self.story.id(place),
            work_item_id=self.item,
            evaluator=evaluator,
            score=score,
            passed=score >= 1,
            details=dict(details),
        )
        self.tell(place, self._of_item, recorded, at, agent=evaluator, derived=derived)
        self.measure(f"{place}/accuracy", score, f"the score of {evaluator}", at, agent=evaluator)

    def report(
        self,
        place: str,
        error: str,
        at: datetime | None = None,
        *,
        agent: str | None = None,
        cause: str | None = None,
        details: Mapping[str, Any] | None = None,
        caused_by: UUID | None = None,
    ) -> None:
        """What went wrong with the attempt."""
        reported = ErrorReported(
            work_item_id=self.item,
            attempt_id=self.attempt,
            error=error,
            cause=cause,
            details=dict(details or {}),
        )
        self.tell(place, self._of_item, reported, at, agent=agent, cause=caused_by)

    def end(
        self,
        reason: str | None,
        output: Mapping[str, Any] | None = None,
        at: datetime | None = None,
        *,
        milliseconds: int | None = None,
        derived: Sequence[str] = ("status",),
    ) -> None:
        """The attempt, its item and the order are over, and so are the sessions.

        FAILED for that reason, else COMPLETED.
        """
        status: Any = "COMPLETED" if reason is None else "FAILED"
        ended = AttemptEnded(
            attempt_id=self.attempt,
            status=status,
            output=None if output is None else dict(output),
            error=reason,
            duration_ms=milliseconds,
        )
        over = WorkOrderStatusChanged(
            work_order_id=self.order, from_status="PROCESSING", to_status=status, reason=reason
        )
        moved = self._moved("PROCESSING", status, reason)
        self.tell("attempt/ended", self._of_item, ended, at, derived=derived)
        self.tell("item/ended", self._of_item, moved, at, derived=derived)
        self.tell("order/ended", self._of_order, over, at, derived=derived)
        self.leave(at)

    @property
    def _of_order(self) -> str:
        return f"work_order-{self.order}"

    @property
    def _of_item(self) -> str:
        return f"work_item-{self.item}"

    def _moved(self, before: Any, after: Any, reason: str | None = None) -> Event:
        return WorkItemStatusChanged(
            work_item_id=self.item,
            work_order_id=self.order,
            from_status=before,
            to_status=after,
            reason=reason,
        )
