"""A package as manifests tell of it, and the ids that it has in every format.

A package is one publisher's, of one name, in one version; its id follows from these three, and the
fact that it was registered has the same id and content whoever tells it. So a manifest adds to what
the history of its index has registered, and the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from uuid import NAMESPACE_URL, UUID

import orjson
from uuid_utils.compat import uuid5

from eventstore.append import Append
from eventstore.event import Event, identify
from eventstore.vocabulary.packaging import (
    DocumentationWritten,
    InstallerAdded,
    PackageDetailsChanged,
    PackageRegistered,
    PolicyCreated,
)

__all__ = ["UNKNOWN", "PackageStory", "is_sha256", "package_id", "registration"]

NAMESPACE: Final = uuid5(NAMESPACE_URL, "urn:eventstore:packages")
UNKNOWN: Final = "unknown"
"""A version or publisher that must be named and is not stated."""
_SHA256: Final = re.compile(r"[0-9A-Fa-f]{64}")
_FILE_TYPE: Final = re.compile(r"[a-z0-9_]{1,50}")


def package_id(publisher: str, name: str, version: str) -> UUID:
    """The id of that package."""
    return uuid5(NAMESPACE, "\n".join((publisher, name, version)))


def registration(publisher: str, name: str, version: str) -> PackageRegistered:
    """The fact that a package exists; what else is known of it is said by other events."""
    package = package_id(publisher, name, version)
    event = PackageRegistered(package_id=package, name=name, version=version, publisher=publisher)
    identify(event, uuid5(package, "registered"))  # as with_id does, without a copy
    return event


def is_sha256(digest: str) -> bool:
    """Whether it is a SHA-256 in hexadecimal, of either case."""
    return _SHA256.fullmatch(digest) is not None


class PackageStory:
    """What one file says of one package: a run whose correlation id is the package's id.

    An event's id follows from what it says, so that a file which has changed adds what is new.
    """

    def __init__(
        self, publisher: str, name: str, version: str, source: Mapping[str, Any], derived: list[str]
    ) -> None:
        """`derived` names what of publisher, name and version the file does not state."""
        registered = registration(publisher, name, version)
        self.package_id = registered.package_id
        self._source = source
        self._cause = registered.event_id
        self._appends = {registered.event_id: self._append(registered, None, derived, "")}

    def tell(self, event: Event, derived: Iterable[str] = (), *, place: str = "") -> None:
        """Adds a fact; `place` leads to it in the file. Twice the same is once."""
        said = orjson.dumps(event.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
        event_id = uuid5(self.package_id, f"{event.event_type}/{said.decode()}")
        concluded = ["causation", *derived]
        append = self._append(event.with_id(event_id), self._cause, concluded, place)
        self._appends.setdefault(event_id, append)

    def details(
        self, description: str | None, metadata: dict[str, Any], tags: list[str] | None = None
    ) -> None:
        """Adds what is known of the package as a whole."""
        self.tell(
            PackageDetailsChanged(
                package_id=self.package_id,
                description=description,
                metadata=metadata,
                tags=tags or [],
            )
        )

    def installer(
        self, url: str, sha256: str, analysis: dict[str, Any], *, file: str = "", place: str
    ) -> None:
        """Adds an installer that is at `url`; `file` is its name, if not the URL's last part."""
        name = file or unquote(urlsplit(url).path.rsplit("/", 1)[-1]) or url
        kind = name.rpartition(".")[2].lower() if "." in name else UNKNOWN
        key = orjson.dumps([url, sha256.lower(), analysis], option=orjson.OPT_SORT_KEYS)
        event = InstallerAdded(
            installer_id=uuid5(self.package_id, f"installer/{key.decode()}"),
            package_id=self.package_id,
            filename=name[:255],
            file_path=url,
            file_type=kind if _FILE_TYPE.fullmatch(kind) else UNKNOWN,
            size_bytes=0,
            sha256=sha256.lower(),
            analysis_data=analysis,
        )
        self.tell(event, ["size_bytes"], place=place)

    def document(self, content: str, sections: dict[str, Any]) -> None:
        """Adds documentation."""
        key = orjson.dumps([content, sections], option=orjson.OPT_SORT_KEYS)
        self.tell(
            DocumentationWritten(
                documentation_id=uuid5(self.package_id, f"documentation/{key.decode()}"),
                package_id=self.package_id,
                content=content,
                sections=sections,
            )
        )

    def policy(self, xml: str, rules: dict[str, Any], derived: Iterable[str] = ()) -> None:
        """Adds an application-control policy."""
        self.tell(
            PolicyCreated(
                policy_id=uuid5(self.package_id, f"policy/{xml}"),
                package_id=self.package_id,
                policy_xml=xml,
                policy_rules=rules,
            ),
            derived,
        )

    def appends(self) -> Iterator[Append]:
        """All of it, the registration first."""
        yield from self._appends.values()

    def _append(self, event: Event, cause: UUID | None, derived: list[str], place: str) -> Append:
        source = {**self._source, "place": place} if place else dict(self._source)
        return Append(
            f"package-{self.package_id}",
            [event],
            correlation_id=self.package_id,
            causation_id=cause,
            metadata={"derived": [*derived, "occurred_at"], "source": source},
        )
