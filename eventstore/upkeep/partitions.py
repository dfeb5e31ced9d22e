"""The log's partitions: which there are, which are missing, and what is done to them.

Nothing here makes an append wait. A lock that others could meet is asked for with little patience,
and again after a pause; everything else goes on beside reads and appends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import takewhile
from time import sleep
from typing import Any, Final, TypeVar

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from eventstore.connection.database import Connection, Database, Limits, connect, translated
from eventstore.connection.queries import load
from eventstore.errors import NotFound
from eventstore.limits import MONTHS_AHEAD
from eventstore.streams.counts import count_all

__all__ = [
    "attach_partition",
    "detach_partition",
    "ensure_partitions",
    "gaps",
    "keep_partitions",
    "partitions",
    "seal_partitions",
]

T = TypeVar("T")

_LOCK_PATIENCE: Final = 0.1
"""Seconds that a change of partitions waits for a lock; who comes later waits behind it."""
_TRIES: Final = 10
_PAUSE: Final = 0.25
"""Seconds between two tries to get a lock: others go on for longer than they were stopped."""

_SQL: Final = load("eventstore.sql", "partitions.sql")


def partitions(connection: Connection) -> list[dict[str, Any]]:
    """Each partition's name, class, month, size, and about how many events it has of all tenants.

    The estimate is None until the server has looked at a new partition.
    """
    with translated(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SQL["partitions"]).fetchall()


def gaps(connection: Connection) -> list[dict[str, Any]]:
    """The retention_class and month of what is missing until the end of next month."""
    with translated(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SQL["gaps"]).fetchall()


def ensure_partitions(database: Database, months_ahead: int = MONTHS_AHEAD) -> Sequence[str]:
    """Creates what is missing from this month on; returns the names of the new partitions."""
    with _keeper(database) as connection:
        return _ensure(connection, months_ahead)


def seal_partitions(database: Database) -> Sequence[str]:
    """Seals the months that are over; returns the names of the partitions that it worked on.

    One is closed to inserts, its positions are noted and proven, its streams and runs mapped, its
    rows frozen and analysed. What was broken off goes on where it was. Raises StoreUnavailable when
    readers hold a partition for longer than it tries, or PermissionDenied.
    """
    with _keeper(database) as connection:
        return list(dict.fromkeys(_seal(connection)))


def keep_partitions(
    database: Database, months_ahead: int, *, stopped: Callable[[], bool] = lambda: False
) -> tuple[Sequence[str], Sequence[str]]:
    """Both of them, over one connection: the names of new partitions, and of sealed ones.

    Between two steps of the second it ends as soon as `stopped` says so.
    """
    with _keeper(database) as connection:
        made = _ensure(connection, months_ahead)
        sealed = takewhile(lambda _: not stopped(), _seal(connection))
        return made, list(dict.fromkeys(sealed))


def detach_partition(database: Database, name: str) -> None:
    """Takes a partition out of the log; its table stays, under the same protection.

    Appends and reads go on; it waits for the transactions that use the log now, in bounds. As the
    owner, over a connection of its own and not through a pooler. A partition that is only half
    detached, after a kill, is so in the end. Raises NotFound or StoreUnavailable.
    """
    with _keeper(database) as connection:
        while count_all(connection):  # what is detached can't be counted any more
            pass
    limits = _patient(database.limits)
    with closing(connect(database.url, role="owner", limits=limits)) as connection, translated():
        _patiently(lambda: _detach(connection, name))


def attach_partition(database: Database, name: str) -> None:
    """Puts back a partition that was detached. Raises NotFound or StoreUnavailable."""
    with _keeper(database) as connection:
        try:
            _patiently(lambda: connection.execute(_SQL["attach"], {"name": name}))
        except psycopg.errors.UndefinedTable as error:
            raise _not_there(name) from error


def _ensure(connection: Connection, months_ahead: int) -> list[str]:
    arguments = {"months_ahead": months_ahead}
    return _patiently(
        lambda: [row[0] for row in connection.execute(_SQL["ensure"], arguments).fetchall()]
    )


def _seal(connection: Connection) -> Iterator[str]:
    """One step after the other, each in a transaction of its own, until none is due."""
    while steps := connection.execute(_SQL["steps"]).fetchall():
        for name, step in steps:
            _patiently(lambda name=name, step=step: _STEPS[step](connection, name))  # type: ignore[misc]
            yield name


def _vacuum(connection: Connection, name: str) -> None:
    connection.execute(SQL(_SQL["vacuum"]).format(name=Identifier(name)))
    connection.execute(_SQL["note_vacuum"], {"name": name})


def _calling(query: str) -> Callable[[Connection, str], object]:
    return lambda connection, name: connection.execute(_SQL[query], {"name": name})


_STEPS: Final[dict[str, Callable[[Connection, str], object]]] = {
    "seal": _calling("seal"),
    "prove": _calling("prove"),
    "map": _calling("map"),
    "vacuum": _vacuum,
}


def _detach(connection: Connection, name: str) -> None:
    found = connection.execute(_SQL["attachment"], {"name": name}).fetchone()
    if found is None:
        raise _not_there(name)
    parent, half_done = found
    query = _SQL["finish_detaching" if half_done else "detach"]
    connection.execute(SQL(query).format(parent=Identifier(parent), name=Identifier(name)))


@contextmanager
def _keeper(database: Database) -> Iterator[Connection]:
    """The archiver's connection, whose errors are ours."""
    limits = _patient(database.limits)
    with closing(connect(database.url, role="archiver", limits=limits)) as connection, translated():
        yield connection


def _patient(limits: Limits) -> Limits:
    """Impatient with locks, and patient with a partition of any length."""
    return replace(limits, command=0, lock=_LOCK_PATIENCE)


def _patiently(work: Callable[[], T]) -> T:
    """Does `work` again while somebody else has a lock that it needs, in bounds."""
    for _ in range(_TRIES - 1):
        try:
            return work()
        except psycopg.errors.LockNotAvailable:
            sleep(_PAUSE)
    return work()


def _not_there(name: str) -> NotFound:
    return NotFound("partition", name, "`eventstore partitions list` names them")
