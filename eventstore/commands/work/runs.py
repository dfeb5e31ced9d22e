"""Workflow templates, and the runs that follow them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self
from uuid import UUID

from eventstore.command import Command, Decision, State
from eventstore.commands.event_of import event_of
from eventstore.commands.unique import unique
from eventstore.commands.work.orders import WorkOrder, order_stream
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist, IllegalMove
from eventstore.vocabulary.fields import Json, Name, Number
from eventstore.vocabulary.work import RunEnded, RunStarted, RunStatus, WorkflowTemplatePublished

__all__ = ["EndRun", "PublishWorkflowTemplate", "Run", "StartRun", "WorkflowTemplate"]


@dataclass(frozen=True, slots=True)
class WorkflowTemplate:
    """Whether there is the template."""

    exists: bool = False

    def after(self, event: Event) -> Self:
        return replace(self, exists=True) if isinstance(event, WorkflowTemplatePublished) else self


@dataclass(frozen=True, slots=True)
class Run:
    """How far a run is."""

    status: RunStatus | None = None
    """None when there is no such run."""

    def after(self, event: Event) -> Self:
        match event:
            case RunStarted() if self.status is None:
                return replace(self, status="STARTED")
            case RunEnded() if self.status == "STARTED":
                return replace(self, status=event.status)
        return self


class PublishWorkflowTemplate(Command):
    """Makes a template of a workflow, under a number of its own among those of its name."""

    workflow_template_id: UUID
    name: Name
    template_version: Number
    definition: Json

    def reads(self) -> dict[str, State]:
        return {f"workflow_template-{self.workflow_template_id}": WorkflowTemplate()}

    def decide(self, template: WorkflowTemplate) -> Decision:
        """Refused as AlreadyExists."""
        if template.exists:
            raise AlreadyExists("workflow template", self.workflow_template_id)
        claim = unique("work.workflow_template", self.name, self.template_version)
        return Decision([event_of(WorkflowTemplatePublished, self)], claims=[claim])


class _OfRun(Command):
    run_id: UUID

    def reads(self) -> dict[str, State]:
        return {f"run-{self.run_id}": Run()}


class StartRun(_OfRun):
    """Begins a run, of a template or of none, for a work order or for none."""

    workflow_template_id: UUID | None = None
    work_order_id: UUID | None = None

    def reads(self) -> dict[str, State]:
        streams = super().reads()
        if self.workflow_template_id is not None:
            streams[f"workflow_template-{self.workflow_template_id}"] = WorkflowTemplate()
        if self.work_order_id is not None:
            streams[order_stream(self.work_order_id)] = WorkOrder()
        return streams

    def decide(self, run: Run, *followed: WorkflowTemplate | WorkOrder) -> Event:
        """Refused as AlreadyExists, DoesNotExist (the template, or the order)."""
        if run.status is not None:
            raise AlreadyExists("run", self.run_id)
        for state in followed:
            if isinstance(state, WorkOrder) and self.work_order_id is not None:
                state.require(self.work_order_id)
            elif isinstance(state, WorkflowTemplate) and not state.exists:
                raise DoesNotExist("workflow template", self.workflow_template_id)
        return event_of(RunStarted, self)


class EndRun(_OfRun):
    """Ends a run that is under way."""

    status: Literal["COMPLETED", "FAILED", "CANCELLED"]
    reason: str | None = None

    def decide(self, run: Run) -> Event:
        """Refused as DoesNotExist, IllegalMove (it has ended)."""
        if run.status is None:
            raise DoesNotExist("run", self.run_id)
        if run.status != "STARTED":
            raise IllegalMove("run", self.run_id, run.status, self.status, ())
        return event_of(RunEnded, self)
