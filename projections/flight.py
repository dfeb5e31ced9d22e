"""A transaction whose statements travel together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from eventstore.connection.database import translated
from eventstore.connection.flight import Query, Statement, Values, fly
from projections.session import Connection

__all__ = ["Executes", "Flight", "one_flight"]


class Executes(Protocol):
    """A connection, or a flight: takes statements that write."""

    def execute(self, query: Query, params: Values, /) -> object:
        """Runs the statement, now or with the others."""


class Flight:
    """Statements that will travel together; none of them has an answer."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []

    def execute(self, query: Query, params: Values = (), /) -> None:
        """Adds a statement."""
        self.statements.append((query, params))


@contextmanager
def one_flight(conn: Connection) -> Iterator[Flight]:
    """One transaction in one round trip, made of what the block executes; all of it or nothing.

    It is sent at the end of the block, and not at all if the block raises.
    """
    flight = Flight()
    yield flight
    with translated():
        fly(conn, flight.statements)
