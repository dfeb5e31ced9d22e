"""Order: a reader that follows the log misses nothing and sees nothing twice.

Whatever the appenders do. The same check fails when any one part of the design is taken out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from eventstore import EventStore
from eventstore.connection.database import Connection, connect
from tests.integration.log.order import Read, assert_exactly_once, run_check, scan, subscription
from tests.integration.log.processes import Child, children
from tests.integration.log.raw_append import append
from tests.integration.log.waiting import until

APPENDERS = 8
GATE = 4242


@pytest.fixture
def appenders(database_url: str) -> Iterator[list[Child]]:
    with children(APPENDERS, "appender_process", database_url) as started:
        yield started


def test_readers_follow_eight_appenders(
    appenders: list[Child], store: EventStore, admin: Connection
) -> None:
    readers = [subscription(store, limit=1_000), subscription(store, limit=7), scan(store)]
    run_check(appenders, readers, events=4_000, batch=6, pause=0.004)
    uncache(admin, 20)
    with pytest.raises(AssertionError, match="skipped"):
        run_until_lost(appenders, store)
    uncache(admin, 1)
    run_check(appenders, [from_here(store)], events=400, batch=6, pause=0.004)
    unregister(admin)
    with pytest.raises(AssertionError, match="skipped"):
        run_until_lost(appenders, store)


def run_until_lost(appenders: list[Child], store: EventStore) -> None:
    """The same check on a mutant, so often that it would be a wonder if nothing were lost."""
    for _ in range(5):
        run_check(appenders, [from_here(store)], events=1_000, batch=6, pause=0.004)


def from_here(store: EventStore) -> Read:
    subscribed = store.subscribe(after=store.watermark())
    return lambda: [recorded.position for recorded in subscribed.fetch()]


# The same as a fixed schedule, in which a mutant has no luck --------------------------------------


def test_the_schedule_loses_nothing(
    store: EventStore, database_url: str, admin: Connection
) -> None:
    for read in (subscription(store, limit=1_000), subscription(store, limit=1), scan(store)):
        with gate(admin):
            tangle(database_url, admin, read, start=store.watermark())


def test_a_read_in_one_statement_loses_events(database_url: str, admin: Connection) -> None:
    with (
        gate(admin),
        connect(database_url, role="auditor", tenant="default") as connection,
        pytest.raises(AssertionError, match="skipped 1 of"),
    ):
        tangle(database_url, admin, in_one_statement(connection))


def test_registrations_read_before_the_sequence_lose_events(
    store: EventStore, database_url: str, admin: Connection
) -> None:
    with gate(admin, swapped=True), pytest.raises(AssertionError, match="skipped 1 of"):
        tangle(database_url, admin, subscription(store, limit=1_000))


def test_cached_positions_lose_events(
    store: EventStore, database_url: str, admin: Connection
) -> None:
    uncache(admin, 20)
    with gate(admin), pytest.raises(AssertionError, match="skipped"):
        tangle(database_url, admin, subscription(store, limit=1_000))


def test_appends_that_do_not_register_lose_events(
    store: EventStore, database_url: str, admin: Connection
) -> None:
    unregister(admin)
    with gate(admin), pytest.raises(AssertionError, match="skipped"):
        tangle(database_url, admin, subscription(store, limit=1_000))


def tangle(url: str, admin: Connection, read: Read, start: int = 0) -> None:
    """Two appenders whose transactions overlap in every way, and a read between all steps.

    One read is held up in its middle while an append commits.
    """
    delivered: list[int] = []
    committed: list[int] = []
    with (
        connect(url, role="appender", tenant="default") as a,
        connect(url, role="appender", tenant="default") as b,
    ):
        with a.transaction():
            committed += append(a, "a-1")
            committed += append(b, "b-1")
            delivered += read()
            with a.transaction(force_rollback=True):
                append(a, "a-1")
            committed += append(b, "b-1", 3)
            committed += append(a, "a-1", 2)
            delivered += read()
        committed += append(b, "b-1")
        delivered += read()
        with b.transaction():
            with b.transaction(force_rollback=True):
                append(b, "b-1")
            delivered += read()
            committed += append(a, "a-1")
            delivered += read()
            committed += append(b, "b-1")
            committed += append(a, "a-1")
            delivered += read()
        with ThreadPoolExecutor(1) as pool:
            delivered += to_the_end(read)  # so that the next read asks for the watermark
            # Held up while an append, which the read could not see yet, commits.
            with a.transaction():
                committed += append(a, "a-1")
                committed += append(b, "b-1")
                held_up = hold_up(admin, pool, read)
            delivered += let_go(admin, held_up)
            delivered += to_the_end(read)
            # Held up while an append, which did not exist yet, takes its position.
            held_up = hold_up(admin, pool, read)
            with a.transaction():
                committed += append(a, "a-1")
                committed += append(b, "b-1")
                delivered += let_go(admin, held_up)
                delivered += read()
        delivered += to_the_end(read)
    assert_exactly_once([position for position in delivered if position > start], committed)


def to_the_end(read: Read) -> list[int]:
    return [position for found in iter(read, []) for position in found]


def hold_up(admin: Connection, pool: ThreadPoolExecutor, read: Read) -> Future[list[int]]:
    """Begins a read and leaves it waiting between the two statements of the watermark."""
    admin.execute("SELECT pg_advisory_lock(%s)", [GATE])
    held_up = pool.submit(read)
    until(lambda: at_the_gate(admin))
    return held_up


def let_go(admin: Connection, held_up: Future[list[int]]) -> list[int]:
    """What a read that was held up finds in the end."""
    admin.execute("SELECT pg_advisory_unlock(%s)", [GATE])
    return held_up.result()


def at_the_gate(admin: Connection) -> bool:
    query = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
    return admin.execute(query, [GATE]).fetchone() is not None


@contextmanager
def gate(admin: Connection, *, swapped: bool = False) -> Iterator[None]:
    """Puts a gate between the watermark's two statements, open unless somebody holds the lock.

    So a read can be held up where a busy machine would hold it up by chance. `swapped` looks at
    the registrations first, and at the sequence then.
    """
    row = admin.execute("SELECT pg_get_functiondef('eventstore.watermark'::regproc)").fetchone()
    assert row is not None
    found = re.search(r"(high := [^;]*;)\s*(SELECT min[^;]*;)", row[0])
    assert found is not None
    first, second = found.group(2, 1) if swapped else found.groups()
    body = f"{first}\nPERFORM eventstore.gate();\n{second}"
    admin.execute(
        f"""
        CREATE FUNCTION eventstore.gate() RETURNS void LANGUAGE sql SECURITY DEFINER AS
            'SELECT pg_advisory_xact_lock_shared({GATE})'
        """
    )
    admin.execute(row[0].replace(found.group(), body))
    try:
        yield
    finally:
        admin.execute(row[0])
        admin.execute("DROP FUNCTION eventstore.gate()")


# The mutants --------------------------------------------------------------------------------------


def in_one_statement(connection: Connection) -> Read:
    """Events and watermark from one statement, so from one snapshot."""
    query = """
        SELECT position FROM eventstore.events
         WHERE position > %s AND position <= (SELECT eventstore.watermark())
         ORDER BY position
    """
    last = 0

    def read() -> list[int]:
        nonlocal last
        found = [int(row[0]) for row in connection.execute(query, [last])]
        last = found[-1] if found else last
        return found

    return read


def uncache(admin: Connection, size: int) -> None:
    """Lets sessions take that many positions at once."""
    admin.execute(f"ALTER SEQUENCE eventstore.events_position_seq CACHE {size}")


def unregister(admin: Connection) -> None:
    """Takes the registration out of append."""
    registers = (
        r"PERFORM\s+pg_advisory_xact_lock_shared\([^;]*;"
        r"|IF pg_advisory_xact_lock_shared\([^;]*;\s+END IF;"
    )
    definitions: list[tuple[Any, ...]] = admin.execute(
        "SELECT pg_get_functiondef(oid) FROM pg_proc "
        "WHERE pronamespace = 'eventstore'::regnamespace AND prosrc ~ 'xact_lock_shared..17750'"
    ).fetchall()
    assert len(definitions) == 5
    for (definition,) in definitions:
        mutant, removed = re.subn(registers, "", definition)
        assert removed == 1
        admin.execute(mutant)
