"""The events of one commit of a package history, each with an id that follows from the commit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid5

from eventstore.append import Append
from eventstore.event import Event, identify
from eventstore.ingest.package import registration
from eventstore.ingest.package_history_file import Commit
from eventstore.limits import MAX_NAME
from eventstore.vocabulary.packaging import (
    PackageDeleted,
    PackageDetailsChanged,
    PackageRestored,
    PackageStatusChanged,
)

__all__ = ["Telling"]


class Telling:
    """Collects what one commit says; `cause` is what its parent said last."""

    def __init__(self, commit: Commit, source: Mapping[str, str], cause: UUID | None) -> None:
        self.appends: list[Append] = []
        self.last = cause
        """The last event so far, or else the cause."""
        self.subject = commit.subject
        self._commit, self._cause = commit, cause
        self._run = UUID(hex=commit.commit[:32])
        self._author = "".join(filter(str.isprintable, commit.author))[:MAX_NAME] or None
        self._source = source

    def registered(self, publisher: str, name: str, version: str) -> None:
        """The index has a version that it never had."""
        event = registration(publisher, name, version)
        self._tell(event.package_id, [event], "version")

    def restored(self, package: UUID) -> None:
        """The index has a version again."""
        event = PackageRestored(package_id=package, reason=self.subject)
        self._tell(package, [self._with_id(event, package, "restored")], "version")

    def superseded(self, package: UUID, version: str) -> None:
        """The index has another version in its place, the one that was told of just now."""
        event = PackageDeleted(package_id=package, reason=f"superseded by {version}")
        named = self._with_id(event, package, "deleted")
        self._tell(package, [named], "reason", cause=self.last)

    def removed(self, package: UUID) -> None:
        """The index has it no more, and nothing in its place."""
        event = PackageDeleted(package_id=package, reason=self.subject)
        self._tell(package, [self._with_id(event, package, "deleted")])

    def corrected(self, package: UUID) -> None:
        """It could not be installed as it was, and is tried anew."""
        failed = PackageStatusChanged(
            package_id=package, from_status="draft", to_status="failed", reason=self.subject
        )
        again = PackageStatusChanged(
            package_id=package, from_status="failed", to_status="draft", reason=self.subject
        )
        events = [
            self._with_id(failed, package, "failed"),
            self._with_id(again, package, "draft"),
        ]
        self._tell(package, events, "status")

    def edited(self, package: UUID, path: str) -> None:
        """Something else about it has changed."""
        event = PackageDetailsChanged(
            package_id=package,
            description=None,
            metadata={
                "manifest": path,
                "last_change": {"commit": self._commit.commit, "subject": self.subject},
            },
            tags=[],
        )
        self._tell(package, [self._with_id(event, package, "edited")])

    def _with_id(self, event: Event, package: UUID, what: str) -> Event:
        identify(event, uuid5(package, f"{self._commit.commit}/{what}"))
        return event

    def _tell(
        self, package: UUID, events: list[Event], *derived: str, cause: UUID | None = None
    ) -> None:
        cause = cause or self._cause
        source: dict[str, Any] = dict(self._source)
        if not self.appends:  # once a commit is enough
            source["other"] = _facts(self._commit)
        self.appends.append(
            Append(
                f"package-{package}",
                events,
                agent=self._author,
                correlation_id=self._run,
                causation_id=cause,
                occurred_at=self._commit.authored_at,
                metadata={
                    "derived": [*(["causation"] if cause is not None else []), *derived],
                    "source": source,
                },
            )
        )
        self.last = events[-1].event_id


def _facts(commit: Commit) -> dict[str, Any]:
    """What the events of a commit have no field for; what goes without saying is left out."""
    written = commit.authored_at.isoformat()
    return {
        "commit": commit.commit,
        "parents": commit.parents,
        "subject": commit.subject,
        "authored_at": written,
        **({"body": commit.body} if commit.body else {}),
        **({"author": commit.author} if len(commit.author) > MAX_NAME else {}),
        **({"committer": commit.committer} if commit.committer not in ("", commit.author) else {}),
        **(
            {"committed_at": commit.committed_at}
            if commit.committed_at not in ("", written)
            else {}
        ),
        **({"changes_total": commit.changes_total} if commit.changes_total is not None else {}),
    }
