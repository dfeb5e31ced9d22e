"""What is answered about projects, how they are changed, and what they are made from."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from eventstore.vocabulary.projects import (
    Complexity,
    ModificationStatus,
    ProjectStatus,
    TemplateCategory,
)
from projections.questions import Answer

__all__ = [
    "ModificationFound",
    "ModificationShown",
    "ProjectFound",
    "ProjectWithParts",
    "TemplateFound",
    "TemplateShown",
]


class ProjectShown(Answer):
    """A project itself. The scores go from 0 to 100."""

    id: UUID
    name: str
    type: str
    status: ProjectStatus
    owner_id: str
    codebase: dict[str, str]
    dependencies: list[str]
    environment_vars: dict[str, Any]
    deployment_config: dict[str, Any]
    test_coverage: Decimal
    security_score: Decimal
    performance_score: Decimal
    last_deployed_at: datetime | None
    updated_at: datetime


class ProjectFound(Answer):
    """A project in a list."""

    id: UUID
    name: str
    type: str
    status: ProjectStatus
    owner_id: str
    lowest_score: float
    """The lowest of its three scores, 0 to 100."""
    last_deployed_at: datetime | None
    updated_at: datetime


class ModificationFound(Answer):
    """A modification in a list."""

    id: UUID
    project_id: UUID
    request: str
    requested_by: str
    requested_at: datetime
    status: ModificationStatus
    reason: str | None
    applied_at: datetime | None
    affected_files: list[str]


class ModificationShown(ModificationFound):
    """A modification with what was expected of it, and what it did."""

    impact_analysis: dict[str, Any]
    modified_files: dict[str, str | None]
    test_results: dict[str, Any]


class ProjectWithParts(Answer):
    """A project, and its newest fifty modifications, the newest first."""

    project: ProjectShown
    modifications: list[ModificationFound]


class TemplateFound(Answer):
    """A template in a list."""

    id: UUID
    name: str
    description: str
    category: TemplateCategory
    tech_stack: list[str]
    tags: list[str]
    estimated_setup_time: int
    """Minutes."""
    complexity: Complexity


class TemplateShown(TemplateFound):
    """A template with its files, and what has to be filled in."""

    files: dict[str, str]
    required_vars: list[str]
    optional_vars: list[str]
