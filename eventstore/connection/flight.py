"""Statements that travel together, prepared once on a connection, as one transaction.

The driver's cursors and pipeline cost the client more than the network and a small statement cost
the server: for three statements some 100 microseconds more than this when the processor's caches
are warm, and 450 more when the process has slept for 20 milliseconds, as a projector of single
events always has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import lru_cache
from itertools import count
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from psycopg import abc, generators
from psycopg.adapt import Transformer
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from eventstore.connection.session import Session

__all__ = ["Query", "Statement", "Values", "array_literal", "fetch", "fly"]

Query = LiteralString | bytes
Values = Mapping[str, Any] | Sequence[Any]
Statement = tuple[Query, Values]
T = TypeVar("T")

_NUMBERS: Final = count(1)
_MOST_PREPARED: Final = 300
"""Statements that a connection keeps: those of tables by month have as many as there are spans."""
_PLACE: Final = re.compile(rb"%(?:\((\w+)\)s|s|%)")
_PLAIN: Final = frozenset({str, int, float, type(None)})
"""Values that are sent as text and whose types the server finds out by itself."""


def fly(
    connection: psycopg.Connection[tuple[Any, ...]],
    statements: Sequence[Statement],
    *,
    binary: bool = False,
) -> list[list[tuple[Any, ...]]]:
    """The rows of each statement; all of them are one transaction in one round trip.

    PostgreSQL makes statements that come without a pause between them one transaction by itself,
    so there is no BEGIN to answer. Placeholders are the driver's, %s or %(name)s. Through a
    pooler, where nothing can be prepared, inside a transaction, and with values other than
    strings and numbers, the driver sends them. Raises psycopg.Error.
    """
    if isinstance(connection, Session) and _is_free(connection):
        flight = [_prepared(query, values) for query, values in statements]
        if all(_is_plain(value) for _, values in flight for value in values):
            results = _again(connection, lambda: _send(connection, flight, binary))
            transformer = Transformer.from_context(connection)
            return [_rows(transformer, result) for result in results]
    pipelined = connection.pgconn.pipeline_status != PipelineStatus.OFF
    with connection.pipeline() if len(statements) > 1 and not pipelined else nullcontext():
        cursors = [connection.execute(*each, binary=binary) for each in statements]
    return [cursor.fetchall() if cursor.description else [] for cursor in cursors]


def fetch(connection: psycopg.Connection[Any], query: Query, values: Values) -> PGresult:
    """The rows of one statement as they came, in binary; otherwise as `fly`."""
    if isinstance(connection, Session) and _is_free(connection):
        text, said = _prepared(query, values)
        if all(map(_is_plain, said)):
            return _again(connection, lambda: _ask(connection, text, said))
    result = connection.execute(query, values, binary=True).pgresult
    assert result is not None, "a statement that did not raise has a result"
    return result


@lru_cache(maxsize=64)
def array_literal(texts: tuple[str, ...]) -> str:
    """An array as PostgreSQL reads it: some hundred names are quoted once, not for each call."""
    quoted = (text.replace("\\", r"\\").replace('"', r"\"") for text in texts)
    return "{" + ",".join(f'"{text}"' for text in quoted) + "}"


def _again(session: Session, send: Callable[[], T]) -> T:
    """Sends, once more where the driver had the server forget everything that was prepared.

    It does that after a transaction was undone. Nothing was written then.
    """
    try:
        return send()
    except InvalidSqlStatementName:
        session.prepared.clear()
        return send()


def _is_free(session: Session) -> bool:
    pgconn = session.pgconn
    return (
        not session.pooled
        and pgconn.transaction_status == TransactionStatus.IDLE
        and pgconn.pipeline_status == PipelineStatus.OFF
    )


def _is_plain(value: Any) -> bool:
    # Text ends at a zero byte, without a word; the driver refuses such a value.
    return type(value) in _PLAIN and not (type(value) is str and "\0" in value)


def _prepared(query: Query, values: Values) -> tuple[bytes, list[Any]]:
    """With $1, $2 ..., and the values in that order."""
    text, names = _numbered(query)
    if isinstance(values, Mapping):
        return text, [values[name] for name in names]
    return text, list(values)


@lru_cache(maxsize=1_000)
def _numbered(query: Query) -> tuple[bytes, tuple[str, ...]]:
    names: list[str] = []

    def number(found: re.Match[bytes]) -> bytes:
        if found[0] == b"%%":
            return b"%"
        name = found[1].decode() if found[1] else f"{len(names)}"
        if name not in names:
            names.append(name)
        return b"$%d" % (names.index(name) + 1)

    text = query if isinstance(query, bytes) else query.encode()
    return _PLACE.sub(number, text), tuple(names)


def _send(
    session: Session, flight: Sequence[tuple[bytes, list[Any]]], binary: bool
) -> list[PGresult]:
    pgconn = session.pgconn
    with session.lock:
        names = [_name(session, query) for query, _ in flight]
        try:
            pgconn.enter_pipeline_mode()
            for name, (_, values) in zip(names, flight, strict=True):
                _put(session, name, values, Format(binary))
            pgconn.pipeline_sync()
            session.wait(generators.send(pgconn))
            results = _results(session)
            pgconn.exit_pipeline_mode()
        except BaseException:
            # What is on its way can't be told from the answers to what would come next.
            pgconn.finish()
            raise
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise error_from_result(result)
    return results


def _ask(session: Session, query: bytes, values: Sequence[Any]) -> PGresult:
    """One statement needs no pipeline."""
    with session.lock:
        name = _name(session, query)
        try:
            _put(session, name, values, Format.BINARY)
            result: PGresult = session.wait(generators.execute(session.pgconn))[-1]
        except BaseException:
            session.pgconn.finish()  # as in _send
            raise
    if result.status != ExecStatus.TUPLES_OK:
        raise error_from_result(result)
    return result


def _put(session: Session, name: bytes, values: Sequence[Any], form: Format) -> None:
    said = [None if value is None else str(value).encode() for value in values]
    session.pgconn.send_query_prepared(name, said, result_format=form)


def _results(session: Session) -> list[PGresult]:
    """One of each statement, up to the end of the transaction."""
    results: list[PGresult] = []
    while True:
        result = session.wait(generators.fetch(session.pgconn))
        if result is not None:
            if result.status == ExecStatus.PIPELINE_SYNC:
                return results
            results.append(result)
        if session.pgconn.status == ConnStatus.BAD:
            if results and results[-1].status == ExecStatus.FATAL_ERROR:
                raise error_from_result(results[-1])
            raise psycopg.OperationalError("the connection is lost")


def _rows(transformer: abc.Transformer, result: PGresult) -> list[tuple[Any, ...]]:
    if result.status != ExecStatus.TUPLES_OK:
        return []
    transformer.set_pgresult(result)
    return transformer.load_rows(0, result.ntuples, tuple)


def _name(session: Session, query: bytes) -> bytes:
    """Under which name the server knows it, on this connection."""
    name = session.prepared.get(query)
    if name is None:
        if len(session.prepared) >= _MOST_PREPARED:
            oldest = session.prepared.pop(next(iter(session.prepared)))
            session.pgconn.send_query(b"DEALLOCATE " + oldest)
            session.wait(generators.execute(session.pgconn))
        name = b"flight_%d" % next(_NUMBERS)  # never again, whatever the server still knows
        session.pgconn.send_prepare(name, query)
        result: PGresult = session.wait(generators.execute(session.pgconn))[-1]
        if result.status != ExecStatus.COMMAND_OK:
            raise error_from_result(result)
        session.prepared[query] = name
    return name
