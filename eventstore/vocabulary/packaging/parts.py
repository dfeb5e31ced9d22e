"""What a package is made of: installers, install scripts, policies, documentation.

The part that was added last is the package's current one.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from eventstore.event import BigInt, Event
from eventstore.vocabulary.fields import Json, Name, Sha256

__all__ = [
    "DocumentationRevised",
    "DocumentationWritten",
    "InstallerAdded",
    "InstallerAnalyzed",
    "PolicyCreated",
    "PolicyTested",
    "ScriptGenerated",
    "ScriptRevised",
]


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


class ScriptRevised(Event, event_type="packaging.script_revised"):
    """This is what an install script says now; its versions are numbered in log order."""

    script_id: UUID
    package_id: UUID
    script_content: str
    parameters: Json = Field(default_factory=dict)
    reason: str | None = None


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


class DocumentationRevised(Event, event_type="packaging.documentation_revised"):
    """This is the text of a package's documentation now, all of it."""

    documentation_id: UUID
    package_id: UUID
    content: str
    sections: Json = Field(default_factory=dict)
