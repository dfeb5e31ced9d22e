"""Commands of projects, in an order in which each is granted; they lead to every event."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from eventstore import Command
from eventstore.commands import projects as asked

__all__ = ["MORE", "STORY"]

TEMPLATE, PROJECT, OTHER = (UUID(int=0x7000 + n) for n in range(3))
APPLIED, REJECTED, FAILED, LATE = (UUID(int=0x7100 + n) for n in range(4))
described: dict[str, Any] = {
    "template_id": TEMPLATE,
    "name": "Service",
    "description": "",
    "category": "api",
    "estimated_setup_time": 5,
    "complexity": "simple",
}


def of(modification: UUID, project: UUID = PROJECT) -> dict[str, Any]:
    return {"modification_id": modification, "project_id": project}


def requested(modification: UUID, project: UUID = PROJECT) -> Command:
    return asked.RequestModification(
        **of(modification, project), request="r", requested_by="ann", affected_files=["a.py"]
    )


STORY: list[Command] = [
    asked.CreateTemplate(**described),
    asked.ChangeTemplate(**described),
    asked.CreateProject(
        project_id=PROJECT,
        name="n",
        type="api",
        owner_id="ann",
        codebase={"a.py": ""},
        template_id=TEMPLATE,
    ),
    asked.CreateProject(project_id=OTHER, name="o", type="cli", owner_id="bob"),
    asked.RemoveTemplate(template_id=TEMPLATE, reason="old"),
    asked.ChangeProjectDetails(project_id=PROJECT, name="m", type="api"),
    asked.ChangeProjectOwner(project_id=PROJECT, owner_id="bob"),
    asked.ChangeCodebase(project_id=PROJECT, changed_files={"a.py": None, "b.py": "x"}),
    asked.ChangeDependencies(project_id=PROJECT, dependencies=["x>=1"]),
    asked.ChangeEnvironment(project_id=PROJECT, environment_vars={"LOG_LEVEL": "info"}),
    asked.ChangeDeploymentConfig(project_id=PROJECT, deployment_config={"replicas": 2}),
    asked.MeasureQuality(project_id=PROJECT, test_coverage=Decimal(90)),
    asked.DeployProject(project_id=PROJECT, environment="production"),
    requested(APPLIED),
    asked.AnalyzeModification(**of(APPLIED), impact_analysis={"risk": "low"}, affected_files=[]),
    asked.ApproveModification(**of(APPLIED)),
    asked.ApplyModification(**of(APPLIED), modified_files={"a.py": "y"}),
    requested(REJECTED),
    asked.RejectModification(**of(REJECTED), reason="large"),
    requested(FAILED),
    asked.ApproveModification(**of(FAILED)),
    asked.FailModification(**of(FAILED), reason="tests"),
    asked.ArchiveProject(project_id=OTHER),
    asked.RestoreProject(project_id=OTHER),
    asked.DeleteProject(project_id=OTHER),
]

MORE: list[Command] = [
    *(
        kind(project_id=project)
        for kind in (asked.ArchiveProject, asked.DeleteProject, asked.RestoreProject)
        for project in (PROJECT, OTHER)
    ),
    *(
        kind(**of(modification))
        for kind in (
            asked.ApproveModification,
            asked.RejectModification,
            asked.FailModification,
        )
        for modification in (APPLIED, REJECTED, FAILED)
    ),
    asked.ApplyModification(**of(REJECTED), modified_files={"a.py": None}),
    requested(LATE),
    asked.ApproveModification(**of(LATE)),
    asked.ApplyModification(**of(LATE), modified_files={}),
    asked.ApplyModification(**of(FAILED), modified_files={}),
    requested(REJECTED, OTHER),
    asked.ApproveModification(**of(REJECTED, OTHER)),
    asked.ApplyModification(**of(REJECTED, OTHER), modified_files={}),
    asked.FailModification(**of(APPLIED, OTHER)),
    asked.MeasureQuality(project_id=OTHER, security_score=Decimal(1)),
]
"""Others about the same things, which are granted or not, as it comes."""
