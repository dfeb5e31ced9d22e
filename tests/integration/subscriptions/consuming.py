"""What the tests of subscriptions do again and again."""

from __future__ import annotations

from eventstore import EventStore
from eventstore.connection.database import Connection
from eventstore.subscriptions import Consumer, Delivery


def drained(store: EventStore, name: str, *, batch: int = 500) -> list[int]:
    """Acknowledges all that can be delivered now; the positions, in the order they came."""
    positions: list[int] = []
    store.subscriptions.consume(
        name, lambda d: positions.append(d.recorded.position), until_idle=True, batch=batch
    )
    return positions


def fetched(consumer: Consumer) -> list[Delivery]:
    """Claims what there is, and takes all that may be taken before anything is settled."""
    taken: list[Delivery] = []
    while not taken:
        consumer.fetch()
        while delivery := consumer.take():
            taken.append(delivery)
        if consumer.is_idle:
            break
    return taken


def silence(admin: Connection, name: str = "") -> None:
    """Makes the leases of consumers run out: all, or of those who call themselves so."""
    admin.execute(
        "UPDATE eventstore.subscription_consumers SET heartbeat_at = heartbeat_at - interval '1 h' "
        "WHERE starts_with(consumer, %s)",
        [name],
    )


def let_time_pass(admin: Connection) -> None:
    """Lets every retry be due."""
    admin.execute("UPDATE eventstore.deliveries SET next_at = NULL")


def mutated(admin: Connection, function: str, *changes: tuple[str, str]) -> None:
    """Replaces pieces of a function of the database."""
    row = admin.execute(
        "SELECT pg_get_functiondef(oid) FROM pg_proc "
        "WHERE pronamespace = 'eventstore'::regnamespace AND proname = %s",
        [function],
    ).fetchone()
    assert row is not None
    text: str = row[0]
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    admin.execute(text.encode())
