"""The parts of a package: installers, install scripts, policies, documentation.

The id of a part is unique among those of its kind, whatever package they belong to.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from eventstore.command import Decision
from eventstore.commands.event_of import event_of
from eventstore.commands.packaging.packages import OfPackage, Package, PartKind
from eventstore.commands.unique import unique
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist
from eventstore.vocabulary.fields import Json, Name, Sha256
from eventstore.vocabulary.packaging import (
    DocumentationRevised,
    DocumentationWritten,
    InstallerAdded,
    InstallerAnalyzed,
    PolicyCreated,
    PolicyTested,
    ScriptGenerated,
    ScriptRevised,
)

__all__ = [
    "AddInstaller",
    "CreatePolicy",
    "GenerateScript",
    "RecordInstallerAnalysis",
    "RecordPolicyTest",
    "ReviseDocumentation",
    "ReviseScript",
    "WriteDocumentation",
]


class _OfPart(OfPackage):
    def _added(self, package: Package, kind: PartKind, part_id: UUID, event: Event) -> Decision:
        """The decision that a package has a new part."""
        package.require_in_use(self.package_id)
        if (kind, part_id) in package.parts:
            raise AlreadyExists(kind, part_id)
        return Decision([event], claims=[unique(f"packaging.{kind}", part_id)])

    def _require(self, package: Package, kind: PartKind, part_id: UUID) -> None:
        """Raises DoesNotExist when the package is not in use, or has no such part."""
        package.require_in_use(self.package_id)
        if (kind, part_id) not in package.parts:
            raise DoesNotExist(f"{kind} of package {self.package_id},", part_id)


class AddInstaller(_OfPart):
    """Gives a package an installer file, which becomes its current one."""

    installer_id: UUID
    filename: Name
    file_path: str
    file_type: Annotated[str, StringConstraints(min_length=1, max_length=50)]
    """Such as msi, exe, whl."""
    size_bytes: Annotated[int, Field(ge=0, le=2**63 - 1)]
    sha256: Sha256
    analysis_data: Json = Field(default_factory=dict)

    def decide(self, package: Package) -> Decision:
        """Refused as DoesNotExist, AlreadyExists."""
        return self._added(package, "installer", self.installer_id, event_of(InstallerAdded, self))


class RecordInstallerAnalysis(_OfPart):
    """States what an analysis of an installer found, all of it."""

    installer_id: UUID
    analysis_data: Json

    def decide(self, package: Package) -> Event:
        """Refused as DoesNotExist."""
        self._require(package, "installer", self.installer_id)
        return event_of(InstallerAnalyzed, self)


class GenerateScript(_OfPart):
    """Gives a package an install script, which becomes its current one."""

    script_id: UUID
    script_content: str
    parameters: Json = Field(default_factory=dict)

    def decide(self, package: Package) -> Decision:
        """Refused as DoesNotExist, AlreadyExists."""
        return self._added(package, "script", self.script_id, event_of(ScriptGenerated, self))


class ReviseScript(_OfPart):
    """Makes the next version of an install script, with this text."""

    script_id: UUID
    script_content: str
    parameters: Json = Field(default_factory=dict)
    reason: str | None = None

    def decide(self, package: Package) -> Event:
        """Refused as DoesNotExist."""
        self._require(package, "script", self.script_id)
        return event_of(ScriptRevised, self)


class CreatePolicy(_OfPart):
    """Gives a package an application-control policy, which becomes its current one."""

    policy_id: UUID
    policy_xml: str
    policy_rules: Json = Field(default_factory=dict)

    def decide(self, package: Package) -> Decision:
        """Refused as DoesNotExist, AlreadyExists."""
        return self._added(package, "policy", self.policy_id, event_of(PolicyCreated, self))


class RecordPolicyTest(_OfPart):
    """States how a package's policy did against its files."""

    policy_id: UUID
    passed: bool
    test_results: Json = Field(default_factory=dict)

    def decide(self, package: Package) -> Event:
        """Refused as DoesNotExist."""
        self._require(package, "policy", self.policy_id)
        return event_of(PolicyTested, self)


class WriteDocumentation(_OfPart):
    """Gives a package documentation, which becomes its current one."""

    documentation_id: UUID
    content: str
    sections: Json = Field(default_factory=dict)

    def decide(self, package: Package) -> Decision:
        """Refused as DoesNotExist, AlreadyExists."""
        return self._added(
            package, "documentation", self.documentation_id, event_of(DocumentationWritten, self)
        )


class ReviseDocumentation(_OfPart):
    """Gives a package's documentation this text, all of it."""

    documentation_id: UUID
    content: str
    sections: Json = Field(default_factory=dict)

    def decide(self, package: Package) -> Event:
        """Refused as DoesNotExist."""
        self._require(package, "documentation", self.documentation_id)
        return event_of(DocumentationRevised, self)
