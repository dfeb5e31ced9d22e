"""kill -9 of the projector: every event is applied once. The long version is among the faults."""

from __future__ import annotations

import os
import signal

import pytest

from eventstore import EventStore
from projections.checkpoint import position_of
from projections.session import Connection
from tests.integration.projections.killing import (
    assert_exactly_once,
    kill_at_random,
    projector,
    tell,
)
from tests.integration.projections.killing_holders import (
    killed_while_it_holds,
    killed_while_it_retries,
    tell_of_poison,
)
from tests.integration.projections.running import catch_up, checkpoint, number, stored, until
from tests.integration.projections.things import AmountAdded, Things


@pytest.mark.faults
def test_killed_at_random(url: str) -> None:
    kill_at_random(url, 3, seed=1)
    assert_exactly_once(url)


@pytest.mark.parametrize("statement", [6, 7, 8, 9])
def test_killed_in_a_batch(store: EventStore, url: str, statement: int) -> None:
    """Between load, checkpoint and writes: settings, lease, watermark and page come before."""
    tell(store, 1, 10)
    with projector(url, batch=20, die_before=statement) as process:
        assert process.wait(30) == -signal.SIGKILL
    assert_exactly_once(url)


def test_stopped_and_woken_up(store: EventStore, url: str, conn: Connection) -> None:
    """SIGSTOP for longer than the lease: it wakes up, has lost the lease, and writes nothing."""
    tell(store, 1, 5)
    with projector(url) as process:
        until(lambda: position_of(conn, Things()) == store.watermark(), "the rows")
        os.kill(process.pid, signal.SIGSTOP)
        tell(store, 6, 5)
        assert catch_up(url, Things()) == {}
        before = (stored(conn, Things()), (checkpoint(conn, "things") or {})["applied"])
        # Ours, for as long as it tries.
        conn.execute(
            "UPDATE projections.checkpoints SET holder = 'us', state = 'running', "
            "heartbeat_at = clock_timestamp(), lease_seconds = 60, "
            "fencing_token = fencing_token + 1"
        )
        os.kill(process.pid, signal.SIGCONT)
        store.append("thing-1", [AmountAdded(thing_id=number(1), amount=100)])
        assert process.stdout is not None
        assert next(line for line in process.stdout if b'event="lease lost"' in line)
        assert (stored(conn, Things()), (checkpoint(conn, "things") or {})["applied"]) == before
        conn.execute("UPDATE projections.checkpoints SET holder = NULL, state = 'stopped'")
    assert_exactly_once(url)


@pytest.mark.parametrize("statement", [12, 14])
def test_killed_while_it_holds(url: str, statement: int) -> None:
    """Between rows and what is held, and while it looks for who is to blame."""
    tell_of_poison(url)
    assert killed_while_it_holds(url, statement)


@pytest.mark.parametrize("statement", [9, 12])
def test_killed_while_it_retries(url: str, statement: int) -> None:
    """Between rows and what is held no longer."""
    tell_of_poison(url)
    assert killed_while_it_retries(url, statement)
