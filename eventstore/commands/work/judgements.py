"""What people, policies and evaluators hold of work items."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from eventstore.command import Decision
from eventstore.commands.event_of import event_of
from eventstore.commands.unique import unique
from eventstore.commands.work.items import OfItem, WorkItem
from eventstore.refusals import AlreadyExists
from eventstore.vocabulary.fields import AgentId, Json, Release, Share
from eventstore.vocabulary.work import Approval, ApprovalDecided, EvalRecorded

__all__ = ["DecideApproval", "RecordEval"]


class DecideApproval(OfItem):
    """States what a person or an agent decided about an item, under a policy."""

    approval_id: UUID
    approver: AgentId
    decision: Approval
    reason: str | None = None
    policy_version: Release

    def decide(self, item: WorkItem) -> Decision:
        """Refused as DoesNotExist, AlreadyExists."""
        item.require(self.work_item_id)
        if self.approval_id in item.approvals:
            raise AlreadyExists("approval", self.approval_id)
        return Decision(
            [event_of(ApprovalDecided, self)], claims=[unique("work.approval", self.approval_id)]
        )


class RecordEval(OfItem):
    """States how well an item was done, as an evaluator measured it."""

    eval_id: UUID
    evaluator: AgentId
    """An agent, a person, or the name of a program that evaluates."""
    score: Share
    passed: bool
    """Whether that was good enough, by the evaluator's own measure."""
    details: Json = Field(default_factory=dict)

    def decide(self, item: WorkItem) -> Decision:
        """Refused as DoesNotExist, AlreadyExists."""
        item.require(self.work_item_id)
        if self.eval_id in item.evaluations:
            raise AlreadyExists("evaluation", self.eval_id)
        return Decision(
            [event_of(EvalRecorded, self)], claims=[unique("work.evaluation", self.eval_id)]
        )
