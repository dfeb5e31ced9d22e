"""Where each projection is, how far behind, who runs it, and what holds everybody back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from eventstore.reading.read import watermark
from eventstore.upkeep.health import LogHealth, health
from projections.monitor.lag import Lag, lags
from projections.projection import Projection
from projections.session import Connection

__all__ = ["HookStatus", "InFlight", "ProjectionStatus", "Status", "status"]

_SQL: Final = load("projections.sql", "status.sql")


@dataclass(frozen=True, slots=True)
class HookStatus:
    """How far a hook was told on one shard, and what it has to be told yet."""

    hook: str
    position: int
    told: int
    """Events that it was told of."""
    lag_events: int
    """Events that the tables have and it was not told of, counted up to LAG_CAP."""
    lag_seconds: float
    """For how long the first of them has been in the log."""
    late: int
    """Events that were applied late, behind its position, and that it is told of next."""
    attempts: int
    """How often in a row it has failed just now."""
    retry_seconds: float | None
    """Until it is tried again; None unless it fails."""
    last_error: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ProjectionStatus:
    """One checkpoint, and what waits beyond it.

    `state` is running, stopped, paused (too many events failed; see last_error), failed, never
    ran, stalled (its holder gives no sign of life), or outdated (its rows were made by other rules
    than these, and wait for a rebuild).
    """

    projection: str
    build: str
    shard: int
    shards: int
    state: str
    projection_version: int
    code_version: int
    """projection_version of this code."""
    position: int
    lag_events: int
    """Its events that wait, counted up to LAG_CAP."""
    lag_capped: bool
    """Whether there may be more of them."""
    lag_seconds: float
    """For how long the first of them has waited."""
    events_per_second: float
    eta_seconds: float | None
    """Until it is caught up at this rate; None when it does not move."""
    applied: int
    failed: int
    """Events that it holds because they failed."""
    waiting: int
    """Events that it holds because they wait for those."""
    hooks: tuple[HookStatus, ...]
    holder: str | None
    heartbeat_seconds: float | None
    """Since the last sign of life."""
    last_error: dict[str, Any] | None
    starts_after: int
    """Its rows come from the events after this position only."""

    @property
    def name(self) -> str:
        """The projection, with its shard if it has several, and its build if it is not live."""
        shard = f"/{self.shard}" if self.shards > 1 else ""
        return self.projection + shard + ("" if self.build == "live" else f" ({self.build})")


@dataclass(frozen=True, slots=True)
class InFlight:
    """An append that has not ended, and that no reader can go past."""

    lower_bound: int
    pid: int | None
    login: str | None
    application: str | None
    began_at: datetime | None
    state: str | None
    prepared: str | None
    """Name of the prepared transaction that it is part of."""
    seconds: float | None
    """Since it began."""


@dataclass(frozen=True, slots=True)
class Status:
    """All checkpoints, beside the watermark; `held_back_by` is the oldest append in flight."""

    watermark: int
    held_back_by: InFlight | None
    projections: tuple[ProjectionStatus, ...]
    log: LogHealth
    """The partitions ahead, and the watermark that standbys go by."""


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """A row of projections.checkpoints, as the query gives it."""

    projection: str
    build: str
    shard: int
    shards: int
    projection_version: int
    position: int
    applied: int
    events_per_second: float
    state: str
    holder: str | None
    silent_seconds: float | None
    lease_seconds: float | None
    last_error: dict[str, Any] | None
    starts_after: int


def status(conn: Connection, projections: Iterable[Projection]) -> Status:
    """The state of these projections, and of any build of theirs under way.

    Of several versions of one projection, those rules are meant that made the rows.
    """
    known: dict[str, dict[int, Projection]] = defaultdict(dict)
    for projection in projections:
        known[projection.name][projection.version] = projection
    mark = watermark(conn)
    with translated():
        first = conn.execute(_SQL["held_back"]).fetchone()
        found = [_Checkpoint(*row) for row in conn.execute(_SQL["checkpoints"])]
        held = {row[:3]: (row[3], row[4]) for row in conn.execute(_SQL["failures"])}
        hooks = conn.execute(_SQL["hooks"]).fetchall()
    shown: list[ProjectionStatus] = []
    for name, versions in known.items():
        newest = versions[max(versions)]
        rows = [row for row in found if row.projection == name]
        if not any(row.build == "live" for row in rows):
            rows.append(_never_ran(newest))
        for _, group in groupby(rows, lambda row: row.build):
            shards = list(group)
            projection = versions.get(shards[0].projection_version, newest)
            positions = {row.shard: row.position for row in shards}
            waiting = lags(conn, projection, positions, mark, shards=shards[0].shards)
            shown += [
                _status(
                    projection,
                    row,
                    waiting[row.shard],
                    held.get((row.projection, row.build, row.shard), (0, 0)),
                    _hooks(conn, projection, row, hooks) if row.build == "live" else [],
                )
                for row in shards
            ]
    held_back_by = InFlight(*first) if first is not None else None
    return Status(mark, held_back_by, tuple(shown), health(conn))


def _never_ran(projection: Projection) -> _Checkpoint:
    return _Checkpoint(
        projection.name, "live", 0, 1, projection.version, 0, 0, 0.0, "never ran", *(None,) * 4, 0
    )


def _hooks(
    conn: Connection,
    projection: Projection,
    unit: _Checkpoint,
    hooks: Iterable[tuple[Any, ...]],
) -> list[HookStatus]:
    """The hooks of one live shard."""
    found: list[HookStatus] = []
    for name, shard, hook, position, told, attempts, retry_in, error, late in hooks:
        if (name, shard) != (unit.projection, unit.shard):
            continue
        behind = lags(conn, projection, {shard: position}, unit.position, shards=unit.shards)
        found.append(
            HookStatus(
                hook=hook,
                position=position,
                told=told,
                lag_events=behind[shard].events,
                lag_seconds=behind[shard].seconds,
                late=late,
                attempts=attempts,
                retry_seconds=None if retry_in is None else max(0.0, retry_in),
                last_error=error,
            )
        )
    return found


def _status(
    projection: Projection,
    row: _Checkpoint,
    lag: Lag,
    held: tuple[int, int],
    hooks: list[HookStatus],
) -> ProjectionStatus:
    state = _state(projection, row)
    rate = 0.0 if state == "stalled" else row.events_per_second
    eta = lag.estimate / rate if rate > 0 else None
    return ProjectionStatus(
        projection=row.projection,
        build=row.build,
        shard=row.shard,
        shards=row.shards,
        state=state,
        projection_version=row.projection_version,
        code_version=projection.version,
        position=row.position,
        lag_events=lag.events,
        lag_capped=lag.capped,
        lag_seconds=lag.seconds,
        events_per_second=rate,
        eta_seconds=0.0 if lag.events == 0 and not lag.capped else eta,
        applied=row.applied,
        failed=held[0],
        waiting=held[1],
        hooks=tuple(hooks),
        holder=row.holder,
        heartbeat_seconds=row.silent_seconds,
        last_error=row.last_error,
        starts_after=row.starts_after,
    )


def _state(projection: Projection, row: _Checkpoint) -> str:
    silent = row.holder is not None and (row.silent_seconds or 0.0) > (row.lease_seconds or 0.0)
    if silent and row.state in ("running", "paused"):
        return "stalled"
    return row.state if row.projection_version == projection.version else "outdated"
