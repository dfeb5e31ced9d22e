"""The tables of packaging. Each class is a table, each field a column."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Any
from uuid import UUID

from eventstore.encoding.vector import Vector
from eventstore.vocabulary.packaging import (
    AgentActivity,
    PackageRegistered,
    PackageStatus,
    PackageStatusChanged,
    ScriptGenerated,
    ScriptRevised,
    SystemConfigChanged,
)
from projections.row import Row, table

__all__ = [
    "AgentState",
    "Documentation",
    "Installer",
    "KnowledgeItem",
    "Package",
    "ProcessHistory",
    "PsadtScript",
    "PsadtScriptVersion",
    "SystemConfig",
    "SystemConfigHistory",
    "WdacPolicy",
]


@table("packages", key="id", named_by=("package_id",))
class Package(Row):
    """A software package on its way to approval."""

    id: UUID
    name: str
    version: str
    publisher: str
    description: str | None = None
    status: PackageStatus = "draft"
    installer_id: UUID | None = None
    psadt_script_id: UUID | None = None
    wdac_policy_id: UUID | None = None
    documentation_id: UUID | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    deleted_at: datetime | None = None


@table("installers", key="id", named_by=("installer_id",))
class Installer(Row):
    """An installer file of a package."""

    id: UUID
    package_id: UUID
    filename: str
    file_path: str
    file_type: str
    size_bytes: int
    sha256: str
    analysis_data: dict[str, Any] = field(default_factory=dict)


@table("psadt_scripts", key="id", named_by=("script_id",))
class PsadtScript(Row):
    """An install script of a package, as it is now."""

    id: UUID
    package_id: UUID
    script_content: str
    parameters: dict[str, Any] = field(default_factory=dict)
    script_version: int = 1


@table(
    "psadt_script_versions",
    key="event_id",
    named_by=("event_id",),
    named_only_by=(ScriptGenerated, ScriptRevised),
)
class PsadtScriptVersion(Row):
    """A version of an install script."""

    event_id: UUID
    script_id: UUID
    script_version: int
    script_content: str
    parameters: dict[str, Any] = field(default_factory=dict)
    agent: str | None
    reason: str | None = None


@table("wdac_policies", key="id", named_by=("policy_id",))
class WdacPolicy(Row):
    """An application-control policy of a package, and how it did in its last test."""

    id: UUID
    package_id: UUID
    policy_xml: str
    policy_rules: dict[str, Any] = field(default_factory=dict)
    test_results: dict[str, Any] = field(default_factory=dict)
    test_passed: bool | None = None


@table("documentation", key="id", named_by=("documentation_id",), searched=("content",))
class Documentation(Row):
    """Documentation of a package."""

    id: UUID
    package_id: UUID
    content: str
    sections: dict[str, Any] = field(default_factory=dict)
    embedding: Vector | None = None
    embedding_model: str | None = None


@table(
    "process_history",
    key="event_id",
    named_by=("event_id",),
    named_only_by=(PackageRegistered, PackageStatusChanged),
)
class ProcessHistory(Row):
    """A move of a package's status."""

    event_id: UUID
    package_id: UUID
    from_status: PackageStatus | None
    to_status: PackageStatus
    agent: str | None
    reason: str | None
    correlation_id: UUID


@table("knowledge_items", key="id", named_by=("knowledge_item_id",), searched=("title", "content"))
class KnowledgeItem(Row):
    """Something that the team has learned."""

    id: UUID
    title: str
    content: str
    source_package_id: UUID | None = None
    embedding: Vector | None = None
    embedding_model: str | None = None


@table("system_config", key="key", named_by=("key",), named_only_by=(SystemConfigChanged,))
class SystemConfig(Row):
    """A setting of the team, as it is now."""

    key: str
    value: Any
    revision: int = 1
    updated_by: str


@table(
    "system_config_history",
    key="event_id",
    named_by=("event_id",),
    named_only_by=(SystemConfigChanged,),
)
class SystemConfigHistory(Row):
    """A value that a setting had."""

    event_id: UUID
    key: str
    value: Any
    revision: int
    updated_by: str
    reason: str | None = None


@table("agent_states", key="agent_name", named_by=("agent_name",))
class AgentState(Row):
    """What an agent of the team is at."""

    agent_name: str
    state: AgentActivity
    current_package_id: UUID | None = None
    last_seen_at: datetime
