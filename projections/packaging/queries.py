"""What people ask about packages, their parts, and the team that makes them."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from eventstore.connection.queries import load
from eventstore.vocabulary.packaging import PackageStatus
from projections.packaging.answers import (
    AgentShown,
    Learned,
    Move,
    PackageFound,
    PackageWithFile,
    PackageWithParts,
    Setting,
    SettingWithHistory,
    WaitingPackage,
)
from projections.questions import Questions

__all__ = ["PackagingQueries"]

PARTS: Final = 50
"""Of each kind of parts that come with a thing, that many at most."""


class PackagingQueries(Questions, sql=load("projections.packaging", "queries.sql")):
    """What people ask. A page of a list goes on after the last answer of the one before."""

    def package(self, package_id: UUID) -> PackageWithParts | None:
        """A package, deleted or not, with all its parts."""
        return self._one(PackageWithParts, "package", package_id=package_id, parts=PARTS)

    def named(self, publisher: str, name: str, version: str) -> PackageFound | None:
        """The package in use of that name."""
        return self._one(PackageFound, "named", publisher=publisher, name=name, version=version)

    def of_status(
        self, status: PackageStatus, *, after: PackageFound | None = None, limit: int = 50
    ) -> list[PackageFound]:
        """The packages in use of a status, the oldest first."""
        return self._many(
            PackageFound,
            "of_status",
            status=status,
            after_created=after and after.created_at,
            after_id=after and after.id,
            limit=limit,
        )

    def of_publisher(
        self, publisher: str, *, after: PackageFound | None = None, limit: int = 50
    ) -> list[PackageFound]:
        """The packages in use of a publisher, by name and version."""
        return self._many(
            PackageFound,
            "of_publisher",
            publisher=publisher,
            after_name=after and after.name,
            after_version=after and after.version,
            limit=limit,
        )

    def tagged(self, tag: str, *, after: UUID | None = None, limit: int = 50) -> list[PackageFound]:
        """The packages in use that have a tag, by id."""
        return self._many(PackageFound, "tagged", tag=tag, after=after, limit=limit)

    def with_file(
        self, sha256: str, *, after: UUID | None = None, limit: int = 50
    ) -> list[PackageWithFile]:
        """The packages in use that install a file, by the installer's id."""
        return self._many(PackageWithFile, "with_file", sha256=sha256, after=after, limit=limit)

    def waiting_approval(
        self, *, after: WaitingPackage | None = None, limit: int = 50
    ) -> list[WaitingPackage]:
        """The packages that wait for approval, the oldest package first."""
        return self._many(
            WaitingPackage,
            "waiting_approval",
            after_created=after and after.created_at,
            after_id=after and after.id,
            limit=limit,
        )

    def moves(self, package_id: UUID, *, before: int | None = None, limit: int = 50) -> list[Move]:
        """The moves of a package, the newest first, those before a position."""
        return self._many(Move, "moves", package_id=package_id, before=before, limit=limit)

    def moves_in_run(
        self, correlation_id: UUID, *, after: int | None = None, limit: int = 50
    ) -> list[Move]:
        """The moves of all packages in a run, in the order of the log, those after a position."""
        return self._many(
            Move, "moves_in_run", correlation_id=correlation_id, after=after, limit=limit
        )

    def setting(self, key: str) -> SettingWithHistory | None:
        """A setting of the system, and what it was before."""
        return self._one(SettingWithHistory, "setting", key=key, parts=PARTS)

    def settings(self, *, after: str | None = None, limit: int = 50) -> list[Setting]:
        """The settings of the system, by key."""
        return self._many(Setting, "settings", after=after, limit=limit)

    def agents(self, *, after: str | None = None, limit: int = 50) -> list[AgentShown]:
        """What the agents of the team are doing, by name."""
        return self._many(AgentShown, "agents", after=after, limit=limit)

    def learned_from(
        self, package_id: UUID, *, after: UUID | None = None, limit: int = 50
    ) -> list[Learned]:
        """What was learned from a package, by id."""
        return self._many(Learned, "learned_from", package_id=package_id, after=after, limit=limit)
