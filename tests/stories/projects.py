"""Every event of projects at least once; in the end there is a row in every table."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from eventstore import Event
from eventstore.vocabulary import projects
from eventstore.vocabulary.secrets import Sealed

__all__ = ["MODIFICATION", "PROJECT", "STORY", "TEMPLATE"]

PROJECT, OTHER_PROJECT = UUID(int=0x3001), UUID(int=0x3002)
MODIFICATION, REJECTED, FAILED = (UUID(int=0x3100 + n) for n in range(3))
TEMPLATE, OTHER_TEMPLATE = UUID(int=0x3201), UUID(int=0x3202)


def asked(modification: UUID, project: UUID = PROJECT) -> projects.ModificationRequested:
    return projects.ModificationRequested(
        modification_id=modification,
        project_id=project,
        request="Answer in „UTF-8“ \U0001f40d",
        requested_by="ann",
        affected_files=["src/main.py", 'a\\b{c},"d"'],
    )


def described(
    kind: type[projects.TemplateCreated] | type[projects.TemplateChanged], template: UUID
) -> projects.TemplateCreated | projects.TemplateChanged:
    return kind(
        template_id=template,
        name="Service",
        description="",
        category="microservice",
        files={"Dockerfile": "FROM scratch\n"},
        required_vars=["name"],
        optional_vars=[],
        tech_stack=["python", "postgresql"],
        tags=["rest", "NULL", "null", "a,b"],
        estimated_setup_time=30,
        complexity="medium",
    )


STORY: list[Event] = [
    described(projects.TemplateCreated, TEMPLATE),
    described(projects.TemplateCreated, OTHER_TEMPLATE),
    described(projects.TemplateChanged, TEMPLATE),
    projects.TemplateRemoved(template_id=OTHER_TEMPLATE),
    projects.ProjectCreated(
        project_id=PROJECT,
        name="Turbines",
        type="web_app",
        owner_id="ann",
        codebase={"src/main.py": "print(1)\n", "README.md": "sha256:00"},
        dependencies=["fastapi>=0.115", 'it\'s "quoted"'],
        environment_vars={
            "LOG_LEVEL": "info",
            "DB_PASSWORD": Sealed(ciphertext="c2VhbGVk", key_id="k1"),
        },
        deployment_config={"replicas": 2, "ratio": 1e20},
        template_id=TEMPLATE,
    ),
    projects.ProjectCreated(project_id=OTHER_PROJECT, name="x", type="cli", owner_id="bob"),
    projects.ProjectDetailsChanged(project_id=PROJECT, name="Windmills", type="api"),
    projects.ProjectOwnerChanged(project_id=PROJECT, owner_id="bob"),
    projects.CodebaseChanged(
        project_id=PROJECT, changed_files={"README.md": None, "src/new.py": "x = 1\n"}
    ),
    projects.DependenciesChanged(project_id=PROJECT, dependencies=["fastapi>=0.120", "NULL"]),
    projects.EnvironmentChanged(
        project_id=PROJECT, environment_vars={"API_KEY": Sealed(ciphertext="AAAA", key_id="k2")}
    ),
    projects.DeploymentConfigChanged(project_id=PROJECT, deployment_config={"replicas": 3}),
    projects.QualityMeasured(
        project_id=PROJECT,
        test_coverage=Decimal("87.50"),
        security_score=Decimal("1E+1"),
        performance_score=Decimal("33.333333333333333333"),
    ),
    projects.ProjectDeployed(project_id=PROJECT, environment="production", revision="v1"),
    asked(MODIFICATION),
    projects.ModificationAnalyzed(
        modification_id=MODIFICATION,
        impact_analysis={"risk": "low"},
        affected_files=["src/main.py"],
    ),
    projects.ModificationApproved(modification_id=MODIFICATION, reason="small"),
    projects.ModificationApplied(
        modification_id=MODIFICATION,
        project_id=PROJECT,
        modified_files={"src/main.py": "print(2)\n", "src/new.py": None},
        test_results={"passed": True},
    ),
    asked(REJECTED),
    projects.ModificationRejected(modification_id=REJECTED, reason="large"),
    asked(FAILED),
    projects.ModificationApproved(modification_id=FAILED),
    projects.ModificationFailed(
        modification_id=FAILED,
        project_id=PROJECT,
        reason="tests",
        test_results={"passed": False},
    ),
    projects.ProjectArchived(project_id=OTHER_PROJECT),
    projects.ProjectDeleted(project_id=OTHER_PROJECT),
    projects.ProjectRestored(project_id=OTHER_PROJECT),
    projects.ProjectDeleted(project_id=OTHER_PROJECT, reason="a trial"),
]
