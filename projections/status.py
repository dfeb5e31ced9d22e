"""Where each projection is, how far behind, who runs it, and what holds everybody back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from eventstore.database import translated
from eventstore.queries import load
from eventstore.read import watermark
from projections.projection import Projection
from projections.session import Connection

__all__ = ["InFlight", "ProjectionStatus", "Status", "status"]

LAG_CAP: Final = 100_000
"""Waiting events are counted up to here; a lag of that many is at least that many."""

_SQL: Final = load("projections.sql", "status.sql")


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
    state: str
    projection_version: int
    position: int
    lag_events: int
    """Its events that wait, counted up to LAG_CAP."""
    lag_seconds: float
    """For how long the first of them has waited."""
    events_per_second: float
    applied: int
    holder: str | None
    heartbeat_seconds: float | None
    """Since the last sign of life."""
    last_error: dict[str, Any] | None


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


@dataclass(frozen=True, slots=True)
class Status:
    """All checkpoints, beside the watermark; `held_back_by` is the oldest append in flight."""

    watermark: int
    held_back_by: InFlight | None
    projections: tuple[ProjectionStatus, ...]


def status(conn: Connection, projections: Iterable[Projection]) -> Status:
    """The state of these projections, and of any build of theirs under way."""
    mark = watermark(conn)
    with translated():
        first = conn.execute(_SQL["held_back"]).fetchone()
        found = conn.execute(_SQL["checkpoints"]).fetchall()
    shown: list[ProjectionStatus] = []
    for projection in projections:
        rows = [row for row in found if row[0] == projection.name and row[1] != "old"]
        if not any(row[1] == "live" for row in rows):
            rows.append(
                (projection.name, "live", 0, projection.version, 0, 0, 0.0, "never ran")
                + (None,) * 4
            )
        shown += [_status(conn, projection, row, mark) for row in rows]
    return Status(mark, InFlight(*first) if first is not None else None, tuple(shown))


def _status(
    conn: Connection, projection: Projection, row: tuple[Any, ...], mark: int
) -> ProjectionStatus:
    name, build, shard, number, position, applied, rate, state, holder, silent, lease, error = row
    stalled = state in {"running", "paused"} and holder is not None and silent > lease
    if stalled:
        state = "stalled"
    elif number != projection.version:
        state = "outdated"
    lag = {
        "after": position,
        "until": mark,
        "event_types": list(projection.event_types),
        "cap": LAG_CAP,
    }
    with translated():
        waiting = conn.execute(_SQL["lag"], lag).fetchone()
    assert waiting is not None, "count answers"
    return ProjectionStatus(
        projection=name,
        build=build,
        shard=shard,
        state=state,
        projection_version=number,
        position=position,
        lag_events=waiting[0],
        lag_seconds=waiting[1] or 0.0,
        events_per_second=0.0 if stalled else rate,
        applied=applied,
        holder=holder,
        heartbeat_seconds=silent,
        last_error=error,
    )
