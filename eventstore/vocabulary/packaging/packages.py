"""What happens to a package as a whole: registered, described, moved on, deleted, restored.

    draft → analyzing → generating_script → creating_policy → testing → waiting_approval → completed

Any of these but completed may become failed, and failed may become draft: a new try.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, Literal, Self, get_args
from uuid import UUID

from pydantic import Field, ValidationInfo, model_validator

from eventstore.event import Event
from eventstore.vocabulary.fields import Json, Name, Release
from eventstore.vocabulary.moves import check_move

__all__ = [
    "PACKAGE_MOVES",
    "PackageDeleted",
    "PackageDetailsChanged",
    "PackageRegistered",
    "PackageRestored",
    "PackageStatus",
    "PackageStatusChanged",
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


class PackageRegistered(Event, event_type="packaging.package_registered"):
    """A package exists now, as a draft; publisher, name and version tell it from all others."""

    package_id: UUID
    name: Name
    version: Release
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


class PackageDeleted(Event, event_type="packaging.package_deleted", retention="audit"):
    """A package is out of use; it can be restored, and its name is free for another."""

    package_id: UUID
    reason: str | None = None


class PackageRestored(Event, event_type="packaging.package_restored", retention="audit"):
    """A deleted package is in use again."""

    package_id: UUID
    reason: str | None = None
