"""The package eventsourcing: a ProjectionRunner with a materialised view in PostgreSQL.

Its runner processes one event a transaction, with the event's tracking record; it reads ahead
500 events at a time by itself.
"""

from __future__ import annotations

from time import perf_counter, sleep
from typing import Any, Final, Self
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL

from benchmarks.peers import releases
from eventstore.connection.queries import load

__all__ = ["Appending", "fill", "follow", "project"]

_SQL: Final = load("benchmarks.sql", "peers.sql")
_AGGREGATES_A_SAVE: Final = 500
_LOOK: Final = 0.01


class Package(Aggregate):
    class Registered(Aggregate.Created):
        package: UUID
        release: str

    class Released(Aggregate.Event):
        release: str

    @event(Registered)
    def __init__(self, package: UUID, release: str) -> None:
        self.package = package
        self.latest_release = release

    @staticmethod
    def create_id(package: UUID, release: str) -> UUID:
        return package

    @event(Released)
    def release(self, release: str) -> None:
        self.latest_release = release


class Index(Application[UUID]):
    name = "index"


class ReleasedPackages(PostgresTrackingRecorder):
    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        self.sql_create_statements.append(SQL(_SQL["make_table"]))

    def count(self, package: UUID, release: str, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            arguments = {"package": package, "release": release}
            cursor.execute(_SQL["count_release"], arguments, prepare=True)


class Releases(Projection[ReleasedPackages]):
    name = "releases"

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        raise NotImplementedError(type(domain_event))

    @process_event.register
    def _(self, domain_event: Package.Registered, tracking: Tracking) -> None:
        self.view.count(domain_event.originator_id, domain_event.release, tracking)

    @process_event.register
    def _(self, domain_event: Package.Released, tracking: Tracking) -> None:
        self.view.count(domain_event.originator_id, domain_event.release, tracking)


def fill(url: str, keys: int, events: int) -> None:
    with Index(env=_environment(url)) as index:
        known: dict[UUID, Package] = {}
        changed: list[Package] = []
        for package, release in releases(keys, events):
            if package in known:
                known[package].release(release)
            else:
                known[package] = Package(package, release)
            changed.append(known[package])
            if len(changed) == _AGGREGATES_A_SAVE:
                index.save(*changed)
                changed = []
        index.save(*changed)


def project(url: str) -> float:
    began = perf_counter()
    with ProjectionRunner(
        application_class=Index,
        projection_class=Releases,
        view_class=ReleasedPackages,
        env=_environment(url),
    ) as runner:
        last = runner.app.recorder.max_notification_id()
        # As runner.wait does, which looks too seldom to time anything by.
        while not runner.view.has_tracking_id(Index.name, last):
            if runner.is_interrupted.is_set():
                runner.run_forever(0)
            sleep(_LOOK)
        return perf_counter() - began


def follow(url: str) -> None:
    """Projects whatever comes, until the process is ended."""
    with ProjectionRunner(
        application_class=Index,
        projection_class=Releases,
        view_class=ReleasedPackages,
        env=_environment(url),
    ) as runner:
        runner.run_forever()


class Appending:
    """An application that registers packages, one a call."""

    def __init__(self, url: str) -> None:
        self._index = Index(env=_environment(url))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._index.close()

    def register(self, package: UUID) -> None:
        """Appends the first event of a package."""
        self._index.save(Package(package, "1.0"))


def _environment(url: str) -> dict[str, str]:
    parts = conninfo_to_dict(url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(parts["dbname"]),
        "POSTGRES_HOST": str(parts["host"]),
        "POSTGRES_PORT": str(parts["port"]),
        "POSTGRES_USER": str(parts["user"]),
        "POSTGRES_PASSWORD": "none is asked for",
    }
