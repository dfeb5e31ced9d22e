"""How far a projection has come, and the lease of the one projector that may take it further.

A lease is a row with heartbeats by the database's clock, because session locks do not survive a
connection pooler. Each new holder raises the fencing token; every write compares token and
position in the same transaction as the rows, so that a holder that lost its lease without knowing
(it was stopped, or its network was) changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, Literal

import orjson

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from eventstore.errors import DatabaseFault
from projections.errors import LeaseLost, NotInstalled, RulesDiffer, ShardsDiffer
from projections.flight import Flight, one_flight
from projections.projection import Projection
from projections.rate import Rate
from projections.session import Connection, holder_name

__all__ = [
    "LEASE_SECONDS",
    "Build",
    "Held",
    "Lease",
    "acquire",
    "position_of",
    "require_division",
]

Build = Literal["live", "rebuild", "old"]
"""Which copy of a projection's tables."""

LEASE_SECONDS: Final = 5.0
"""Seconds without a sign of life after which another projector takes over."""

_STATEMENT, _LOCK = 0.8, 0.5
"""What part of its transaction's time a statement may take, and may wait for a lock."""
_LEASE_LOST: Final = "ES102"
_SQL: Final = load("projections.sql", "checkpoint.sql")


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody else has the lease."""

    holder: str
    silent_seconds: float
    lease_seconds: float


@dataclass(slots=True)
class Lease:
    """The right to move one checkpoint, as long as nobody took it over."""

    projection: str
    build: Build
    fencing_token: int
    seconds: float
    position: int
    """The last position applied."""
    shard: int = 0
    shards: int = 1
    """How many there are; a projection that is not divided has one."""
    holder: str = field(default_factory=holder_name)
    rate: Rate = field(default_factory=Rate)
    on_advance: list[Callable[[int], None]] = field(default_factory=list)
    """Called after each commit under this lease, with the number of events applied."""
    _beaten_at: float = field(default_factory=monotonic)

    @contextmanager
    def advancing(self, conn: Connection, until: int, *, events: int) -> Iterator[Flight]:
        """A transaction that moves the checkpoint to `until`; the body adds its rows to it.

        All of it travels in one round trip, at the end of the body.
        Raises LeaseLost; nothing is written then.
        """
        self.rate.add(events)
        with self._lost_is_told(), one_flight(conn) as flight:
            # First, so that the row locks are always taken in the same order: the checkpoint,
            # then the tables, as the switch after a rebuild takes them.
            flight.execute(_SQL["advance"], self._step(until, events))
            yield flight
        self.moved(until, events)

    @contextmanager
    def _lost_is_told(self) -> Iterator[None]:
        """Makes LeaseLost of what the database says of it."""
        try:
            yield
        except DatabaseFault as fault:
            if fault.sqlstate == _LEASE_LOST:
                raise LeaseLost(self.projection, self.fencing_token) from fault
            raise

    def moved(self, until: int, events: int = 0) -> None:
        """The checkpoint is at `until` now, after so many events; that was a sign of life."""
        self.position = until
        self._beaten_at = monotonic()
        for tell in self.on_advance:
            tell(events)

    def advance(self, conn: Connection, until: int, *, events: int = 0) -> None:
        """Moves the checkpoint alone, over events without rows to write; raises LeaseLost."""
        with self.advancing(conn, until, events=events):
            pass

    def move(self, conn: Connection, until: int, *, events: int) -> None:
        """Moves the checkpoint at the end of the caller's transaction; raises LeaseLost."""
        self.rate.add(events)
        with self._lost_is_told(), translated():
            conn.execute(_SQL["advance"], self._step(until, events))

    @property
    def heartbeat_in(self) -> float:
        """Seconds until a sign of life is due: a third of the lease after the last."""
        return max(0.0, self._beaten_at + self.seconds / 3 - monotonic())

    def resume(self, conn: Connection) -> None:
        """Goes on over a new connection, from the position that is committed.

        Raises LeaseLost when somebody took over meanwhile.
        """
        with translated():
            there = conn.execute(_SQL["resume"], self._facts()).fetchone()
        if there is None:
            raise LeaseLost(self.projection, self.fencing_token)
        self.position, self._beaten_at = there[0], monotonic()

    def heartbeat(self, conn: Connection) -> None:
        """A sign of life; raises LeaseLost."""
        self._change(conn, "heartbeat")
        self._beaten_at = monotonic()

    def confirm(self, conn: Connection) -> None:
        """Makes sure that nobody moved the checkpoint behind our back; raises LeaseLost."""
        self._change(conn, "confirm")
        self._beaten_at = monotonic()

    def release(self, conn: Connection) -> None:
        """Gives the lease back; raises LeaseLost."""
        self._change(conn, "release")

    def fail(self, conn: Connection, error: dict[str, Any]) -> None:
        """Gives the lease back with the reason why nobody should go on; raises LeaseLost."""
        self._change(conn, "fail", error=orjson.dumps(error).decode())

    def _change(self, conn: Connection, name: str, **facts: Any) -> None:
        with translated():
            if conn.execute(_SQL[name], self._facts(**facts)).rowcount != 1:
                raise LeaseLost(self.projection, self.fencing_token)

    def _step(self, until: int, events: int) -> dict[str, Any]:
        milliseconds = 1000 * max(2 * self.seconds, 10)  # as projections.advance has it
        return self._facts(
            until=until,
            events=events,
            statement_timeout=f"{round(_STATEMENT * milliseconds)}ms",
            lock_timeout=f"{round(_LOCK * milliseconds)}ms",
        )

    def _facts(self, **more: Any) -> dict[str, Any]:
        return {
            "projection": self.projection,
            "build": self.build,
            "shard": self.shard,
            "holder": self.holder,
            "fencing_token": self.fencing_token,
            "position": self.position,
            "events_per_second": self.rate.per_second(),
            **more,
        }


def acquire(
    conn: Connection,
    projection: Projection,
    *,
    build: Build = "live",
    shard: int = 0,
    seconds: float,
    holder: str | None = None,
) -> Lease | Held:
    """The lease of a shard, or who has it; makes the checkpoint of a projection that never ran.

    The commit is on disk before this returns: after a crash of the server no token is given out
    twice. It never waits for a holder that is in the middle of a batch. Raises RulesDiffer when
    other rules made the rows, or the tables were made for others; ShardsDiffer; NotInstalled when
    there are no tables; and LeaseLost when there is no such shard any more.
    """
    holder = holder or holder_name()
    facts = {
        "projection": projection.name,
        "build": build,
        "shard": shard,
        "projection_version": projection.version,
        "holder": holder,
        "lease_seconds": seconds,
        "shard_by": projection.shard_by,
    }
    with translated():
        while True:
            taken = conn.execute(_SQL["acquire"], facts).fetchone()
            if taken is not None:
                token, position, shards = taken
                return Lease(
                    projection.name, build, token, seconds, position, shard, shards, holder
                )
            there = conn.execute(_SQL["current"], facts).fetchone()
            if there is not None:
                break
            if shard > 0:
                raise LeaseLost(projection.name, 0)
            if conn.execute(_SQL["begin"], facts).fetchone() == (0,):
                raise NotInstalled(projection.name)
    found, _, _, other, silent, lease, shards, field = there
    if found != projection.version:
        raise RulesDiffer(projection.name, found, projection.version)
    require_division(projection, shards, field)
    if other is None:  # it is being given back just now, or put in another's place
        return Held("another transaction", 0.0, seconds)
    return Held(other, silent, lease)


def require_division(projection: Projection, shards: int, field: str | None) -> None:
    """Raises ShardsDiffer unless so many shards by that field can be run by these rules."""
    ours = projection.shard_by
    if shards > 1 and (ours is None or field not in (None, ours)):
        raise ShardsDiffer(projection.name, field, ours)


def position_of(conn: Connection, projection: Projection, *, build: Build = "live") -> int:
    """The last position that every shard has applied, 0 for a projection that never ran."""
    with translated():
        there = conn.execute(
            _SQL["position"], {"projection": projection.name, "build": build}
        ).fetchone()
    assert there is not None, "an aggregate answers"
    return int(there[0])
