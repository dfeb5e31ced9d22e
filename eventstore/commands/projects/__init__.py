"""What may be asked for in projects: of projects, of changes to them, and of templates."""

from __future__ import annotations

from eventstore.commands.projects.modifications import (
    AnalyzeModification,
    ApplyModification,
    ApproveModification,
    FailModification,
    RejectModification,
    RequestModification,
)
from eventstore.commands.projects.projects import (
    ArchiveProject,
    ChangeCodebase,
    ChangeDependencies,
    ChangeDeploymentConfig,
    ChangeEnvironment,
    ChangeProjectDetails,
    ChangeProjectOwner,
    CreateProject,
    DeleteProject,
    DeployProject,
    MeasureQuality,
    RestoreProject,
)
from eventstore.commands.projects.templates import ChangeTemplate, CreateTemplate, RemoveTemplate

__all__ = [
    "AnalyzeModification",
    "ApplyModification",
    "ApproveModification",
    "ArchiveProject",
    "ChangeCodebase",
    "ChangeDependencies",
    "ChangeDeploymentConfig",
    "ChangeEnvironment",
    "ChangeProjectDetails",
    "ChangeProjectOwner",
    "ChangeTemplate",
    "CreateProject",
    "CreateTemplate",
    "DeleteProject",
    "DeployProject",
    "FailModification",
    "MeasureQuality",
    "RejectModification",
    "RemoveTemplate",
    "RequestModification",
    "RestoreProject",
]
