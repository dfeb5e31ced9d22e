"""kill -9 of PostgreSQL under load, connections cut, and what must be true afterwards."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress

import psutil

from eventstore import EventStore
from eventstore.connection.database import Connection
from eventstore.embedded import EmbeddedServer
from tests.integration.log.order import assert_exactly_once
from tests.integration.log.waiting import until

Acknowledged = tuple[str, int, int]
"""event_id, stream_version and position, as a receipt gave them."""


def kill(server: EmbeddedServer) -> None:
    """Ends every process of the server at once, as a crash would."""
    pid = server.status().pid
    assert pid is not None
    postmaster = psutil.Process(pid)
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    until(lambda: server.status().state != "running")


def cut_one(admin: Connection) -> bool:
    """Ends a connection that appends or reads, if there is one at work."""
    query = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND state = 'active' "
        "AND application_name LIKE 'eventstore %' ORDER BY random() LIMIT 1"
    )
    return admin.execute(query).fetchone() is not None


def assert_survived(
    store: EventStore,
    acknowledged: Mapping[str, Sequence[Acknowledged]],
    delivered: Sequence[int],
    after: int = 0,
) -> None:
    """Everything acknowledged is there once, where its receipt said, and nothing else after that.

    And a reader that followed through the crashes got exactly what is there.
    """
    for stream_id, receipts in acknowledged.items():
        found = [
            (str(recorded.event_id), recorded.stream_version, recorded.position)
            for recorded in store.read_stream(stream_id)
        ]
        assert found == [tuple(receipt) for receipt in receipts]
    assert_exactly_once(delivered, [recorded.position for recorded in store.read_all(after)])
