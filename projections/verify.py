"""Trust in the tables: replays the log and compares with what is stored, row for row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

from psycopg import IsolationLevel, sql

from eventstore.database import translated
from eventstore.queries import load
from projections.errors import RulesDiffer
from projections.fold import fold
from projections.held_rows import for_replay
from projections.holding import Held
from projections.projection import Projection, State
from projections.row import Key, full_key
from projections.row_store import LIVE_SCHEMA, RowStore
from projections.session import Connection, open_session

__all__ = ["Difference", "Verified", "verify"]

SHOWN: Final = 100
"""Differences that are kept; the rest is counted."""

_SQL: Final = load("projections.sql", "verify.sql")


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not what the events say.

    `columns` maps each column that differs to (what is stored, what the events say).
    """

    table: str
    key: Key
    problem: Literal["missing", "unexpected", "different"]
    columns: dict[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Verified:
    """The outcome: at `position`, so many rows were compared and so many are `wrong`."""

    projection: str
    position: int
    events: int
    rows: int
    wrong: int
    differences: tuple[Difference, ...]


def verify(url: str, projection: Projection) -> Verified:
    """Compares a projection's tables, as they are at this moment, with a replay of the log.

    The projector goes on meanwhile; a rebuild waits with its switch. Raises RulesDiffer when the
    tables wait for a rebuild. What is held is in neither.
    """
    with (
        closing(open_session(url, part=f"verify {projection.name}")) as stored,
        closing(open_session(url, part=f"verify {projection.name}")) as log,
        translated(),
        _held(log, projection),
        _one_moment(stored),
    ):
        position = _position(stored, projection)
        state, events = projection.empty(), 0
        holding = for_replay(stored, projection)
        for _, outcome in fold(log, projection, state, holding, until=position):
            events += not isinstance(outcome, Held)
        rows = wrong = 0
        kept: list[Difference] = []
        for difference in _compare(stored, projection, state):
            rows += 1
            if difference is not None:
                wrong += 1
                kept += [difference][: SHOWN - len(kept)]
    return Verified(projection.name, position, events, rows, wrong, tuple(kept))


@contextmanager
def _held(conn: Connection, projection: Projection) -> Iterator[None]:
    """Keeps a rebuild from switching the tables until the block ends."""
    names = (sql.Identifier(LIVE_SCHEMA, table.TABLE) for table in projection.tables)
    with conn.transaction():
        conn.execute(sql.SQL(_SQL["hold_tables"]).format(tables=sql.SQL(", ").join(names)))
        yield


@contextmanager
def _one_moment(conn: Connection) -> Iterator[None]:
    """A transaction in which all statements see the moment of the first.

    The tables are held by then, over another connection: through a pooler the first statement is
    one of the session's own, and comes before any lock.
    """
    conn.isolation_level, conn.read_only = IsolationLevel.REPEATABLE_READ, True
    with conn.transaction():
        yield


def _position(conn: Connection, projection: Projection) -> int:
    """What the rows claim to be: the checkpoint's position; raises RulesDiffer."""
    found = conn.execute(_SQL["checkpoint"], {"projection": projection.name}).fetchone()
    if found is None:
        return 0
    if found[0] != projection.version:
        raise RulesDiffer(projection.name, found[0], projection.version)
    return int(found[1])


def _compare(conn: Connection, projection: Projection, state: State) -> Iterator[Difference | None]:
    """An item for each row, stored or expected: how it differs, or None."""
    store = RowStore(projection)
    for table in projection.tables:
        expected = {key: row for key, row in state[table].items() if row is not None}
        for row in store.read(conn, table):
            key = full_key(row)
            said = expected.pop(key, None)
            if said is None:
                yield Difference(table.TABLE, key, "unexpected", {})
                continue
            found, wanted = vars(row), vars(said)
            if found == wanted:
                yield None
                continue
            columns = {
                name: (found[name], wanted[name])
                for name in table.COLUMNS
                if found[name] != wanted[name]
            }
            yield Difference(table.TABLE, key, "different", columns)
        for key in expected:
            yield Difference(table.TABLE, key, "missing", {})
