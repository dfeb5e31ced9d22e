"""How project_contexts, modifications and templates follow from the events of projects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from eventstore import RecordedEvent
from eventstore.vocabulary.projects import (
    MODIFICATION_MOVES,
    PROJECT_MOVES,
    CodebaseChanged,
    DependenciesChanged,
    DeploymentConfigChanged,
    EnvironmentChanged,
    ModificationAnalyzed,
    ModificationApplied,
    ModificationApproved,
    ModificationFailed,
    ModificationRejected,
    ModificationRequested,
    ModificationStatus,
    ProjectArchived,
    ProjectCreated,
    ProjectDeleted,
    ProjectDeployed,
    ProjectDetailsChanged,
    ProjectOwnerChanged,
    ProjectRestored,
    ProjectStatus,
    QualityMeasured,
    TemplateChanged,
    TemplateCreated,
    TemplateRemoved,
)
from eventstore.vocabulary.secrets import Sealed
from projections.errors import Contradiction, IllegalTransition
from projections.projection import Projection, Rows, on
from projections.projects.rows import Modification, ProjectContext, Template

__all__ = ["Projects"]

Turned = ProjectArchived | ProjectDeleted | ProjectRestored
Judged = ModificationApproved | ModificationRejected
Made = ModificationApplied | ModificationFailed

_PROJECT_STATUS: Final[Mapping[type[Turned], ProjectStatus]] = {
    ProjectArchived: "archived",
    ProjectDeleted: "deleted",
    ProjectRestored: "active",
}
_MODIFICATION_STATUS: Final[Mapping[type[Judged] | type[Made], ModificationStatus]] = {
    ModificationApproved: "approved",
    ModificationRejected: "rejected",
    ModificationApplied: "applied",
    ModificationFailed: "failed",
}
"""The status that each event leads to."""


class Projects(Projection, name="projects", tables=(ProjectContext, Modification, Template)):
    """Projects with their files and scores, changes of them, templates."""

    @on(ProjectCreated)
    def created(self, event: ProjectCreated, recorded: RecordedEvent, rows: Rows) -> None:
        rows.add(
            ProjectContext(
                id=event.project_id,
                name=event.name,
                type=event.type,
                owner_id=event.owner_id,
                codebase=event.codebase,
                dependencies=event.dependencies,
                environment_vars=_as_json(event.environment_vars),
                deployment_config=event.deployment_config,
            )
        )

    @on(ProjectDetailsChanged)
    def details_changed(
        self, event: ProjectDetailsChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        project = _active(rows)
        project.name, project.type = event.name, event.type

    @on(ProjectOwnerChanged)
    def owner_changed(
        self, event: ProjectOwnerChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.get(ProjectContext).owner_id = event.owner_id  # of one that rests, too

    @on(CodebaseChanged)
    def codebase_changed(self, event: CodebaseChanged, recorded: RecordedEvent, rows: Rows) -> None:
        project = _active(rows)
        project.codebase = _changed(project.codebase, event.changed_files)

    @on(DependenciesChanged)
    def dependencies_changed(
        self, event: DependenciesChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        _active(rows).dependencies = event.dependencies

    @on(EnvironmentChanged)
    def environment_changed(
        self, event: EnvironmentChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        _active(rows).environment_vars = _as_json(event.environment_vars)

    @on(DeploymentConfigChanged)
    def deployment_config_changed(
        self, event: DeploymentConfigChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        _active(rows).deployment_config = event.deployment_config

    @on(QualityMeasured)
    def measured(self, event: QualityMeasured, recorded: RecordedEvent, rows: Rows) -> None:
        project = rows.get(ProjectContext)
        if event.test_coverage is not None:
            project.test_coverage = event.test_coverage
        if event.security_score is not None:
            project.security_score = event.security_score
        if event.performance_score is not None:
            project.performance_score = event.performance_score

    @on(ProjectDeployed)
    def deployed(self, event: ProjectDeployed, recorded: RecordedEvent, rows: Rows) -> None:
        _active(rows).last_deployed_at = recorded.occurred_at

    @on(ProjectArchived, ProjectDeleted, ProjectRestored)
    def turned(self, event: Turned, recorded: RecordedEvent, rows: Rows) -> None:
        project, after = rows.get(ProjectContext), _PROJECT_STATUS[type(event)]
        if after not in PROJECT_MOVES[project.status]:
            raise IllegalTransition("project_contexts", project.id, project.status, after)
        project.status = after

    @on(ModificationRequested)
    def requested(self, event: ModificationRequested, recorded: RecordedEvent, rows: Rows) -> None:
        _must_be_active(rows.see(ProjectContext))
        rows.add(
            Modification(
                id=event.modification_id,
                project_id=event.project_id,
                request=event.request,
                requested_by=event.requested_by,
                requested_at=recorded.occurred_at,
                impact_analysis=event.impact_analysis,
                affected_files=event.affected_files,
            )
        )

    @on(ModificationAnalyzed)
    def analyzed(self, event: ModificationAnalyzed, recorded: RecordedEvent, rows: Rows) -> None:
        modification = rows.get(Modification)
        if modification.status != "pending":
            raise IllegalTransition(
                "modifications", modification.id, modification.status, "analyzed"
            )
        modification.impact_analysis = event.impact_analysis
        modification.affected_files = event.affected_files

    @on(ModificationApproved, ModificationRejected)
    def judged(self, event: Judged, recorded: RecordedEvent, rows: Rows) -> None:
        _move(rows, event).reason = event.reason

    @on(ModificationApplied)
    def applied(self, event: ModificationApplied, recorded: RecordedEvent, rows: Rows) -> None:
        modification, project = _made(event, rows), _active(rows)
        modification.applied_at = recorded.occurred_at
        modification.modified_files = event.modified_files
        project.codebase = _changed(project.codebase, event.modified_files)

    @on(ModificationFailed)
    def failed(self, event: ModificationFailed, recorded: RecordedEvent, rows: Rows) -> None:
        _made(event, rows).reason = event.reason

    @on(TemplateCreated)
    def template_created(self, event: TemplateCreated, recorded: RecordedEvent, rows: Rows) -> None:
        rows.add(
            Template(
                id=event.template_id,
                name=event.name,
                description=event.description,
                category=event.category,
                files=event.files,
                required_vars=event.required_vars,
                optional_vars=event.optional_vars,
                tech_stack=event.tech_stack,
                tags=event.tags,
                estimated_setup_time=event.estimated_setup_time,
                complexity=event.complexity,
            )
        )

    @on(TemplateChanged)
    def template_changed(self, event: TemplateChanged, recorded: RecordedEvent, rows: Rows) -> None:
        template = rows.get(Template)
        template.name, template.description = event.name, event.description
        template.category, template.complexity = event.category, event.complexity
        template.files, template.tags = event.files, event.tags
        template.required_vars, template.optional_vars = event.required_vars, event.optional_vars
        template.tech_stack = event.tech_stack
        template.estimated_setup_time = event.estimated_setup_time

    @on(TemplateRemoved)
    def template_removed(self, event: TemplateRemoved, recorded: RecordedEvent, rows: Rows) -> None:
        rows.remove(Template)


def _active(rows: Rows) -> ProjectContext:
    """The project, to be changed; raises IllegalTransition for one that rests."""
    project = rows.get(ProjectContext)
    _must_be_active(project)
    return project


def _must_be_active(project: ProjectContext) -> None:
    if project.status != "active":
        raise IllegalTransition("project_contexts", project.id, project.status, "changed")


def _changed(files: dict[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """The files after some of them were changed, added or, where null is said, removed."""
    after = {**files, **changes}
    return {path: content for path, content in after.items() if content is not None}


def _as_json(variables: Mapping[str, str | Sealed]) -> dict[str, Any]:
    """Environment variables as the table has them; what is sealed stays so."""
    return {
        name: value if isinstance(value, str) else value.model_dump()
        for name, value in variables.items()
    }


def _move(rows: Rows, event: Judged | Made) -> Modification:
    """The change, in the status that the event leads to; raises IllegalTransition."""
    modification, after = rows.get(Modification), _MODIFICATION_STATUS[type(event)]
    if after not in MODIFICATION_MOVES[modification.status]:
        raise IllegalTransition("modifications", modification.id, modification.status, after)
    modification.status = after
    return modification


def _made(event: Made, rows: Rows) -> Modification:
    """The change that was applied or failed, of the project that the event names."""
    modification = _move(rows, event)
    if modification.project_id != event.project_id:
        raise Contradiction(
            "modifications",
            modification.id,
            "project_id",
            modification.project_id,
            event.project_id,
        )
    modification.test_results = event.test_results
    return modification
