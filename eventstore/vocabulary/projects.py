"""What happens to code projects: created, changed on request, measured, deployed, archived.

A modification is asked for, looked into, approved and applied:

    pending → approved → applied or failed          pending → rejected

A project may begin as a copy of a template; it keeps its own record of its files.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from eventstore.event import Event
from eventstore.vocabulary.fields import Json, Name, UserId, Word
from eventstore.vocabulary.secrets import OpenJson, Sealed, refuse_secrets

__all__ = [
    "MODIFICATION_MOVES",
    "PROJECT_MOVES",
    "CodebaseChanged",
    "Complexity",
    "DependenciesChanged",
    "DeploymentConfigChanged",
    "EnvironmentChanged",
    "ModificationAnalyzed",
    "ModificationApplied",
    "ModificationApproved",
    "ModificationFailed",
    "ModificationRejected",
    "ModificationRequested",
    "ModificationStatus",
    "ProjectArchived",
    "ProjectCreated",
    "ProjectDeleted",
    "ProjectDeployed",
    "ProjectDetailsChanged",
    "ProjectOwnerChanged",
    "ProjectRestored",
    "ProjectStatus",
    "QualityMeasured",
    "TemplateCategory",
    "TemplateChanged",
    "TemplateCreated",
    "TemplateRemoved",
]

ProjectStatus = Literal["active", "archived", "deleted"]
ModificationStatus = Literal["pending", "approved", "applied", "failed", "rejected"]
TemplateCategory = Literal["api", "web", "mobile", "data", "microservice"]
Complexity = Literal["simple", "medium", "complex"]

PROJECT_MOVES: Final[dict[ProjectStatus, frozenset[ProjectStatus]]] = {
    "active": frozenset({"archived", "deleted"}),
    "archived": frozenset({"active", "deleted"}),
    "deleted": frozenset({"active"}),
}
"""Which status may follow which. Only an active project is changed, modified or deployed."""

MODIFICATION_MOVES: Final[dict[ModificationStatus, frozenset[ModificationStatus]]] = {
    "pending": frozenset({"approved", "rejected"}),
    "approved": frozenset({"applied", "failed"}),
    "applied": frozenset(),
    "failed": frozenset(),
    "rejected": frozenset(),
}
"""Which status may follow which: what failed is asked for anew, under another id."""

FilePath = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
"""Path of a file inside its project."""

Files = dict[FilePath, str]
"""Each file with its content, or with a hash of it when it is large."""

ChangedFiles = dict[FilePath, str | None]
"""Each file that is new or other now, as in `Files`; null for one that is gone."""

Label = Annotated[str, StringConstraints(min_length=1, max_length=255)]
"""One of several words or names, such as `fastapi>=0.115`."""

VariableName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=255)
]
"""Name of an environment variable."""

EnvironmentVars = Annotated[dict[VariableName, str | Sealed], AfterValidator(refuse_secrets)]
"""Each variable with its value; a secret is sealed."""

Score = Annotated[Decimal, Field(ge=0, le=100, max_digits=20)]
"""How good something is, 0 to 100."""


class ProjectCreated(Event, event_type="projects.project_created"):
    """There is a project, and it is active."""

    project_id: UUID
    name: Name
    type: Word
    """What is built, such as api, web_app, cli."""
    owner_id: UserId
    codebase: Files = Field(default_factory=dict)
    dependencies: list[Label] = Field(default_factory=list)
    environment_vars: EnvironmentVars = Field(default_factory=dict)
    deployment_config: OpenJson = Field(default_factory=dict)
    template_id: UUID | None = None
    """The template that it was made from, if it was made from one."""


class ProjectDetailsChanged(Event, event_type="projects.project_details_changed"):
    """These are the project's name and type now."""

    project_id: UUID
    name: Name
    type: Word


class ProjectOwnerChanged(Event, event_type="projects.project_owner_changed", retention="audit"):
    """A project is somebody else's now."""

    project_id: UUID
    owner_id: UserId


class CodebaseChanged(Event, event_type="projects.codebase_changed"):
    """Files of a project are new, other or gone, without a modification that says so."""

    project_id: UUID
    changed_files: ChangedFiles


class DependenciesChanged(Event, event_type="projects.dependencies_changed"):
    """These are the project's dependencies now, all of them."""

    project_id: UUID
    dependencies: list[Label]


class EnvironmentChanged(Event, event_type="projects.environment_changed"):
    """These are the project's environment variables now, all of them."""

    project_id: UUID
    environment_vars: EnvironmentVars


class DeploymentConfigChanged(Event, event_type="projects.deployment_config_changed"):
    """This is how the project is deployed from now on."""

    project_id: UUID
    deployment_config: OpenJson


class QualityMeasured(Event, event_type="projects.quality_measured"):
    """Some of the project's scores were measured; the others stay as they were."""

    project_id: UUID
    test_coverage: Score | None = None
    """Per cent of the code that tests run through."""
    security_score: Score | None = None
    performance_score: Score | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if (self.test_coverage, self.security_score, self.performance_score) == (None,) * 3:
            raise ValueError("nothing was measured: state at least one of the three scores")
        return self


class ProjectDeployed(Event, event_type="projects.project_deployed"):
    """A project was put to use."""

    project_id: UUID
    environment: Word | None = None
    """Where, such as staging, production."""
    revision: Label | None = None
    """What, such as a commit or a release."""


class ProjectArchived(Event, event_type="projects.project_archived"):
    """A project rests: it is kept, and not changed until it is restored."""

    project_id: UUID
    reason: str | None = None


class ProjectDeleted(Event, event_type="projects.project_deleted", retention="audit"):
    """A project is out of use; it can be restored."""

    project_id: UUID
    reason: str | None = None


class ProjectRestored(Event, event_type="projects.project_restored", retention="audit"):
    """An archived or deleted project is active again."""

    project_id: UUID
    reason: str | None = None


class ModificationRequested(Event, event_type="projects.modification_requested"):
    """Somebody asks for a change of a project; it is pending."""

    modification_id: UUID
    project_id: UUID
    request: Annotated[str, StringConstraints(min_length=1)]
    """What is to become otherwise, in words."""
    requested_by: UserId
    """A person or an agent."""
    impact_analysis: Json = Field(default_factory=dict)
    affected_files: list[FilePath] = Field(default_factory=list)


class ModificationAnalyzed(Event, event_type="projects.modification_analyzed"):
    """This is what a pending change would touch, as far as is known now."""

    modification_id: UUID
    impact_analysis: Json
    affected_files: list[FilePath]


class ModificationApproved(Event, event_type="projects.modification_approved", retention="audit"):
    """A pending change is to be made."""

    modification_id: UUID
    reason: str | None = None


class ModificationRejected(Event, event_type="projects.modification_rejected", retention="audit"):
    """A pending change is not to be made."""

    modification_id: UUID
    reason: str | None = None


class ModificationApplied(Event, event_type="projects.modification_applied"):
    """An approved change was made: these files of the project are otherwise now."""

    modification_id: UUID
    project_id: UUID
    modified_files: ChangedFiles
    test_results: Json = Field(default_factory=dict)


class ModificationFailed(Event, event_type="projects.modification_failed"):
    """An approved change could not be made; the project is as it was."""

    modification_id: UUID
    project_id: UUID
    reason: str | None = None
    test_results: Json = Field(default_factory=dict)


class _TemplateDescription(Event):
    template_id: UUID
    name: Name
    description: str
    category: TemplateCategory
    files: Files = Field(default_factory=dict)
    required_vars: list[Label] = Field(default_factory=list)
    """Variables that a project made from it has to fill in."""
    optional_vars: list[Label] = Field(default_factory=list)
    tech_stack: list[Label] = Field(default_factory=list)
    """What it is built with, such as python, postgresql."""
    tags: list[Label] = Field(default_factory=list)
    estimated_setup_time: Annotated[int, Field(ge=0, le=2**31 - 1)]
    """Minutes until a project made from it runs."""
    complexity: Complexity


class TemplateCreated(_TemplateDescription, event_type="projects.template_created"):
    """Projects can be made from this template."""


class TemplateChanged(_TemplateDescription, event_type="projects.template_changed"):
    """This is what the template is now, all of it; projects made from it stay as they are."""


class TemplateRemoved(Event, event_type="projects.template_removed", retention="audit"):
    """No project can be made from this template any more."""

    template_id: UUID
    reason: str | None = None
