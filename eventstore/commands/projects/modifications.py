"""Changes of projects: requested, looked into, approved or rejected, applied or failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from eventstore.command import Command, State
from eventstore.commands.event_of import event_of
from eventstore.commands.projects.projects import Project, project
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist, NotAllowed, require_move
from eventstore.vocabulary.fields import Json, UserId
from eventstore.vocabulary.projects import (
    MODIFICATION_MOVES,
    ChangedFiles,
    FilePath,
    ModificationAnalyzed,
    ModificationApplied,
    ModificationApproved,
    ModificationFailed,
    ModificationRejected,
    ModificationRequested,
    ModificationStatus,
)

__all__ = [
    "AnalyzeModification",
    "ApplyModification",
    "ApproveModification",
    "FailModification",
    "Modification",
    "RejectModification",
    "RequestModification",
    "modification",
]

_STATUS: Final[Mapping[type[Event], ModificationStatus]] = {
    ModificationApproved: "approved",
    ModificationRejected: "rejected",
    ModificationApplied: "applied",
    ModificationFailed: "failed",
}
"""The status that each event leads to."""


@dataclass(frozen=True, slots=True)
class Modification:
    """Of which project it is, and how far it came."""

    project_id: UUID | None = None
    status: ModificationStatus = "pending"

    def after(self, event: Event) -> Self:
        if isinstance(event, ModificationRequested):
            return replace(self, project_id=event.project_id)
        return replace(self, status=_STATUS.get(type(event), self.status))


def modification(modification_id: UUID) -> dict[str, State]:
    """The stream of a modification."""
    return {f"modification-{modification_id}": Modification()}


class _OfModification(Command):
    modification_id: UUID
    project_id: UUID

    def reads(self) -> dict[str, State]:
        return modification(self.modification_id) | project(self.project_id)

    def require(self, modification: Modification) -> None:
        """Raises DoesNotExist unless there is such a modification of the project."""
        if modification.project_id != self.project_id:
            raise DoesNotExist(f"modification of project {self.project_id}", self.modification_id)


class RequestModification(_OfModification):
    """Asks for a change of an active project."""

    request: Annotated[str, StringConstraints(min_length=1)]
    requested_by: UserId
    impact_analysis: Json = Field(default_factory=dict)
    affected_files: list[FilePath] = Field(default_factory=list)

    def decide(self, modification: Modification, project: Project) -> Event:
        if modification.project_id is not None:
            raise AlreadyExists("modification", self.modification_id)
        project.require_active(self.project_id)
        return event_of(ModificationRequested, self)


class AnalyzeModification(_OfModification):
    """Says what a pending change would touch."""

    impact_analysis: Json
    affected_files: list[FilePath]

    def decide(self, modification: Modification, project: Project) -> Event:
        self.require(modification)
        project.require_active(self.project_id)
        if modification.status != "pending":
            raise NotAllowed(
                f"modification {self.modification_id} is {modification.status}; "
                "only a pending one is looked into"
            )
        return event_of(ModificationAnalyzed, self)


class _Step(_OfModification):
    says: ClassVar[type[Event]]
    of_active: ClassVar[bool] = False
    """Whether the project has to be active, because the change is to be made."""

    def decide(self, modification: Modification, project: Project) -> Event:
        self.require(modification)
        key, wanted = self.modification_id, _STATUS[self.says]
        require_move("modification", key, MODIFICATION_MOVES, modification.status, wanted)
        if self.of_active:
            project.require_active(self.project_id)
        return event_of(self.says, self)


class ApproveModification(_Step):
    """Lets a pending change be made."""

    says, of_active = ModificationApproved, True
    reason: str | None = None


class RejectModification(_Step):
    """Lets a pending change not be made; of a project that rests, too."""

    says = ModificationRejected
    reason: str | None = None


class ApplyModification(_Step):
    """Records that an approved change was made."""

    says, of_active = ModificationApplied, True
    modified_files: ChangedFiles
    test_results: Json = Field(default_factory=dict)


class FailModification(_Step):
    """Records that an approved change could not be made; of a project that rests, too."""

    says = ModificationFailed
    reason: str | None = None
    test_results: Json = Field(default_factory=dict)
