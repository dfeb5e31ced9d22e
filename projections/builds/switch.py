"""Puts a build that is caught up in place of the live tables, which become the old build."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from time import monotonic, sleep
from typing import Any, Final, Literal

from psycopg.errors import DeadlockDetected, LockNotAvailable

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from eventstore.errors import StoreUnavailable
from projections.apply.batch import BATCH
from projections.builds.catch_up import CatchUp
from projections.checkpoint import Lease
from projections.errors import LeaseLost, SwitchRefused
from projections.projection import Projection
from projections.session import Connection

__all__ = ["SWITCH_SECONDS", "drop_build", "patiently", "switch"]

SWITCH_SECONDS: Final = 600.0
"""How long to try while readers hold the live tables."""

_SQL: Final = load("projections.sql", "switch.sql")
_PATIENCE_MILLISECONDS: Final = 200
"""How long readers may queue behind the switch before it steps aside."""
_VACUUM_MILLISECONDS: Final = 5_000
"""How long to wait for an autovacuum to step aside, which it does after a second as a rule."""
_NEAR: Final = 2 * BATCH
"""Positions that can be caught up while the live projector waits."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
"""Seconds between two tries, at first and in the end."""


def switch(
    owner: Connection, projection: Projection, lease: Lease, catch_up: CatchUp, *, seconds: float
) -> None:
    """Switches to the build of the lease as soon as no reader is in the way.

    The live tables go on meanwhile, so the build catches up again before each try. Raises
    SwitchRefused after `seconds`, and LeaseLost.
    """
    with translated():
        began = owner.execute(_SQL["now"]).fetchone()
    assert began is not None, "a function answers"
    deadline, pause = monotonic() + seconds, _FIRST_PAUSE
    while True:
        behind = patiently(lambda: _attempt(owner, projection, lease, catch_up, began[0]))
        if behind == 0:
            return
        if behind is None:
            if monotonic() + pause > deadline:
                raise SwitchRefused(
                    projection.name,
                    f"for {seconds:.0f} s other transactions held its tables, or a snapshot "
                    "older than the build: end them (see pg_stat_activity, column xact_start) and "
                    "run the command again",
                )
            sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        elif behind < 0:
            raise LeaseLost(projection.name, lease.fencing_token)
        catch_up.to_the_end(behind or lease.position)


def _attempt(
    owner: Connection, projection: Projection, lease: Lease, catch_up: CatchUp, began: datetime
) -> int | None:
    """0: done; -1: the lease is lost; None: a reader is in the way; else how far live is."""
    # Who looks at the database as it was before the build was complete, and came to these tables
    # after the switch, would find them empty. It began before this switch, so it is waited for.
    if owner.execute(_SQL["old_snapshot"], {"began": began}).fetchone() is not None:
        return None
    if lease.build == "rebuild":
        with owner.transaction():  # of its own: to delete large files takes its time
            owner.execute(_SQL["patience"], _patience(_VACUUM_MILLISECONDS))
            drop_build(owner, projection, "old")
    facts: dict[str, Any] = {
        "projection": projection.name,
        "source": lease.build,
        "tables": [table.TABLE for table in projection.tables],
        "fencing_token": lease.fencing_token,
    }
    with owner.transaction():
        owner.execute(_SQL["patience"], _patience(_VACUUM_MILLISECONDS))
        owner.execute(_SQL["keep_vacuum_away"], facts)
        owner.execute(_SQL["patience"], _patience())
        # From here on the live projector waits, or it would be ahead again and again. Readers do
        # not: they wait for the switch itself only.
        (live,) = owner.execute(_SQL["hold_live"], facts).fetchone() or (0,)
        if live - lease.position > _NEAR:
            return int(live)
        catch_up.to(live)
        answer = owner.execute(_SQL["switch"], facts).fetchone()
    assert answer is not None, "a function answers"
    return int(answer[0])


def patiently(attempt: Callable[[], int | None]) -> int | None:
    """What the attempt gives, or None when somebody held a lock for too long."""
    try:
        with translated():
            return attempt()
    except StoreUnavailable as error:
        if isinstance(error.__cause__, (LockNotAvailable, DeadlockDetected)):
            return None
        raise


def drop_build(owner: Connection, projection: Projection, build: Literal["rebuild", "old"]) -> None:
    """Drops the tables of a build that is not live, if there are any."""
    owner.execute(_SQL["drop_build"], {"projection": projection.name, "build": build})


def _patience(milliseconds: int = _PATIENCE_MILLISECONDS) -> dict[str, str]:
    return {"milliseconds": f"{milliseconds}ms"}
