"""Running projections in a test, and waiting for what they do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event as Signal
from time import monotonic
from typing import Any
from uuid import UUID

from eventstore.reading.read import watermark
from projections.audit.replay import state_as_of
from projections.live.daemon import run_daemon
from projections.projection import Projection, State
from projections.row import full_key
from projections.row_store import RowStore
from projections.session import Connection

Table = dict[tuple[Any, ...], dict[str, Any]]


def catch_up(url: str, *projections: Projection, **options: Any) -> dict[str, Exception]:
    """Applies what is in the log; returns what failed."""
    return run_daemon(url, projections, Signal(), until_caught_up=True, **options)


class Running:
    """A daemon in a thread; `failures` is there when it has ended."""

    def __init__(self, url: str, projections: tuple[Projection, ...], options: Any) -> None:
        self.stop = Signal()
        self.failures: dict[str, Exception] | None = None

        def run() -> None:
            self.failures = run_daemon(url, projections, self.stop, **options)

        self.thread = threading.Thread(target=run)
        self.thread.start()


@contextmanager
def running(url: str, *projections: Projection, **options: Any) -> Iterator[Running]:
    """A daemon, until the block ends."""
    daemon = Running(url, projections, options)
    try:
        yield daemon
    finally:
        daemon.stop.set()
        daemon.thread.join()


def until(condition: Callable[[], Any], what: str, *, seconds: float = 20.0) -> Any:
    """What `condition` gives as soon as that is true; fails after `seconds`."""
    deadline = monotonic() + seconds
    look = Signal()
    while True:
        found = condition()
        if found:
            return found
        assert monotonic() < deadline, f"waited {seconds:.0f} s in vain: {what}"
        look.wait(0.005)


def stored(conn: Connection, projection: Projection) -> dict[str, Table]:
    """Every row in a projection's live tables, by table and key."""
    store = RowStore(projection)
    with conn.transaction():
        return {
            table.TABLE: {full_key(row): vars(row) for row in store.read(conn, table)}
            for table in projection.tables
        }


def plain(state: State) -> dict[str, Table]:
    """Every row of a state, by table and key."""
    return {
        table.TABLE: {key: vars(row) for key, row in rows.items() if row is not None}
        for table, rows in state.items()
    }


def replayed(conn: Connection, projection: Projection) -> dict[str, Table]:
    """Every row that the log makes, up to its end."""
    return plain(state_as_of(conn, projection, watermark(conn)))


def checkpoint(conn: Connection, name: str, build: str = "live") -> dict[str, Any] | None:
    """The checkpoint's row."""
    cursor = conn.execute(
        "SELECT * FROM projections.checkpoints WHERE projection = %s AND build = %s", [name, build]
    )
    row = cursor.fetchone()
    assert cursor.description is not None
    if row is None:
        return None
    return dict(zip((column.name for column in cursor.description), row, strict=True))


def number(n: int) -> UUID:
    """The n-th id."""
    return UUID(int=n)
