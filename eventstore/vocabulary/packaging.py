"""What happens to packages: registered, analysed, scripted, put under a policy, tested, approved.

    draft → analyzing → generating_script → creating_policy → testing → waiting_approval → completed

Any of these but completed may become failed, and failed may become draft: a new try.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final, Literal, Self, get_args
from uuid import UUID

from pydantic import Field, StringConstraints, ValidationInfo, model_validator

from eventstore.event import BigInt, Event
from eventstore.vocabulary.fields import Json, Name
from eventstore.vocabulary.moves import check_move

__all__ = [
    "PACKAGE_MOVES",
    "DocumentationWritten",
    "InstallerAdded",
    "InstallerAnalyzed",
    "PackageDeleted",
    "PackageDetailsChanged",
    "PackageRegistered",
    "PackageRestored",
    "PackageStatus",
    "PackageStatusChanged",
    "PolicyCreated",
    "PolicyTested",
    "ScriptGenerated",
]

PackageStatus = Literal[
    "draft",
    "analyzing",
    "generating_script",
    "creating_policy",
    "testing",
    "waiting_approval",
    "completed",
    "failed",
]

_ORDER: Final[tuple[PackageStatus, ...]] = get_args(PackageStatus)[:-1]

PACKAGE_MOVES: Final[dict[PackageStatus, frozenset[PackageStatus]]] = {
    **{before: frozenset({after, "failed"}) for before, after in pairwise(_ORDER)},
    "completed": frozenset(),
    "failed": frozenset({"draft"}),
}
"""Which status may follow which."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 digest in lower-case hexadecimal."""


class PackageRegistered(Event, event_type="packaging.package_registered"):
    """A package exists now, as a draft; publisher, name and version tell it from all others."""

    package_id: UUID
    name: Name
    version: Annotated[str, StringConstraints(min_length=1, max_length=50)]
    publisher: Name
    description: str | None = None
    metadata: Json = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)


class PackageDetailsChanged(Event, event_type="packaging.package_details_changed"):
    """These are the package's details now, all of them."""

    package_id: UUID
    description: str | None
    metadata: Json
    tags: list[str]


class PackageStatusChanged(Event, event_type="packaging.package_status_changed"):
    """A package moved from one status to the next; illegal moves can't be said."""

    package_id: UUID
    from_status: PackageStatus
    to_status: PackageStatus
    reason: str | None = None

    @model_validator(mode="after")
    def _legal(self, info: ValidationInfo) -> Self:
        check_move(PACKAGE_MOVES, self.from_status, self.to_status, info)
        return self


class InstallerAdded(Event, event_type="packaging.installer_added"):
    """A package has an installer file; it is the package's current one from now on."""

    installer_id: UUID
    package_id: UUID
    filename: Name
    file_path: str
    file_type: Annotated[str, StringConstraints(min_length=1, max_length=50)]
    """Such as msi, exe, whl."""
    size_bytes: Annotated[int, BigInt, Field(ge=0)]
    sha256: Sha256
    analysis_data: Json = Field(default_factory=dict)


class InstallerAnalyzed(Event, event_type="packaging.installer_analyzed"):
    """This is what an analysis found: silent switches, dependencies, detection rules."""

    installer_id: UUID
    package_id: UUID
    analysis_data: Json


class ScriptGenerated(Event, event_type="packaging.script_generated"):
    """A package has a new install script."""

    script_id: UUID
    package_id: UUID
    script_content: str
    parameters: Json = Field(default_factory=dict)


class PolicyCreated(Event, event_type="packaging.policy_created"):
    """A package has a new application-control policy."""

    policy_id: UUID
    package_id: UUID
    policy_xml: str
    policy_rules: Json = Field(default_factory=dict)


class PolicyTested(Event, event_type="packaging.policy_tested"):
    """A package's policy was tried against its files."""

    policy_id: UUID
    package_id: UUID
    passed: bool
    test_results: Json = Field(default_factory=dict)


class DocumentationWritten(Event, event_type="packaging.documentation_written"):
    """A package has new documentation."""

    documentation_id: UUID
    package_id: UUID
    content: str
    sections: Json = Field(default_factory=dict)


class PackageDeleted(Event, event_type="packaging.package_deleted", retention="audit"):
    """A package is out of use; it can be restored, and its name is free for another."""

    package_id: UUID
    reason: str | None = None


class PackageRestored(Event, event_type="packaging.package_restored", retention="audit"):
    """A deleted package is in use again."""

    package_id: UUID
    reason: str | None = None
