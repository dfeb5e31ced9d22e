"""The first rules of packaging: packages, installers and process_history."""

from __future__ import annotations

from uuid import UUID

from eventstore import RecordedEvent
from eventstore.vocabulary.packaging import (
    DocumentationWritten,
    InstallerAdded,
    InstallerAnalyzed,
    PackageDeleted,
    PackageDetailsChanged,
    PackageRegistered,
    PackageRestored,
    PackageStatus,
    PackageStatusChanged,
    PolicyCreated,
    ScriptGenerated,
)
from projections.errors import Contradiction, IllegalTransition
from projections.packaging.rows import Installer, Package, ProcessHistory
from projections.projection import Projection, Rows, on

__all__ = ["PackagingV1"]


class PackagingV1(
    Projection,
    name="packaging",
    tables=(Package, Installer, ProcessHistory),
    shard_by="package_id",
):
    """Packages, their installers, and every move of their status."""

    @on(PackageRegistered)
    def registered(self, event: PackageRegistered, recorded: RecordedEvent, rows: Rows) -> None:
        rows.add(
            Package(
                id=event.package_id,
                name=event.name,
                version=event.version,
                publisher=event.publisher,
                description=event.description,
                metadata=event.metadata,
                tags=event.tags,
            )
        )
        rows.add(_move(event.package_id, None, "draft", None, recorded))

    @on(PackageDetailsChanged)
    def details_changed(
        self, event: PackageDetailsChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        package = rows.get(Package)
        package.description = event.description
        package.metadata = event.metadata
        package.tags = event.tags

    @on(PackageStatusChanged)
    def status_changed(
        self, event: PackageStatusChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        package = rows.get(Package)
        if package.status != event.from_status:
            raise IllegalTransition(
                "packages", package.id, package.status, event.to_status, event.from_status
            )
        package.status = event.to_status
        rows.add(_move(package.id, event.from_status, event.to_status, event.reason, recorded))

    @on(InstallerAdded)
    def installer_added(self, event: InstallerAdded, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Package).installer_id = event.installer_id
        rows.add(
            Installer(
                id=event.installer_id,
                package_id=event.package_id,
                filename=event.filename,
                file_path=event.file_path,
                file_type=event.file_type,
                size_bytes=event.size_bytes,
                sha256=event.sha256,
                analysis_data=event.analysis_data,
            )
        )

    @on(InstallerAnalyzed)
    def installer_analyzed(
        self, event: InstallerAnalyzed, recorded: RecordedEvent, rows: Rows
    ) -> None:
        installer = rows.get(Installer)
        if installer.package_id != event.package_id:
            raise Contradiction(
                "installers", installer.id, "package_id", installer.package_id, event.package_id
            )
        installer.analysis_data = event.analysis_data

    @on(ScriptGenerated)
    def script_generated(self, event: ScriptGenerated, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Package).psadt_script_id = event.script_id

    @on(PolicyCreated)
    def policy_created(self, event: PolicyCreated, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Package).wdac_policy_id = event.policy_id

    @on(DocumentationWritten)
    def documentation_written(
        self, event: DocumentationWritten, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.get(Package).documentation_id = event.documentation_id

    @on(PackageDeleted)
    def deleted(self, event: PackageDeleted, recorded: RecordedEvent, rows: Rows) -> None:
        package = rows.get(Package)
        if package.deleted_at is None:  # said twice, it is deleted since the first time
            package.deleted_at = recorded.occurred_at

    @on(PackageRestored)
    def restored(self, event: PackageRestored, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Package).deleted_at = None


def _move(
    package_id: UUID,
    before: PackageStatus | None,
    after: PackageStatus,
    reason: str | None,
    recorded: RecordedEvent,
) -> ProcessHistory:
    return ProcessHistory(
        event_id=recorded.event_id,
        package_id=package_id,
        from_status=before,
        to_status=after,
        agent=recorded.agent,
        reason=reason,
        correlation_id=recorded.correlation_id,
    )
