"""The tables of packaging. Each class is a table, each field a column."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Any
from uuid import UUID

from eventstore.vocabulary.packaging import (
    PackageRegistered,
    PackageStatus,
    PackageStatusChanged,
)
from projections.row import Row, table

__all__ = ["Installer", "Package", "ProcessHistory"]


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
