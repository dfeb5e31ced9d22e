"""Puts a finished build in place of the live tables."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import Any, Final, Literal

from psycopg.errors import DeadlockDetected, LockNotAvailable

from eventstore.database import translated
from eventstore.errors import StoreUnavailable
from eventstore.queries import load
from projections import held_rows
from projections.checkpoint import Lease
from projections.errors import LeaseLost, RebuildRefused
from projections.projection import Projection
from projections.session import Connection

__all__ = ["SWITCH_SECONDS", "drop_build", "switch"]

SWITCH_SECONDS: Final = 600.0
"""How long to try while readers hold the live tables."""

_SQL: Final = load("projections.sql", "switch.sql")
_PATIENCE_MILLISECONDS: Final = 200
"""How long readers may queue behind the switch before it steps aside."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
"""Seconds between two tries, at first and in the end."""


def switch(
    owner: Connection,
    projection: Projection,
    lease: Lease,
    *,
    catch_up: Callable[[int], None],
    seconds: float,
) -> None:
    """Switches as soon as no reader is in the way.

    The live tables go on meanwhile, so `catch_up(position)` is called before each further try.
    Raises RebuildRefused after `seconds`, and LeaseLost.
    """
    deadline, pause = monotonic() + seconds, _FIRST_PAUSE
    while True:
        behind = _try(owner, projection, lease)
        if behind == 0:
            return
        if behind is None:
            if monotonic() + pause > deadline:
                raise RebuildRefused(
                    projection.name,
                    f"for {seconds:.0f} s other transactions held its tables; end them (see "
                    "pg_stat_activity, column xact_start) and rebuild again",
                )
            sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        elif behind < 0:
            raise LeaseLost(projection.name, lease.fencing_token)
        catch_up(behind or lease.position)


def drop_build(owner: Connection, projection: Projection, build: Literal["rebuild", "old"]) -> None:
    """Drops the tables of a build that is not live, if there are any."""
    owner.execute(_SQL["drop_build"], {"projection": projection.name, "build": build})


def _try(owner: Connection, projection: Projection, lease: Lease) -> int | None:
    """The answer of switch_builds, or None when somebody held a lock for too long."""
    arguments: dict[str, Any] = {
        "projection": projection.name,
        "tables": [table.TABLE for table in projection.tables],
        "fencing_token": lease.fencing_token,
    }
    patience = {"milliseconds": f"{_PATIENCE_MILLISECONDS}ms"}
    try:
        with translated():
            with owner.transaction():  # of its own: to delete large files takes its time
                owner.execute(_SQL["patience"], patience)
                drop_build(owner, projection, "old")
            with owner.transaction():
                owner.execute(_SQL["patience"], patience)
                answer = owner.execute(_SQL["switch"], arguments).fetchone()
                if answer == (0,):
                    held_rows.switch(owner, projection)
    except StoreUnavailable as error:
        if isinstance(error.__cause__, (LockNotAvailable, DeadlockDetected)):
            return None
        raise
    assert answer is not None, "a function answers"
    return int(answer[0])
