"""A package as its stream has it now: what an agent believes before it appends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from eventstore import EventStore
from eventstore.connection.queries import load
from eventstore.errors import EventStoreError
from eventstore.vocabulary.packaging import PackageStatus
from projections.demo.distributions import Identity
from projections.packaging import Package, Packaging

__all__ = ["PackageNow", "PackageTaken", "package_id_of", "package_stream"]

_RULES: Final = Packaging()
_SQL: Final = load("projections.demo.sql", "packages.sql")


class PackageTaken(EventStoreError):
    """Somebody else moved the package: it is `found`, and this turn needs it `wanted`."""

    exit_code = 5

    def __init__(self, package_id: UUID, wanted: str, found: str | None) -> None:
        self.package_id, self.wanted, self.found = package_id, wanted, found
        super().__init__(f"somebody else moved the package: it is {found}, and was {wanted}")


@dataclass(frozen=True, slots=True)
class PackageNow:
    """The package's row by the projection's own rules, and the version of its stream."""

    package_id: UUID
    row: Package | None
    stream_version: int
    """0 when nobody registered it."""

    @classmethod
    def read(cls, store: EventStore, package_id: UUID) -> PackageNow:
        """Folds the package's stream."""
        state, stream_version = _RULES.empty(), 0
        for recorded in store.read_stream(package_stream(package_id)):
            _RULES.apply(state, recorded)
            stream_version = recorded.stream_version
        row = state[Package].get((store.tenant, package_id))
        assert row is None or isinstance(row, Package), "the table of packages holds packages"
        return cls(package_id, row, stream_version)

    @property
    def status(self) -> PackageStatus | None:
        """The package's status, None when nobody registered it."""
        return None if self.row is None else self.row.status


def package_id_of(store: EventStore, identity: Identity) -> UUID:
    """The id of the package in use of that identity, or the one that it will have.

    There can be only one, so what somebody else registered under another id is taken up.
    """
    about = {
        "tenant": store.tenant,
        "publisher": identity.publisher,
        "name": identity.name,
        "version": identity.version,
    }
    found = store.database.read(
        lambda connection: connection.execute(_SQL["in_use"], about).fetchone()
    )
    return identity.package_id if found is None else UUID(str(found[0]))


def package_stream(package_id: UUID) -> str:
    """The stream of a package."""
    return f"package-{package_id}"
