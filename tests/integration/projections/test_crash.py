"""kill -9 of the server under a projector: what it lost is made again, and nothing twice."""

from __future__ import annotations

from functools import partial

from eventstore import EventStore
from eventstore.connection.database import connect
from eventstore.connection.server import make_database
from eventstore.embedded import EmbeddedServer
from projections.checkpoint import position_of
from projections.session import Connection, open_session
from tests.integration.log.crash import kill
from tests.integration.projections.killing import assert_exactly_once, tell
from tests.integration.projections.running import running, until
from tests.integration.projections.things import DDL, Things


def _has_passed(conn: Connection, position: int) -> bool:
    return position_of(conn, Things()) > position


def test_the_projector_survives_its_server(durable_server: EmbeddedServer) -> None:
    make_database(durable_server, "crashed")
    url = durable_server.url("crashed")
    with connect(url, role="owner") as owner, owner.transaction():
        owner.execute(DDL)
    with running(url, Things(), revive=durable_server.ensure_running) as daemon:
        for crash in range(2):
            with EventStore.open(url) as store, open_session(url, part="test") as conn:
                before = position_of(conn, Things())
                tell(store, 1 + 10 * crash, 10)
                until(partial(_has_passed, conn, before), "it works")
            kill(durable_server)
            # The daemon itself brings the server back, and goes on.
            until(lambda: durable_server.status().state == "running", "the server is back")
        with EventStore.open(url) as store, open_session(url, part="test") as conn:
            end = store.watermark()
            until(lambda: position_of(conn, Things()) >= end, "it has caught up")
    assert daemon.failures == {}
    assert_exactly_once(url)
