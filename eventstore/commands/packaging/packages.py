"""A package as a whole: registered, described, moved on, deleted, restored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self
from uuid import UUID

from pydantic import Field

from eventstore.command import Command, Decision, State
from eventstore.commands.event_of import event_of
from eventstore.commands.unique import unique
from eventstore.event import Event
from eventstore.guards import Claim
from eventstore.refusals import AlreadyExists, DoesNotExist, NotAllowed, require_move
from eventstore.vocabulary.fields import Json, Name, Release
from eventstore.vocabulary.packaging import (
    PACKAGE_MOVES,
    DocumentationWritten,
    InstallerAdded,
    PackageDeleted,
    PackageDetailsChanged,
    PackageRegistered,
    PackageRestored,
    PackageStatus,
    PackageStatusChanged,
    PolicyCreated,
    ScriptGenerated,
)

__all__ = [
    "ChangePackageDetails",
    "DeletePackage",
    "MovePackage",
    "OfPackage",
    "Package",
    "PartKind",
    "RegisterPackage",
    "RestorePackage",
    "package_stream",
]

PartKind = Literal["installer", "script", "policy", "documentation"]


@dataclass(frozen=True, slots=True)
class Package:
    """What the rules have to know of a package; the read model's refusals are refused here too."""

    identity: tuple[str, str, str] | None = None
    """Publisher, name and version; None when there is no such package."""
    status: PackageStatus = "draft"
    deleted: bool = False
    parts: frozenset[tuple[PartKind, UUID]] = frozenset()

    def after(self, event: Event) -> Self:
        match event:
            case PackageRegistered() if self.identity is None:
                return replace(self, identity=(event.publisher, event.name, event.version))
            case PackageStatusChanged(from_status=self.status):
                return replace(self, status=event.to_status)
            case PackageDeleted() | PackageRestored():
                return replace(self, deleted=isinstance(event, PackageDeleted))
            case InstallerAdded():
                return self._with("installer", event.installer_id)
            case ScriptGenerated():
                return self._with("script", event.script_id)
            case PolicyCreated():
                return self._with("policy", event.policy_id)
            case DocumentationWritten():
                return self._with("documentation", event.documentation_id)
        return self

    def _with(self, kind: PartKind, part_id: UUID) -> Self:
        return replace(self, parts=self.parts | {(kind, part_id)})

    def require(self, package_id: UUID) -> tuple[str, str, str]:
        """Its identity; raises DoesNotExist when it never existed."""
        if self.identity is None:
            raise DoesNotExist("package", package_id)
        return self.identity

    def require_in_use(self, package_id: UUID) -> tuple[str, str, str]:
        """Its identity; raises DoesNotExist when it is not there, or deleted."""
        identity = self.require(package_id)
        if self.deleted:
            raise DoesNotExist("package", package_id, deleted=True)
        return identity


def package_stream(package_id: UUID) -> str:
    """The stream of a package and of its parts."""
    return f"package-{package_id}"


def _name(identity: tuple[str, str, str]) -> Claim:
    return unique("packaging.package", *identity)


class OfPackage(Command):
    """The base of what is asked of one package."""

    package_id: UUID

    def reads(self) -> dict[str, State]:
        return {package_stream(self.package_id): Package()}


class RegisterPackage(OfPackage):
    """Makes a package, a draft; none in use may have its publisher, name and version."""

    name: Name
    version: Release
    publisher: Name
    description: str | None = None
    metadata: Json = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)

    def decide(self, package: Package) -> Decision:
        """Refused as AlreadyExists."""
        if package.identity is not None:
            raise AlreadyExists("package", self.package_id)
        claim = _name((self.publisher, self.name, self.version))
        return Decision([event_of(PackageRegistered, self)], claims=[claim])


class ChangePackageDetails(OfPackage):
    """Gives a package these details, all of them."""

    description: str | None
    metadata: Json
    tags: list[str]

    def decide(self, package: Package) -> Event:
        """Refused as DoesNotExist."""
        package.require_in_use(self.package_id)
        return event_of(PackageDetailsChanged, self)


class MovePackage(OfPackage):
    """Moves a package to its next status, by PACKAGE_MOVES."""

    to_status: PackageStatus
    reason: str | None = None

    def decide(self, package: Package) -> Event:
        """Refused as DoesNotExist, IllegalMove."""
        package.require_in_use(self.package_id)
        require_move("package", self.package_id, PACKAGE_MOVES, package.status, self.to_status)
        return event_of(PackageStatusChanged, self, from_status=package.status)


class DeletePackage(OfPackage):
    """Takes a package out of use; another one may have its name then."""

    reason: str | None = None

    def decide(self, package: Package) -> Decision:
        """Refused as DoesNotExist."""
        name = _name(package.require_in_use(self.package_id))
        return Decision([event_of(PackageDeleted, self)], releases=[name])


class RestorePackage(OfPackage):
    """Takes a deleted package into use again, if no other one has its name by now."""

    reason: str | None = None

    def decide(self, package: Package) -> Decision:
        """Refused as DoesNotExist, NotAllowed."""
        name = _name(package.require(self.package_id))
        if not package.deleted:
            raise NotAllowed(f"package {self.package_id} is in use; only a deleted one is restored")
        return Decision([event_of(PackageRestored, self)], claims=[name])
