"""What is answered about packages and the team that makes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from eventstore.vocabulary.packaging import AgentActivity, PackageStatus
from projections.questions import Answer

__all__ = [
    "AgentShown",
    "Learned",
    "Move",
    "PackageFound",
    "PackageWithFile",
    "PackageWithParts",
    "Setting",
    "SettingWithHistory",
    "WaitingPackage",
]


class PackageShown(Answer):
    """A package itself."""

    id: UUID
    name: str
    version: str
    publisher: str
    description: str | None
    status: PackageStatus
    metadata: dict[str, Any]
    tags: list[str]
    deleted_at: datetime | None
    created_at: datetime
    updated_at: datetime


class InstallerShown(Answer):
    """A file that installs a package."""

    id: UUID
    filename: str
    file_path: str
    file_type: str
    size_bytes: int
    sha256: str
    analysis_data: dict[str, Any]
    created_at: datetime


class ScriptVersionShown(Answer):
    """A version of a script: by whom, and why."""

    script_version: int
    agent: str | None
    reason: str | None
    created_at: datetime


class ScriptShown(Answer):
    """A script as it is, and its newest fifty versions, the newest first."""

    id: UUID
    script_content: str
    parameters: dict[str, Any]
    script_version: int
    versions: list[ScriptVersionShown]


class PolicyShown(Answer):
    """An application-control policy, and how it did in its last test."""

    id: UUID
    policy_xml: str
    policy_rules: dict[str, Any]
    test_results: dict[str, Any]
    test_passed: bool | None


class DocumentationShown(Answer):
    """The documentation of a package."""

    id: UUID
    content: str
    sections: dict[str, Any]
    updated_at: datetime


class Move(Answer):
    """A move of a package's status; the registration has no status before."""

    event_id: UUID
    package_id: UUID
    from_status: PackageStatus | None
    to_status: PackageStatus
    agent: str | None
    reason: str | None
    correlation_id: UUID
    created_at: datetime
    position: int


class PackageWithParts(Answer):
    """A package with its current parts; of installers and moves, the newest fifty."""

    package: PackageShown
    installer_id: UUID | None
    """The current one of the installers."""
    installers: list[InstallerShown]
    script: ScriptShown | None
    policy: PolicyShown | None
    documentation: DocumentationShown | None
    history: list[Move]
    """The newest first."""


class PackageFound(Answer):
    """A package in a list."""

    id: UUID
    name: str
    version: str
    publisher: str
    status: PackageStatus
    tags: list[str]
    created_at: datetime
    updated_at: datetime


class PackageWithFile(Answer):
    """A package that installs a file."""

    installer_id: UUID
    filename: str
    package_id: UUID
    name: str
    version: str
    publisher: str
    status: PackageStatus


class WaitingPackage(Answer):
    """A package that waits for approval, and what speaks for it."""

    id: UUID
    name: str
    version: str
    publisher: str
    created_at: datetime
    since: datetime | None
    """When it came to wait."""
    asked_by: str | None
    reason: str | None
    test_passed: bool | None
    """Whether its policy passed the last test; None before one."""
    documented: bool


class SettingChange(Answer):
    """A value that a setting had."""

    revision: int
    value: Any
    updated_by: str
    reason: str | None
    created_at: datetime


class Setting(Answer):
    """A setting of the system."""

    key: str
    value: Any
    revision: int
    updated_by: str
    updated_at: datetime


class SettingWithHistory(Setting):
    """A setting, and its newest fifty values, the newest first."""

    history: list[SettingChange]


class AgentShown(Answer):
    """What an agent of the team is doing."""

    agent_name: str
    state: AgentActivity
    current_package_id: UUID | None
    package: str | None
    last_seen_at: datetime


class Learned(Answer):
    """Something that was learned from a package."""

    id: UUID
    title: str
    content: str
    updated_at: datetime
