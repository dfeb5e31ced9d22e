"""What the daemons know of each other: who is there, and which shards there are.

All of it are rows, written and compared by the database's clock only; no daemon's own clock has a
say in who is alive.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import Any, Final, NamedTuple, Self

import orjson

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from projections.checkpoint import Lease
from projections.session import Connection, holder_name

__all__ = ["Daemon", "Member", "Seen", "Unit", "daemons", "leave", "look", "name_daemon"]

_SQL: Final = load("projections.sql", "membership.sql")


class Unit(NamedTuple):
    """What one projector can hold: a shard of a live projection."""

    projection: str
    shard: int

    def __str__(self) -> str:
        return f"{self.projection}/{self.shard}"


@dataclass(frozen=True, slots=True)
class Seen:
    """A unit as its checkpoint shows it."""

    projection_version: int
    position: int
    state: str
    fencing_token: int
    holder: str | None
    """Who has the lease; None when it is free, or has run out."""

    @classmethod
    def of_one_that_never_ran(cls, projection_version: int) -> Self:
        """As if there were a checkpoint; the first to take it makes one."""
        return cls(projection_version, 0, "stopped", 0, None)


@dataclass(frozen=True, slots=True)
class Member:
    """A daemon: the versions of rules that it has, and the units that failed under it."""

    id: str
    runs: Mapping[str, Collection[int]]
    gave_up: Collection[str] = ()

    def able(self, unit: Unit, seen: Seen) -> bool:
        """Whether it can run a unit."""
        known = self.runs.get(unit.projection, ())
        return seen.projection_version in known and str(unit) not in self.gave_up


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon as its row shows it, and how many shards it `holds`."""

    id: str
    host: str
    pid: int
    runs: dict[str, list[int]]
    gave_up: list[str]
    holds: int
    started_at: datetime
    heartbeat_seconds: float
    """Since its last sign of life."""


def daemons(conn: Connection) -> list[Daemon]:
    """The daemons that are alive."""
    with translated():
        return [Daemon(*row) for row in conn.execute(_SQL["daemons"]).fetchall()]


def name_daemon() -> str:
    """A name for a daemon, that no other one has or ever had."""
    return f"{holder_name()} {token_hex(4)}"


def look(
    conn: Connection, me: Member, leases: Iterable[Lease], *, seconds: float, join: bool
) -> tuple[list[Member], dict[Unit, Seen]]:
    """Gives signs of life, for a daemon and its leases, and returns who and what is there.

    With `join` false the daemon stays unknown to the others. One round trip. Raises
    StoreUnavailable.
    """
    held = list(leases)
    presence: dict[str, Any] = {
        "id": me.id,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "runs": orjson.dumps({name: sorted(found) for name, found in me.runs.items()}).decode(),
        "gave_up": sorted(me.gave_up),
        "lease_seconds": seconds,
    }
    lives = {
        "projections": [lease.projection for lease in held],
        "shards": [lease.shard for lease in held],
        "fencing_tokens": [lease.fencing_token for lease in held],
        "rates": [lease.rate.per_second() for lease in held],
    }
    with translated(), conn.pipeline():
        conn.execute(_SQL["be_brief"])
        if join:
            conn.execute(_SQL["beat"], presence)
        conn.execute(_SQL["forget_the_dead"])
        conn.execute(_SQL["beat_leases"], lives)
        members = conn.execute(_SQL["members"])
        units = conn.execute(_SQL["units"])
    return _members(members.fetchall()), {
        Unit(projection, shard): Seen(*rest) for projection, shard, *rest in units.fetchall()
    }


def leave(conn: Connection, daemon_id: str) -> None:
    """Lets the others know at once that a daemon is gone."""
    with translated():
        conn.execute(_SQL["leave"], {"id": daemon_id})


def _members(rows: Sequence[tuple[Any, ...]]) -> list[Member]:
    return [
        Member(name, {projection: set(found) for projection, found in runs.items()}, set(gave_up))
        for name, runs, gave_up in rows
    ]
