"""One batch of requests to the database, and an outcome for each: the I/O of an append."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import orjson
import psycopg

from eventstore.append import Receipt, Request
from eventstore.binary import bigints
from eventstore.database import Database, lost, translate, translated
from eventstore.errors import (
    AppendRefused,
    ConcurrencyConflict,
    DuplicateEventId,
    EventStoreError,
    StoreUnavailable,
    StreamClosed,
    ValueTaken,
)
from eventstore.guards import Guards
from eventstore.prepared import Prepared
from eventstore.queries import load
from eventstore.session import Session
from eventstore.short import (
    FORMATS,
    Parameters,
    lone_arguments,
    several_arguments,
    together_arguments,
)
from eventstore.wire import arguments, guard_arguments, receipts

__all__ = ["Appender", "is_lost"]

_SQL = load("eventstore.sql", "append.sql")
P = TypeVar("P")
T = TypeVar("T")
MAX_REPEATS: Final = 10
# serialization_failure, deadlock_detected: the same append again may succeed.
_REPEATABLE: Final = {"40001", "40P01"}
# The same, unique_violation (the event id is recorded) and check_violation (no partition takes the
# month): what the short ways leave to append.
_CLOSER_LOOK: Final = {*_REPEATABLE, "23505", "23514"}
# The facts of a refusal are in its DETAIL.
_REFUSALS: Final = {"ES001", "ES002", "ES006", "ES007"}


class Appender:
    """A connection that may append, made when it is needed and again when it is lost.

    For one thread at a time.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Session | None = None
        self._prepared: dict[str, Prepared] = {}

    def append(self, requests: Sequence[Request]) -> list[list[Receipt] | AppendRefused]:
        """Appends requests in one transaction; the receipts of each, or why it was refused.

        A call is repeated where a repeat can help, also after a lost connection: the event ids make
        that safe. Raises StoreUnavailable, PermissionDenied or DatabaseFault for all together.
        """
        if requests[0].guards is not None:
            return [self._append_decided(requests[0], requests[0].guards)]
        outcomes = self._append_shortly(requests)
        if outcomes is not None:
            return outcomes
        parameters = arguments(self._database.tenant, requests)
        return _outcomes(self._repeatedly("append", parameters), requests)

    def close(self) -> None:
        """Gives the connection back; the next append makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _append_decided(self, request: Request, guards: Guards) -> list[Receipt] | AppendRefused:
        """The receipts of a request that rests on more than its own streams."""
        parameters = {
            **arguments(self._database.tenant, [request]),
            **guard_arguments(guards, request.appends[0].stream_id),
        }
        try:
            return receipts(request, *self._repeatedly("append_decided", parameters))
        except EventStoreError as error:
            state = getattr(error.__cause__, "sqlstate", None)
            if state not in _REFUSALS:
                raise
            diag: Any = getattr(error.__cause__, "diag", None)
            return _refusal(
                {"sqlstate": state, "detail": orjson.loads(diag.message_detail)}, request
            )

    def _repeatedly(self, query: str, parameters: dict[str, Any]) -> tuple[Any, ...]:
        """The answer to a query; a repeat may help where another transaction was in the way."""
        for repeats_left in range(MAX_REPEATS, -1, -1):
            try:
                return self._database.patiently(
                    lambda: self._do(lambda c, p: self._execute(c, query, p), parameters)
                )
            except EventStoreError as error:
                if repeats_left == 0 or not self._repeatable(error):
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
            return _outcomes((numbers[middle:], numbers[:middle], None), requests)
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

        def execute(connection: Session, parameters: Parameters) -> bytes | None:
            if connection.pooled and formats is not None:
                return None  # nothing can be prepared, and the driver would send text
            return self._statement(connection, name)(parameters, formats)

        try:
            return self._database.patiently(lambda: self._do(execute, parameters))
        except EventStoreError as error:
            if getattr(error.__cause__, "sqlstate", None) in _CLOSER_LOOK:
                return None
            raise

    def _statement(self, connection: Session, name: str) -> Prepared:
        statement = self._prepared.get(name)
        if statement is None:
            statement = self._prepared[name] = Prepared(connection, name, _SQL[name])
        return statement

    def _execute(
        self, connection: Session, query: str, parameters: dict[str, Any]
    ) -> tuple[Any, ...]:
        return connection.execute(_SQL[query], parameters, binary=True).fetchone() or ()

    def _do(self, execute: Callable[[Session, P], T], parameters: P) -> T:
        try:
            if self._connection is None or self._connection.closed:
                self._connection, self._prepared = self._database.writer(), {}
            return execute(self._connection, parameters)
        except psycopg.Error as error:
            fault = translate(error)
            if is_lost(fault) or isinstance(error, psycopg.errors.TransactionTimeout):
                self.close()
            raise fault from error
        except BaseException:
            # Interrupted in mid-call: the connection may still hold an unread answer.
            self.close()
            raise

    def _repeatable(self, error: EventStoreError) -> bool:
        cause = error.__cause__
        state = getattr(cause, "sqlstate", None)
        if state in _REPEATABLE:
            return True
        # check_violation without a constraint: no partition takes the event's month.
        diag = getattr(cause, "diag", None)
        if state == "23514" and diag is not None and diag.constraint_name is None:
            assert self._connection is not None
            with translated():
                self._connection.execute(_SQL["ensure_partitions"])
            return True
        return False


def is_lost(error: Exception) -> bool:
    """Whether nobody knows what became of a call, because its connection went away."""
    return isinstance(error, StoreUnavailable) and lost(error)


def _outcomes(
    answer: tuple[Any, ...], requests: Sequence[Request]
) -> list[list[Receipt] | AppendRefused]:
    positions, stream_versions, refusals = answer
    refused = {entry["request"]: entry for entry in refusals or ()}
    outcomes: list[list[Receipt] | AppendRefused] = []
    at = 0
    for number, request in enumerate(requests):
        until = at + len(request.event_ids)
        if number in refused:
            outcomes.append(_refusal(refused[number], request))
        else:
            outcomes.append(receipts(request, positions[at:until], stream_versions[at:until]))
        at = until
    return outcomes


def _refusal(entry: dict[str, Any], request: Request) -> AppendRefused:
    detail = entry["detail"]
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
    if entry["sqlstate"] == "ES006":
        return ValueTaken(detail["scope"], detail["value"], detail["held_by"])
    return DuplicateEventId(
        UUID(detail["event_id"]), stream_id, detail["recorded_in"], detail["reason"]
    )
