"""The build that a rebuild replaced: back into its place, or dropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from time import monotonic
from typing import Final

from psycopg import sql

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from projections.builds.build import open_long
from projections.builds.build_lease import giving_back, shard_leases, take_old
from projections.builds.catch_up import CatchUp
from projections.builds.heartbeat import Heartbeat
from projections.builds.progress import PhaseReport, Progress
from projections.builds.switch import SWITCH_SECONDS, drop_build, patiently, switch
from projections.checkpoint import LEASE_SECONDS
from projections.errors import NoOldBuild, SwitchRefused
from projections.projection import Projection
from projections.session import Connection

__all__ = ["SwitchedBack", "drop_old", "own_rules", "switch_back"]

_SQL: Final = load("projections.sql", "switch.sql")


@dataclass(frozen=True, slots=True)
class SwitchedBack:
    """The old build is live again, up to `position`; `events` had to be caught up."""

    projection: str
    projection_version: int
    position: int
    events: int
    seconds: float


def own_rules(url: str, versions: Sequence[Projection]) -> Projection:
    """The one of a projection's versions that made its old build, or the newest if none of them."""
    with closing(open_long(url, versions[-1], owner=True)) as owner:
        found = _old(owner, versions[-1])
    return next((each for each in versions if found and each.version == found[0]), versions[-1])


def switch_back(
    url: str,
    projection: Projection,
    *,
    report: Callable[[Progress], None] = lambda progress: None,
    lease_seconds: float = LEASE_SECONDS,
    switch_seconds: float = SWITCH_SECONDS,
) -> SwitchedBack:
    """Brings the old build up to date under its own rules; then it and the live one change places.

    So a second call brings the other one back. Raises NoOldBuild; SwitchRefused when this program
    does not have the rules that made the old build, or readers never let go of the tables;
    LeaseHeld, LeaseLost, and what applying events raises.
    """
    began, schema = monotonic(), f"projections_old_{projection.name}"
    with (
        closing(open_long(url, projection)) as conn,
        closing(open_long(url, projection, owner=True)) as owner,
    ):
        _assert_own_rules(owner, projection)
        lease = take_old(owner, projection, seconds=lease_seconds)
        if lease is None:
            raise NoOldBuild(projection.name)
        with Heartbeat(url, lease) as heartbeat, giving_back(lease, owner):
            with translated():
                name = sql.Identifier(schema)
                owner.execute(sql.SQL(_SQL["let_catch_up"]).format(schema=name))
            leases = shard_leases(owner, projection, "old", lease.fencing_token, lease_seconds)
            tell = PhaseReport(heartbeat, report)
            catch_up = CatchUp(conn, projection, schema, leases, tell)
            catch_up.to_the_end(max(each.position for each in leases))
            tell("switch", 0, leases[0].position, leases[0].position)
            switch(owner, projection, leases[0], catch_up, seconds=switch_seconds)
    return SwitchedBack(
        projection.name,
        projection.version,
        leases[0].position,
        catch_up.events,
        monotonic() - began,
    )


def drop_old(url: str, projection: Projection) -> bool:
    """Drops the tables that the last rebuild replaced; False when there are none.

    Raises SwitchRefused while a switch back is under way, or somebody reads them.
    """
    with closing(open_long(url, projection, owner=True)) as owner:
        found = _old(owner, projection)
        if found is None:
            return False
        if found[1]:
            raise SwitchRefused(projection.name, "its old build is being brought up to date")

        def attempt() -> int:
            drop_build(owner, projection, "old")
            return 0

        if patiently(attempt) is None:
            raise SwitchRefused(projection.name, "other transactions read its old tables")
    return True


def _assert_own_rules(owner: Connection, projection: Projection) -> None:
    found = _old(owner, projection)
    if found is None:
        raise NoOldBuild(projection.name)
    if found[0] != projection.version:
        raise SwitchRefused(
            projection.name,
            f"its old build was made by projection_version {found[0]} of the rules, and this "
            f"program has {projection.version}; run the command with the release that has "
            f"{found[0]}",
        )


def _old(owner: Connection, projection: Projection) -> tuple[int, bool] | None:
    with translated():
        there = owner.execute(_SQL["old"], {"projection": projection.name}).fetchone()
    return None if there is None else (there[0], there[1])
