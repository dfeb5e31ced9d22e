"""A projector in a process of its own, to be killed from outside or by itself.

Arguments: the database's URL, events a batch, the number of the statement, among those of the
thread that applies events, before which it kills itself (0: never), the name of its rules among
`things`, and whether it ends once it has caught up.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from itertools import count
from threading import Event, current_thread
from typing import Any

import psycopg

from eventstore.connection import flight
from eventstore.connection.session import Session
from projections.live.daemon import run_daemon
from tests.integration.projections import things


def die_before(statement: int) -> None:
    """Kills this process with SIGKILL before it sends that statement; the server has the others."""
    execute, put = psycopg.Connection.execute, flight._put
    numbers = count(1)

    def counted(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        if current_thread().name == "things/0" and next(numbers) == statement:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(self, query, *args, **kwargs)

    def counted_put(session: Session, *args: Any) -> None:
        if current_thread().name == "things/0" and next(numbers) == statement:
            session.pgconn.send_flush_request()
            session.pgconn.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        put(session, *args)

    psycopg.Connection.execute = counted  # type: ignore[method-assign]
    flight._put = counted_put  # type: ignore[assignment]


if __name__ == "__main__":
    url, batch, statement = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if statement:
        die_before(statement)
    logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
    run_daemon(
        url,
        [getattr(things, sys.argv[4])()],
        Event(),
        lease_seconds=0.3,
        batch=batch,
        until_caught_up=sys.argv[5] == "once",
    )
