"""The read model of the rebuilds: one row a package, of what its history says.

    git log of a package index → these events → one row a package

The fold is the same one that `sql/folds.sql` states as SQL for the floors, column for column; a
test compares the tables. PackageHistoriesInSql states it so for the engine.
"""

from __future__ import annotations

from eventstore import Event, RecordedEvent
from projections.projection import Projection, Rows, on
from projections.row import Row, table

__all__ = [
    "ManifestEdited",
    "PackageAdded",
    "PackageChange",
    "PackageHistories",
    "PackageHistoriesInSql",
    "PackageHistory",
    "PackageRemoved",
    "ReleasePackaged",
]


class PackageChange(Event):
    """A commit changed a package's manifest; `package` is unique among all indexes."""

    package: str
    commit: str
    subject: str


class PackageAdded(PackageChange, event_type="bench.package_added"):
    """The index has the package from now on, or again."""

    release: str | None = None


class ReleasePackaged(PackageChange, event_type="bench.release_packaged"):
    """The package is of another release now."""

    release: str


class ManifestEdited(PackageChange, event_type="bench.manifest_edited"):
    """The manifest changed in something else: an address, a hash, a word."""


class PackageRemoved(PackageChange, event_type="bench.package_removed"):
    """The index has the package no more."""


@table("package_histories", key="package", named_by=("package",))
class PackageHistory(Row):
    """What became of a package."""

    package: str
    changes: int = 0
    releases: int = 0
    latest_release: str | None = None
    latest_commit: str = ""
    removed: bool = False


class PackageHistories(
    Projection, name="package_histories", tables=(PackageHistory,), shard_by="package"
):
    """A history may begin anywhere: a move of files is not always an addition in the log."""

    @on(PackageAdded)
    def added(self, event: PackageAdded, recorded: RecordedEvent, rows: Rows) -> None:
        row = _changed(event, rows)
        row.removed = False
        if event.release is not None:
            _released(row, event.release)

    @on(ReleasePackaged)
    def release_packaged(self, event: ReleasePackaged, recorded: RecordedEvent, rows: Rows) -> None:
        row = _changed(event, rows)
        row.removed = False
        _released(row, event.release)

    @on(ManifestEdited)
    def manifest_edited(self, event: ManifestEdited, recorded: RecordedEvent, rows: Rows) -> None:
        _changed(event, rows).removed = False

    @on(PackageRemoved)
    def package_removed(self, event: PackageRemoved, recorded: RecordedEvent, rows: Rows) -> None:
        _changed(event, rows).removed = True


class PackageHistoriesInSql(
    PackageHistories,
    name="package_histories",
    tables=(PackageHistory,),
    fold_sql="package_histories_fold.sql",
):
    """The same rules, and the fold in SQL beside them."""


def _changed(event: PackageChange, rows: Rows) -> PackageHistory:
    row = rows.find(PackageHistory)
    if row is None:
        row = PackageHistory(package=event.package)
        rows.add(row)
    row.changes += 1
    row.latest_commit = event.commit
    return row


def _released(row: PackageHistory, release: str) -> None:
    row.releases += 1
    row.latest_release = release
