"""Projects: made, changed while they are active, archived, deleted and restored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Self
from uuid import UUID

from pydantic import Field

from eventstore.command import Command, State
from eventstore.commands.event_of import event_of
from eventstore.commands.projects.templates import Template, template
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist, NotAllowed, require_move
from eventstore.vocabulary.fields import Name, UserId, Word
from eventstore.vocabulary.projects import (
    PROJECT_MOVES,
    ChangedFiles,
    CodebaseChanged,
    DependenciesChanged,
    DeploymentConfigChanged,
    EnvironmentChanged,
    EnvironmentVars,
    Files,
    Label,
    ProjectArchived,
    ProjectCreated,
    ProjectDeleted,
    ProjectDeployed,
    ProjectDetailsChanged,
    ProjectOwnerChanged,
    ProjectRestored,
    ProjectStatus,
    QualityMeasured,
    Score,
)
from eventstore.vocabulary.secrets import OpenJson

__all__ = [
    "ArchiveProject",
    "ChangeCodebase",
    "ChangeDependencies",
    "ChangeDeploymentConfig",
    "ChangeEnvironment",
    "ChangeProjectDetails",
    "ChangeProjectOwner",
    "CreateProject",
    "DeleteProject",
    "DeployProject",
    "MeasureQuality",
    "Project",
    "RestoreProject",
    "project",
]

_STATUS: Final[Mapping[type[Event], ProjectStatus]] = {
    ProjectCreated: "active",
    ProjectArchived: "archived",
    ProjectDeleted: "deleted",
    ProjectRestored: "active",
}
"""The status that each event leads to."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project's status; None as long as there is no such project."""

    status: ProjectStatus | None = None

    def after(self, event: Event) -> Self:
        after = _STATUS.get(type(event))
        return self if after is None else replace(self, status=after)

    def require(self, project_id: UUID) -> None:
        """Raises DoesNotExist unless it is active or archived."""
        if self.status in (None, "deleted"):
            raise DoesNotExist("project", project_id, deleted=self.status is not None)

    def require_active(self, project_id: UUID) -> None:
        """Raises DoesNotExist, or NotAllowed for an archived one."""
        self.require(project_id)
        if self.status == "archived":
            raise NotAllowed(f"project {project_id} is archived; restore it first")


def project(project_id: UUID) -> dict[str, State]:
    """The stream of a project."""
    return {f"project-{project_id}": Project()}


class _OfProject(Command):
    project_id: UUID

    def reads(self) -> dict[str, State]:
        return project(self.project_id)


class CreateProject(_OfProject):
    """Makes a project, of a template or of nothing."""

    name: Name
    type: Word
    """What is built, such as api, web_app, cli."""
    owner_id: UserId
    codebase: Files = Field(default_factory=dict)
    dependencies: list[Label] = Field(default_factory=list)
    environment_vars: EnvironmentVars = Field(default_factory=dict)
    deployment_config: OpenJson = Field(default_factory=dict)
    template_id: UUID | None = None

    def reads(self) -> dict[str, State]:
        origin = {} if self.template_id is None else template(self.template_id)
        return project(self.project_id) | origin

    def decide(self, project: Project, template: Template | None = None) -> Event:
        if project.status is not None:
            raise AlreadyExists("project", self.project_id)
        if template is not None and self.template_id is not None:
            template.require(self.template_id)
        return event_of(ProjectCreated, self)


class _Change(_OfProject):
    says: ClassVar[type[Event]]
    of_archived: ClassVar[bool] = False
    """Whether it can be asked of an archived project as well."""

    def decide(self, project: Project) -> Event:
        if self.of_archived:
            project.require(self.project_id)
        else:
            project.require_active(self.project_id)
        return event_of(self.says, self)


class ChangeProjectDetails(_Change):
    """Gives a project another name and type."""

    says = ProjectDetailsChanged
    name: Name
    type: Word


class ChangeProjectOwner(_Change):
    """Gives a project to somebody else."""

    says, of_archived = ProjectOwnerChanged, True
    owner_id: UserId


class ChangeCodebase(_Change):
    """Adds, changes and removes files, without a modification."""

    says = CodebaseChanged
    changed_files: ChangedFiles
    """Each file with its content or hash; null for one that goes."""


class ChangeDependencies(_Change):
    """Says anew what a project depends on."""

    says = DependenciesChanged
    dependencies: list[Label]


class ChangeEnvironment(_Change):
    """Says anew a project's environment variables; a secret is sealed."""

    says = EnvironmentChanged
    environment_vars: EnvironmentVars


class ChangeDeploymentConfig(_Change):
    """Says anew how a project is deployed."""

    says = DeploymentConfigChanged
    deployment_config: OpenJson


class MeasureQuality(_Change):
    """Records scores that were measured, at least one of them."""

    says, of_archived = QualityMeasured, True
    test_coverage: Score | None = None
    security_score: Score | None = None
    performance_score: Score | None = None


class DeployProject(_Change):
    """Records that a project was put to use."""

    says = ProjectDeployed
    environment: Word | None = None
    revision: Label | None = None


class _Turn(_OfProject):
    says: ClassVar[type[Event]]
    reason: str | None = None

    def decide(self, project: Project) -> Event:
        if project.status is None:
            raise DoesNotExist("project", self.project_id)
        wanted = _STATUS[self.says]
        require_move("project", self.project_id, PROJECT_MOVES, project.status, wanted)
        return event_of(self.says, self)


class ArchiveProject(_Turn):
    """Keeps a project as it is until it is restored."""

    says = ProjectArchived


class DeleteProject(_Turn):
    """Takes a project out of use; it can be restored."""

    says = ProjectDeleted


class RestoreProject(_Turn):
    """Makes an archived or deleted project active again."""

    says = ProjectRestored
