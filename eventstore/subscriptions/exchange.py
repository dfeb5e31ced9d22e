"""The calls of the database that consumers live by; functions of a subscriber's connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

import orjson

from eventstore.connection.database import translated
from eventstore.connection.flight import Statement, fly
from eventstore.connection.queries import load
from eventstore.connection.session import Session
from eventstore.errors import (
    DatabaseFault,
    LeaseLost,
    NotFound,
    SubscriptionExists,
    SubscriptionInUse,
)
from eventstore.reading.rows import from_rows
from eventstore.recorded import RecordedEvent
from eventstore.registry import EventRegistry
from eventstore.subscriptions.tray import Settled

__all__ = ["Claimed", "Lease", "answered", "claim", "join", "leave", "settle"]

MAX_BYTES: Final = 8 * 1024 * 1024
"""Bytes of payloads in one claim, and one event more."""

_SQL: Final = load("eventstore.sql", "subscriptions.sql")


class Lease(NamedTuple):
    """A consumer's right to hold deliveries, as long as it gives signs of life."""

    tenant: str
    subscription: str
    token: int
    seconds: float


class Claimed(NamedTuple):
    """What a claim gave, and what it saw."""

    deliveries: list[tuple[RecordedEvent, int]]
    """Events, and how often each has failed before."""
    looked: int
    """Up to which position of the log it looked."""
    mark: int
    """The watermark."""
    due: float | None
    """Seconds until the next retry, if one waits for its time."""


def join(connection: Session, tenant: str, subscription: str, consumer: str) -> Lease:
    """A lease with a fencing token of its own; raises NotFound."""
    values = {"tenant": tenant, "name": subscription, "consumer": consumer}
    with answered(subscription):
        [[(token, seconds)]] = fly(connection, [(_SQL["join"], values)], binary=True)
    return Lease(tenant, subscription, token, seconds)


def leave(connection: Session, lease: Lease) -> None:
    """Gives everything back; nothing happens when the lease is over."""
    with answered(lease.subscription):
        fly(connection, [(_SQL["leave"], _of(lease))])


def settle(connection: Session, lease: Lease, settled: Settled) -> None:
    """Tells the store what was settled, and gives a sign of life; may be repeated.

    Raises LeaseLost.
    """
    with answered(lease.subscription):
        fly(connection, [_settling(lease, settled)])


def claim(
    connection: Session,
    lease: Lease,
    room: int,
    settled: Settled,
    *,
    wait_after: int | None = None,
    looks: int = 0,
    registry: EventRegistry,
) -> Claimed:
    """Settles, and claims up to `room` events, in one round trip and one transaction.

    With `wait_after`, and nothing to settle, it first waits until the watermark is beyond that
    position, for so many looks of a millisecond at most. Raises LeaseLost or NotFound.
    """
    flight: list[Statement] = []
    if len(settled):
        flight.append(_settling(lease, settled))
    elif wait_after is not None:
        flight.append((_SQL["wait"], {"after": wait_after, "looks": looks}))
    flight.append((_SQL["claim"], {**_of(lease), "room": room, "max_bytes": MAX_BYTES}))
    flight.append((_SQL["claimed"], ()))
    with answered(lease.subscription):
        *_, rows, [(said,)] = fly(connection, flight, binary=True)
    seen = orjson.loads(said)
    events = from_rows([row[:-1] for row in rows], registry)
    attempts = [row[-1] for row in rows]
    return Claimed(
        list(zip(events, attempts, strict=True)), seen["looked"], seen["mark"], seen["due"]
    )


@contextmanager
def answered(name: str) -> Iterator[None]:
    """Turns what the database says of subscription `name` into the errors of the store."""
    try:
        with translated():
            yield
    except DatabaseFault as fault:
        match fault.sqlstate:
            case "ES021":
                hint = "see `eventstore subscriptions list`"
                raise NotFound("subscription", name, hint) from fault
            case "ES022":
                raise LeaseLost(name) from fault
            case "ES023":
                raise SubscriptionExists(name) from fault
            case "ES024":
                detail = getattr(getattr(fault.__cause__, "diag", None), "message_detail", "{}")
                raise SubscriptionInUse(name, **orjson.loads(detail or "{}")) from fault
        raise


def _of(lease: Lease) -> dict[str, str | int]:
    return {"tenant": lease.tenant, "name": lease.subscription, "token": lease.token}


def _settling(lease: Lease, settled: Settled) -> Statement:
    failures = orjson.dumps(settled.failures).decode() if settled.failures else None
    positions = _array(settled.acknowledged)
    return _SQL["settle"], {**_of(lease), "acknowledged": positions, "failures": failures}


def _array(positions: Sequence[int]) -> str:
    return "{" + ",".join(map(str, positions)) + "}"
