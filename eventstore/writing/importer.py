"""Batches of requests on their way to the log: one under way while the next is made ready."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal

import orjson
import psycopg
from psycopg import generators
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from eventstore.append import Request
from eventstore.connection.database import Database, translate
from eventstore.connection.queries import load
from eventstore.connection.session import Session
from eventstore.errors import AppendRefused, EventStoreError
from eventstore.writing.answers import refusal
from eventstore.writing.appender import MAX_REPEATS, REPEATABLE, is_lost, repeatable
from eventstore.writing.import_wire import FORMATS, import_arguments
from eventstore.writing.short import Parameters

__all__ = ["Importer", "Importers", "Outcome"]

Outcome = Literal["new", "repeated"] | AppendRefused
"""What became of a request: it was recorded now, or before, or was refused."""

_SQL: Final = load("eventstore.sql", "import.sql")
_PREPARED: Final = b"import_events"
# serialization_failure, deadlock_detected, unique_violation (somebody else recorded one of the
# events at this moment): the same call again knows more.
_REPEATABLE: Final = REPEATABLE | {"23505"}


class Importer:
    """A connection that imports, made when it is needed and again when it is lost.

    For one thread. Its requests are without guards, and no event id comes twice in a batch.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._session: Session | None = None
        self._batch: Sequence[Request] = ()
        self._parameters: Parameters = []
        self._under_way = False
        self.position = 0
        """Of the last event that was recorded so far; 0 when there is none."""

    def parameters(self, batch: Sequence[Request]) -> Parameters:
        """What `begin` sends of a batch; made while another one is under way."""
        return import_arguments(self._database.tenant, batch)

    def begin(self, batch: Sequence[Request], parameters: Parameters) -> None:
        """Sends a batch, and leaves the server to it. `finish` has to follow."""
        self._batch, self._parameters = batch, parameters
        try:
            session = self._connected()
            if not session.pooled:
                self._send(session)
                self._under_way = True
        except (EventStoreError, psycopg.Error):
            self.close()  # finish tries again, and has the patience
        except BaseException:
            self.close()
            raise

    def finish(self) -> list[Outcome]:
        """The outcome of each request of the batch that was begun.

        A call that was lost on its way is repeated, so that what it had recorded after all counts
        as repeated. Raises StoreUnavailable, PermissionDenied or DatabaseFault for all together.
        """
        outcomes: list[Outcome] = ["new"] * len(self._batch)
        left = list(range(len(self._batch)))
        while left:
            answer = self._answer()
            if answer is None:
                break
            for n in answer["recorded"]:
                outcomes[left[n]] = "repeated"
            for entry in answer["refusals"]:
                number = left[entry["request"]]
                outcomes[number] = refusal(entry, self._batch[number])
            if answer["taken"]:
                break
            left = [number for number in left if outcomes[number] == "new"]
            rest = [self._batch[number] for number in left]
            self._parameters = self.parameters(rest) if rest else []
        return outcomes

    def close(self) -> None:
        """Gives the connection back; the next batch makes another."""
        self._under_way = False
        if self._session is not None:
            self._session.close()
            self._session = None

    def _answer(self) -> dict[str, Any] | None:
        """Of the call under way, or of a new one; a repeat helps where others were in the way."""
        repeats_left = MAX_REPEATS
        while True:
            try:
                return self._database.patiently(self._exchange)
            except EventStoreError as error:
                repeats_left -= 1
                if repeats_left < 0 or not repeatable(error, self._session, _REPEATABLE):
                    raise

    def _exchange(self) -> dict[str, Any] | None:
        try:
            session = self._connected()
            if session.pooled:
                with session.transaction():
                    result = self._ask(session)
            else:
                result = self._ask(session)
        except psycopg.Error as error:
            fault = translate(error)
            if is_lost(fault) or isinstance(error, psycopg.errors.TransactionTimeout):
                self.close()
            raise fault from error
        except BaseException:
            self.close()  # interrupted in mid-call, it may still hold an unread answer
            raise
        outcomes, position = result.get_value(0, 0), result.get_value(0, 1)
        if position is not None:
            self.position = int(position)
        return None if outcomes is None else orjson.loads(outcomes)

    def _connected(self) -> Session:
        if self._session is None or self._session.closed:
            self._session, self._under_way = self._database.writer(), False
            if not self._session.pooled:
                self._session.pgconn.send_prepare(_PREPARED, _SQL["import_events"].encode())
                _result(self._session)
        return self._session

    def _send(self, session: Session) -> None:
        if session.pooled:
            session.pgconn.send_query_params(
                _SQL["import_events"].encode(), self._parameters, param_formats=FORMATS
            )
        else:
            session.pgconn.send_query_prepared(_PREPARED, self._parameters, FORMATS)
        session.wait(generators.send(session.pgconn))

    def _ask(self, session: Session) -> PGresult:
        if not self._under_way:
            self._send(session)
        self._under_way = False
        return _result(session)


class Importers:
    """Importers of one store: lent to one caller each, and kept for the next."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle: list[Importer] = []

    @contextmanager
    def lend(self) -> Iterator[Importer]:
        """An importer for a block; one whose block ends in the middle of a batch is closed."""
        try:
            importer = self._idle.pop()
        except IndexError:  # asking first would be no use: another thread may take the last one
            importer = Importer(self._database)
        importer.position = 0
        try:
            yield importer
        except BaseException:
            importer.close()
            raise
        self._idle.append(importer)

    def close(self) -> None:
        """Closes those that nobody has."""
        while self._idle:
            self._idle.pop().close()


def _result(session: Session) -> PGresult:
    result: PGresult = session.wait(generators.execute(session.pgconn))[-1]
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise error_from_result(result)
    return result
