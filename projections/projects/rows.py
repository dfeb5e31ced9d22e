"""The tables of projects. Each class is a table, each field a column."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from eventstore.vocabulary.projects import (
    Complexity,
    ModificationStatus,
    ProjectStatus,
    TemplateCategory,
    TemplateChanged,
    TemplateCreated,
    TemplateRemoved,
)
from projections.row import Row, table

__all__ = ["Modification", "ProjectContext", "Template"]


@table("project_contexts", key="id", named_by=("project_id",))
class ProjectContext(Row):
    """A code project, and what one has to know before changing it."""

    id: UUID
    name: str
    type: str
    status: ProjectStatus = "active"
    owner_id: str
    codebase: dict[str, str] = field(default_factory=dict)
    dependencies: list[str] = field(default_factory=list)
    environment_vars: dict[str, Any] = field(default_factory=dict)
    deployment_config: dict[str, Any] = field(default_factory=dict)
    test_coverage: Decimal = Decimal(0)
    security_score: Decimal = Decimal(0)
    performance_score: Decimal = Decimal(0)
    last_deployed_at: datetime | None = None


@table("modifications", key="id", named_by=("modification_id",))
class Modification(Row):
    """A change of a project, from the request on."""

    id: UUID
    project_id: UUID
    request: str
    requested_by: str
    requested_at: datetime
    impact_analysis: dict[str, Any] = field(default_factory=dict)
    affected_files: list[str] = field(default_factory=list)
    status: ModificationStatus = "pending"
    reason: str | None = None
    applied_at: datetime | None = None
    modified_files: dict[str, str | None] = field(default_factory=dict)
    test_results: dict[str, Any] = field(default_factory=dict)


@table(
    "templates",
    key="id",
    named_by=("template_id",),
    named_only_by=(TemplateCreated, TemplateChanged, TemplateRemoved),
)
class Template(Row):
    """What projects can be made from."""

    id: UUID
    name: str
    description: str
    category: TemplateCategory
    files: dict[str, str] = field(default_factory=dict)
    required_vars: list[str] = field(default_factory=list)
    optional_vars: list[str] = field(default_factory=list)
    tech_stack: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    estimated_setup_time: int
    complexity: Complexity
