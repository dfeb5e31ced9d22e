"""The lease of a build that is not live: one holder for all of its shards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from projections.apply.failure import facts_of
from projections.checkpoint import Build, Lease
from projections.errors import LeaseHeld, LeaseLost
from projections.projection import Projection
from projections.session import Connection, holder_name

__all__ = ["Begun", "BuildLease", "begin_build", "giving_back", "shard_leases", "take_old"]

_SQL: Final = load("projections.sql", "builds.sql")


@dataclass(slots=True)
class BuildLease(Lease):
    """Signs of life, return and failure of all shards at once; it moves shard 0 only."""

    def _change(self, conn: Connection, name: str, **facts: Any) -> None:
        with translated():
            if conn.execute(_SQL[name], self._facts(**facts)).rowcount == 0:
                raise LeaseLost(self.projection, self.fencing_token)


@dataclass(frozen=True, slots=True)
class Begun:
    """How a rebuild begins; `built` says that its tables are complete but for the last events."""

    lease: BuildLease
    resumed: bool
    built: bool


def begin_build(
    owner: Connection,
    projection: Projection,
    *,
    definition: str,
    shards: int,
    starts_after: int,
    anew: bool,
    seconds: float,
) -> Begun:
    """Takes the lease of a rebuild, which goes on where one of the same definition was broken off.

    Raises LeaseHeld when another one is under way.
    """
    facts = {
        "projection": projection.name,
        "projection_version": projection.version,
        "definition": definition,
        "shards": shards,
        "starts_after": starts_after,
        "anew": anew,
        "holder": holder_name(),
        "lease_seconds": seconds,
    }
    with translated():
        taken = owner.execute(_SQL["begin"], facts).fetchone()
    if taken is None:
        raise _held(owner, projection, "rebuild", f"a rebuild of {projection.name}", seconds)
    token, resumed, built = taken
    position = shard_leases(owner, projection, "rebuild", token, seconds)[0].position
    lease = BuildLease(projection.name, "rebuild", token, seconds, position)
    return Begun(lease, resumed, built)


def take_old(owner: Connection, projection: Projection, *, seconds: float) -> BuildLease | None:
    """Takes the lease of the build that was replaced, or None when there is none.

    Raises LeaseHeld.
    """
    facts = {
        "projection": projection.name,
        "holder": holder_name(),
        "lease_seconds": seconds,
    }
    with translated():
        taken = owner.execute(_SQL["take_old"], facts).fetchone()
        if taken is not None:
            return BuildLease(projection.name, "old", taken[0], seconds, taken[1])
        there = owner.execute(
            _SQL["holder"], {"projection": projection.name, "build": "old"}
        ).fetchone()
    if there is None:
        return None
    raise _held(owner, projection, "old", f"the old build of {projection.name}", seconds)


@contextmanager
def giving_back(lease: BuildLease, conn: Connection) -> Iterator[None]:
    """Gives the lease back when the block fails, so that the next try need not wait for its end."""
    try:
        yield
    except LeaseLost:
        raise
    except BaseException as error:
        try:
            if isinstance(error, Exception):
                lease.fail(conn, facts_of(error))
            else:
                lease.release(conn)
        except Exception as second:  # noqa: BLE001 - the first error is the one to raise
            error.add_note(f"the lease could not be given back: {second}")
        raise


def shard_leases(
    conn: Connection, projection: Projection, build: Build, fencing_token: int, seconds: float
) -> list[Lease]:
    """The lease of each shard, which a build's holder may give to its workers."""
    facts = {"projection": projection.name, "build": build}
    with translated():
        found = conn.execute(_SQL["shards"], facts).fetchall()
    return [
        Lease(projection.name, build, fencing_token, seconds, position, shard, len(found))
        for shard, position in found
    ]


def _held(
    conn: Connection, projection: Projection, build: Build, work: str, seconds: float
) -> LeaseHeld:
    with translated():
        there = conn.execute(
            _SQL["holder"], {"projection": projection.name, "build": build}
        ).fetchone()
    holder, silent, lease = there or ("another process", 0.0, seconds)
    return LeaseHeld(work, holder or "another process", silent or 0.0, lease or seconds)
