"""One batch of requests to the database, and an outcome for each: the I/O of an append."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import orjson
import psycopg
from psycopg.pq import Format

from eventstore.append import Receipt, Request
from eventstore.connection.database import Database, lost, translate, translated
from eventstore.connection.prepared import Prepared, Row
from eventstore.connection.queries import load
from eventstore.connection.session import Session
from eventstore.encoding.binary import bigints
from eventstore.errors import (
    AppendRefused,
    ConcurrencyConflict,
    ConditionFailed,
    DuplicateEventId,
    EventStoreError,
    StoreUnavailable,
    StreamClosed,
    StreamNotClosed,
    ValueTaken,
)
from eventstore.guards import Guards
from eventstore.writing.short import (
    FORMATS,
    Parameters,
    lone_arguments,
    several_arguments,
    together_arguments,
)
from eventstore.writing.wire import arguments, guard_arguments, receipts

__all__ = ["MAX_REPEATS", "REPEATABLE", "Appender", "is_lost", "refusal", "repeatable"]

_SQL = load("eventstore.sql", "append.sql")
T = TypeVar("T")
MAX_REPEATS: Final = 10
# serialization_failure, deadlock_detected: the same append again may succeed.
REPEATABLE: Final = frozenset({"40001", "40P01"})
# The same, unique_violation (the event id is recorded) and check_violation (no partition takes the
# month): what the short ways leave to append.
_CLOSER_LOOK: Final = {*REPEATABLE, "23505", "23514"}
# The facts of a refusal are in its DETAIL.
_REFUSALS: Final = {"ES001", "ES002", "ES006", "ES007", "ES008", "ES009"}


class Appender:
    """A connection that may append, made when it is needed and again when it is lost.

    For one thread at a time.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Session | None = None
        self._prepared: dict[str, Prepared] = {}
        self._meanwhile: Callable[[], None] | None = None

    def append(
        self, requests: Sequence[Request], meanwhile: Callable[[], None] | None = None
    ) -> list[list[Receipt] | AppendRefused]:
        """Appends requests in one transaction; the receipts of each, or why it was refused.

        `meanwhile` may be done any number of times, as soon as there is something to wait for. A
        call is repeated where a repeat can help, also after a lost connection: the event ids make
        that safe. Raises StoreUnavailable, PermissionDenied or DatabaseFault for all together.
        """
        self._meanwhile = meanwhile
        if requests[0].guards is not None:
            return [self._append_decided(requests[0], requests[0].guards)]
        outcomes = self._append_shortly(requests)
        if outcomes is not None:
            return outcomes
        said = arguments(self._database.tenant, requests)
        parameters: Parameters = [value.encode() for value in said.values()]
        answer = self._repeatedly(lambda c: self._send(c, "append", parameters))
        positions, stream_versions, refusals = (column or b"" for column in answer)
        # In binary, jsonb is its text after a byte for the version of the form.
        refused = orjson.loads(refusals[1:]) if refusals else []
        return _outcomes(bigints(positions), bigints(stream_versions), refused, requests)

    def close(self) -> None:
        """Gives the connection back; the next append makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

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
            if state not in _REFUSALS:
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

    def _append_shortly(
        self, requests: Sequence[Request]
    ) -> list[list[Receipt] | AppendRefused] | None:
        """The receipts of each request, or None when `eventstore.append` has to take a close look.

        A call that was lost on its way is repeated, and then the events may be there already.
        """
        tenant, request = self._database.tenant, requests[0]
        if len(requests) > 1 or len(request.appends) > 1:
            if any(append.tags for each in requests for append in each.appends):
                return None
            answer = self._ask("append_together", together_arguments(tenant, requests))
            if answer is None:
                return None
            numbers = bigints(answer)
            # The stream_version of each event, and then the position of each.
            middle = len(numbers) // 2
            return _outcomes(numbers[middle:], numbers[:middle], [], requests)
        append = request.appends[0]
        if len(request.event_ids) > 1 or append.tags:
            answer = self._ask("append_several", several_arguments(tenant, request))
        else:
            answer = self._ask("append_one", lone_arguments(tenant, request))
        if answer is None:
            return None
        before, *positions = bigints(answer)
        stream_version = before + len(positions)
        return [[Receipt(append.stream_id, stream_version, tuple(positions), request.event_ids)]]

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
            if getattr(error.__cause__, "sqlstate", None) in _CLOSER_LOOK:
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


def _outcomes(
    positions: Sequence[int],
    stream_versions: Sequence[int],
    refusals: Sequence[dict[str, Any]],
    requests: Sequence[Request],
) -> list[list[Receipt] | AppendRefused]:
    refused = {entry["request"]: entry for entry in refusals}
    outcomes: list[list[Receipt] | AppendRefused] = []
    at = 0
    for number, request in enumerate(requests):
        until = at + len(request.event_ids)
        if number in refused:
            outcomes.append(refusal(refused[number], request))
        else:
            outcomes.append(receipts(request, positions[at:until], stream_versions[at:until]))
        at = until
    return outcomes


def refusal(entry: dict[str, Any], request: Request) -> AppendRefused:
    """The error for an entry of the refusals that the database answers."""
    detail = entry["detail"]
    if entry["sqlstate"] == "ES008":
        assert request.guards is not None, "only conditions are refused so"
        failed = request.guards.conditions[detail["condition"]]
        return ConditionFailed(failed.query, failed.after, detail["position"], detail["event_type"])
    stream_id = detail["stream_id"]
    if entry["sqlstate"] == "ES001":
        # The expectation in the writer's own words: NO_STREAM rather than 0.
        said = next(
            (
                append.expected_version
                for append in request.appends
                if append.stream_id == stream_id
                and int(append.expected_version) == detail["expected"]
            ),
            detail["expected"],
        )
        return ConcurrencyConflict(stream_id, said, detail["actual"] or 0)
    if entry["sqlstate"] == "ES007":
        return StreamClosed(stream_id, datetime.fromisoformat(detail["closed_at"]))
    if entry["sqlstate"] == "ES009":
        return StreamNotClosed(stream_id)
    if entry["sqlstate"] == "ES006":
        return ValueTaken(detail["scope"], detail["value"], detail["held_by"])
    return DuplicateEventId(
        UUID(detail["event_id"]), stream_id, detail["recorded_in"], detail["reason"]
    )
