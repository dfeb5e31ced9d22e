"""What people, policies and evaluators hold of work items."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from eventstore.event import Event
from eventstore.vocabulary.fields import AgentId, Json, Release, Share

__all__ = ["Approval", "ApprovalDecided", "EvalRecorded"]

Approval = Literal["APPROVED", "REJECTED", "ESCALATED"]


class ApprovalDecided(Event, event_type="work.approval_decided", retention="audit"):
    """A person or an agent decided, under a policy, about a work item."""

    approval_id: UUID
    work_item_id: UUID
    approver: AgentId
    decision: Approval
    reason: str | None = None
    policy_version: Release


class EvalRecorded(Event, event_type="work.eval_recorded", retention="decision"):
    """An evaluator measured how well a work item was done."""

    eval_id: UUID
    work_item_id: UUID
    evaluator: AgentId
    """An agent, a person, or the name of a program that evaluates."""
    score: Share
    passed: bool
    """Whether that was good enough, by the evaluator's own measure."""
    details: Json = Field(default_factory=dict)
