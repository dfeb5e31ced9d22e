"""One statement, prepared once on a connection, and sent without the driver's daily work.

A cursor converts the query, finds out types and looks up its cache with every call, which for a
small statement costs the client more than all the rest (measured: 17 against 5 microseconds when
the caches are warm, several times that when they are not).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, LiteralString

import psycopg
from psycopg import generators
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

from eventstore.connection.session import Session

__all__ = ["Prepared"]

Row = tuple[bytes | None, ...]
_DONE: Final = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class Prepared:
    """A statement with $1, $2 ... on one connection in autocommit; it gives one row.

    Through a pooler nothing can be prepared; there it is sent whole each time.
    """

    def __init__(self, session: Session, name: str, query: LiteralString) -> None:
        self._session, self._name, self._query = session, name.encode(), query
        self._results: list[PGresult] = []
        if not session.pooled:
            with session.lock:
                session.pgconn.send_prepare(self._name, query.encode())
                self._result()

    def __call__(
        self,
        parameters: Sequence[bytes | None],
        formats: Sequence[Format] | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> Row:
        """Runs it with parameters, as text where `formats` says nothing else.

        The values are in PostgreSQL's binary form. `meanwhile` is done while the server works,
        unless a pooler is in between. Raises psycopg.Error, as a cursor does.
        """
        if self._session.pooled:
            assert formats is None, "where nothing is prepared, binary parameters are no way"
            return self._send_whole(parameters)
        with self._session.lock:
            pgconn = self._session.pgconn
            pgconn.send_query_prepared(self._name, parameters, formats, result_format=Format.BINARY)
            if meanwhile is not None:
                self._session.wait(generators.send(pgconn))
                meanwhile()
            return _row(self._result())

    def launch(
        self, parameters: Sequence[bytes | None], formats: Sequence[Format] | None = None
    ) -> bool:
        """Sends it and goes on; False when a part of it is still to be sent, which `land` does.

        `land` has to follow before anything else is sent. For one thread at a time, and not
        through a pooler. Raises psycopg.Error.
        """
        pgconn = self._session.pgconn
        self._results = []
        pgconn.send_query_prepared(self._name, parameters, formats, result_format=Format.BINARY)
        return pgconn.flush() == 0

    def arrived(self) -> bool:
        """Whether the answer to what was launched is here; never waits. Raises psycopg.Error."""
        pgconn = self._session.pgconn
        pgconn.consume_input()
        while not pgconn.is_busy():
            result = pgconn.get_result()
            if result is None:
                return True
            self._results.append(result)
        return False

    def land(self) -> Row:
        """The answer to what was launched; waits for it, if need be. Raises psycopg.Error."""
        if not self.arrived():
            with self._session.lock:
                self._results += self._session.wait(generators.execute(self._session.pgconn))
        if not self._results:
            raise psycopg.OperationalError("the connection is lost")
        return _row(_good(self._results[-1]))

    def _send_whole(self, parameters: Sequence[bytes | None]) -> Row:
        said = [None if one is None else one.decode() for one in parameters]
        cursor = psycopg.RawCursor(self._session)
        with self._session.unit():
            cursor.execute(self._query, said, binary=True)
        assert cursor.pgresult is not None, "a statement that did not raise has a result"
        return _row(cursor.pgresult)

    def _result(self) -> PGresult:
        return _good(self._session.wait(generators.execute(self._session.pgconn))[-1])


def _good(result: PGresult) -> PGresult:
    if result.status not in _DONE:
        raise error_from_result(result)
    return result


def _row(result: PGresult) -> Row:
    return tuple([result.get_value(0, column) for column in range(result.nfields)])
