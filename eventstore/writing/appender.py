"""One batch of requests to the database, and an outcome for each: the I/O of an append."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import orjson
import psycopg
from psycopg.pq import Format

from eventstore.append import Receipt, Request
from eventstore.connection.database import Database, lost, translate, translated
from eventstore.connection.prepared import Prepared, Row
from eventstore.connection.queries import load
from eventstore.connection.session import Session
from eventstore.encoding.binary import bigints
from eventstore.errors import AppendRefused, EventStoreError, StoreUnavailable
from eventstore.guards import Guards
from eventstore.writing.answers import REFUSALS, Outcomes, outcomes_of, recorded, refusal
from eventstore.writing.short import FORMATS, Parameters, short_call
from eventstore.writing.wire import arguments, guard_arguments, receipts

__all__ = ["MAX_REPEATS", "REPEATABLE", "Appender", "is_lost", "repeatable"]

_SQL = load("eventstore.sql", "append.sql")
T = TypeVar("T")
MAX_REPEATS: Final = 10
# serialization_failure, deadlock_detected: the same append again may succeed.
REPEATABLE: Final = frozenset({"40001", "40P01"})
# The same, unique_violation (the event id is recorded) and check_violation (no partition takes the
# month): what the short ways leave to append.
_CLOSER_LOOK: Final = {*REPEATABLE, "23505", "23514"}


class Appender:
    """A connection that may append, made when it is needed and again when it is lost.

    For one thread at a time.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Session | None = None
        self._prepared: dict[str, Prepared] = {}
        self._launched: Prepared | None = None
        self._declined = False
        """Whether what was launched came back for a close look."""
        self._meanwhile: Callable[[], None] | None = None

    def append(
        self, requests: Sequence[Request], meanwhile: Callable[[], None] | None = None
    ) -> Outcomes:
        """Appends requests in one transaction; the receipts of each, or why it was refused.

        `meanwhile` may be done any number of times, as soon as there is something to wait for. A
        call is repeated where a repeat can help, also after a lost connection: the event ids make
        that safe. After `launch` these have to be the same requests. Raises StoreUnavailable,
        PermissionDenied or DatabaseFault for all together.
        """
        self._meanwhile = meanwhile
        outcomes = None if self._launched is None else self.land(requests)
        if outcomes is not None:
            return outcomes
        if requests[0].guards is not None:
            return [self._append_decided(requests[0], requests[0].guards)]
        declined, self._declined = self._declined, False
        outcomes = None if declined else self._append_shortly(requests)
        if outcomes is not None:
            return outcomes
        said = arguments(self._database.tenant, requests)
        parameters: Parameters = [value.encode() for value in said.values()]
        answer = self._repeatedly(lambda c: self._send(c, "append", parameters))
        positions, stream_versions, refusals = (column or b"" for column in answer)
        # In binary, jsonb is its text after a byte for the version of the form.
        refused = orjson.loads(refusals[1:]) if refusals else []
        return outcomes_of(bigints(positions), bigints(stream_versions), refused, requests)

    def launch(self, requests: Sequence[Request]) -> Session | None:
        """Sends requests the short way, and returns the session that will have the answer.

        None when that can't be done without waiting, or not in the short way. Whatever becomes of
        it, `append` may be called for the same requests, and does the rest.
        """
        session = self._connection
        if session is None or session.closed or session.pooled or requests[0].guards is not None:
            return None
        said = short_call(self._database.tenant, requests)
        prepared = None if said is None else self._prepared.get(said[0])
        if said is None or prepared is None:
            return None
        self._launched = prepared
        try:
            sent = prepared.launch(said[1], FORMATS[said[0]])
            return session if sent else None
        except psycopg.Error:
            return None

    def arrived(self) -> bool:
        """Whether `land` need not wait."""
        try:
            return self._launched is None or self._launched.arrived()
        except psycopg.Error:
            return True  # landing tells what is wrong

    def land(self, requests: Sequence[Request]) -> Outcomes | None:
        """How the requests ended that were launched; None when `append` has to see to them."""
        prepared, self._launched = self._launched, None
        assert prepared is not None, "something was launched"
        try:
            (answer,) = self._do(lambda _: prepared.land())
        except EventStoreError as error:
            self._declined = _wants_a_closer_look(error)
            return None
        self._declined = answer is None
        return None if answer is None else recorded(answer, requests)

    def close(self) -> None:
        """Gives the connection back; the next append makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._launched = None

    def _append_decided(self, request: Request, guards: Guards) -> list[Receipt] | AppendRefused:
        """The receipts of a request that rests on more than its own streams."""
        more = guard_arguments(guards, request.appends[0].stream_id)
        return self._append_alone("append_decided", request, more)

    def mark(self, request: Request) -> list[Receipt] | AppendRefused:
        """The receipt of the lone event by which a stream is closed, reopened or described."""
        return self._append_alone("mark_stream", request, {})

    def _append_alone(
        self, query: str, request: Request, more: dict[str, str]
    ) -> list[Receipt] | AppendRefused:
        """The receipts of a request whose refusal the database raises."""
        parameters = {**arguments(self._database.tenant, [request]), **more}
        try:
            decided = self._repeatedly(lambda c: self._execute(c, query, parameters))
            return receipts(request, *decided)
        except EventStoreError as error:
            state = getattr(error.__cause__, "sqlstate", None)
            if state not in REFUSALS:
                raise
            diag: Any = getattr(error.__cause__, "diag", None)
            return refusal(
                {"sqlstate": state, "detail": orjson.loads(diag.message_detail)}, request
            )

    def _repeatedly(self, execute: Callable[[Session], T]) -> T:
        """The answer to a query; a repeat may help where another transaction was in the way."""
        for repeats_left in range(MAX_REPEATS, -1, -1):
            try:
                return self._database.patiently(lambda: self._do(execute))
            except EventStoreError as error:
                if repeats_left == 0 or not repeatable(error, self._connection):
                    raise
        raise AssertionError("unreachable")

    def _append_shortly(self, requests: Sequence[Request]) -> Outcomes | None:
        """The outcomes of requests, or None when `eventstore.append` has to take a close look.

        A call that was lost on its way is repeated, and then the events may be there already.
        """
        said = short_call(self._database.tenant, requests)
        answer = self._ask(*said) if said is not None else None
        return None if answer is None else recorded(answer, requests)

    def _ask(self, name: str, parameters: Parameters) -> bytes | None:
        """What one of the short ways answers; None where it leaves the call to append."""
        formats = FORMATS[name]

        def execute(connection: Session) -> Row:
            if connection.pooled and formats is not None:
                return (None,)  # nothing can be prepared, and the driver would send text
            return self._send(connection, name, parameters, formats)

        try:
            (answer,) = self._database.patiently(lambda: self._do(execute))
            return answer
        except EventStoreError as error:
            if _wants_a_closer_look(error):
                return None
            raise

    def _send(
        self,
        connection: Session,
        query: str,
        parameters: Parameters,
        formats: Sequence[Format] | None = None,
    ) -> Row:
        prepared = self._prepared.get(query)
        if prepared is None:
            prepared = self._prepared[query] = Prepared(connection, query, _SQL[query])
        return prepared(parameters, formats, self._meanwhile)

    def _execute(
        self, connection: Session, query: str, parameters: Mapping[str, Any]
    ) -> tuple[Any, ...]:
        self._spend_the_wait()
        return connection.execute(_SQL[query], parameters, binary=True).fetchone() or ()

    def _spend_the_wait(self) -> None:
        if self._meanwhile is not None:
            self._meanwhile()

    def _do(self, execute: Callable[[Session], T]) -> T:
        try:
            if self._connection is None or self._connection.closed:
                self._spend_the_wait()
                self._connection, self._prepared = self._database.writer(), {}
            return execute(self._connection)
        except psycopg.Error as error:
            fault = translate(error)
            if is_lost(fault) or isinstance(error, psycopg.errors.TransactionTimeout):
                self.close()
            raise fault from error
        except BaseException:
            # Interrupted in mid-call: the connection may still hold an unread answer.
            self.close()
            raise


def _wants_a_closer_look(error: EventStoreError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) in _CLOSER_LOOK


def repeatable(
    error: EventStoreError, session: Session | None, states: frozenset[str] = REPEATABLE
) -> bool:
    """Whether the same call again may succeed; makes the partition that was missing, if one was."""
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None)
    if state in states:
        return True
    # check_violation without a constraint: no partition takes the event's month.
    diag = getattr(cause, "diag", None)
    if state == "23514" and diag is not None and diag.constraint_name is None:
        assert session is not None, "the database has answered"
        with translated():
            session.execute(_SQL["ensure_partitions"])
        return True
    return False


def is_lost(error: Exception) -> bool:
    """Whether nobody knows what became of a call, because its connection went away."""
    return isinstance(error, StoreUnavailable) and lost(error)
