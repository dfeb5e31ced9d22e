"""Workflow templates, and the runs that follow them."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from eventstore.event import Event
from eventstore.vocabulary.fields import Json, Name, Number

__all__ = ["RunEnded", "RunStarted", "RunStatus", "WorkflowTemplatePublished"]

RunStatus = Literal["STARTED", "COMPLETED", "FAILED", "CANCELLED"]


class WorkflowTemplatePublished(Event, event_type="work.workflow_template_published"):
    """There is one more template of a workflow, which never changes; another one gets a number."""

    workflow_template_id: UUID
    name: Name
    template_version: Number
    definition: Json


class RunStarted(Event, event_type="work.run_started"):
    """Agents began to work through a workflow, for a work order or for none."""

    run_id: UUID
    workflow_template_id: UUID | None = None
    """The template that the run follows; null when it follows none."""
    work_order_id: UUID | None = None


class RunEnded(Event, event_type="work.run_ended"):
    """A run came to its end."""

    run_id: UUID
    status: Literal["COMPLETED", "FAILED", "CANCELLED"]
    reason: str | None = None
