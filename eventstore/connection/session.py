"""A connection that plays one part, whether it has a server session of its own or not.

A connection pooler in transaction mode (PgBouncer's `pool_mode = transaction`) gives a client any
free server session for each transaction, and then to the next client. What one of them sets for
the session, the other finds there, and what it prepares is gone. So behind a pooler nothing
outlives a transaction: each begins with the same settings, and nothing is prepared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from threading import RLock
from typing import Any, Final, LiteralString, Self, cast

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import ConnStatus, PipelineStatus, TransactionStatus
from psycopg.types.datetime import TimestamptzBinaryLoader, TimestamptzLoader

__all__ = ["ServerChanged", "Session"]

_NOBODY: Final = 0
"""No process has this id: settings that are meant for it never last."""


class ServerChanged(psycopg.OperationalError):
    """The server behind the pooler is not the one of before, or has been through a crash.

    A direct connection would be lost by that. Whoever remembers what it read has to know: the
    crash may have taken back what was committed lazily.
    """


class Session(psycopg.Connection[tuple[Any, ...]]):
    """A connection in autocommit that keeps its settings; `pooled` where a pooler is in between.

    Made by psycopg, begun by `adopt`. Through a pooler every statement outside `transaction` runs
    in a transaction of its own, together with the settings and in the same round trip.
    """

    pooled = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._settings: list[tuple[LiteralString, dict[str, Any]]] = []
        self._life: tuple[Any, ...] = ()
        self._answers: list[psycopg.Cursor[tuple[Any, ...]]] = []
        self._in_transaction = False
        self._turn = RLock()
        self.prepared: dict[bytes, bytes] = {}
        """By their text, the names of statements that `flight` prepared."""

    def adopt(self, query: LiteralString, values: Mapping[str, Any]) -> None:
        """Makes settings that hold as long as this connection; the first call looks for a pooler.

        A query of settings calls set_config with `pid <> %(backend)s` for is_local, where pid is
        pg_backend_pid(); the first one answers pid and two columns that tell one life of the
        server from the next.
        """
        if not self.pooled:
            # A pooler has invented the id that it told us, so it leads to settings for this
            # transaction only. That it is right by chance happens once in four billion times.
            own = self.info.backend_pid
            answer = self.execute(query, {**values, "backend": own}).fetchone() or (None,)
            if answer[0] == own:
                return
            self._life = answer[1:3]
            self.pooled = True
            self.cursor_factory = _PooledCursor
            # The server's UTC lasts for a transaction, and the pooler goes on telling its own.
            if self.info.parameter_status("TimeZone") not in ("UTC", "Etc/UTC"):
                self.adapters.register_loader("timestamptz", _UtcLoader)
                self.adapters.register_loader("timestamptz", _UtcBinaryLoader)
        self._settings.append((query, {**values, "backend": _NOBODY}))

    @contextmanager
    def unit(self) -> Iterator[None]:
        """A transaction for the statement of the block, and for its settings if it needs any.

        PostgreSQL makes what is sent without a pause in between one transaction by itself.
        """
        if not self.pooled or self._in_transaction:
            yield
            return
        # Threads take turns, so a pipeline that is open here is the caller's own.
        with self._turn, nullcontext() if self._pipelining else self.pipeline():
            self._play()
            yield

    @contextmanager
    def transaction(
        self, savepoint_name: str | None = None, force_rollback: bool = False
    ) -> Iterator[psycopg.Transaction]:
        """As psycopg's, and through a pooler it begins with the settings."""
        outermost = self.pooled and not self._in_transaction
        try:
            with super().transaction(savepoint_name, force_rollback) as transaction:
                if outermost:
                    self._in_transaction = True
                    self._play()
                yield transaction
        finally:
            if outermost:
                self._in_transaction = False
        self._recognise_server()

    @contextmanager
    def pipeline(self) -> Iterator[psycopg.Pipeline]:
        """As psycopg's, and through a pooler nothing follows the end of what was sent."""
        with self.lock:
            if self.pooled and self._pipeline is None:
                self._pipeline = _PooledPipeline(self)
        try:
            with super().pipeline() as pipeline:
                yield pipeline
        except psycopg.Error:
            self._forget_what_was_skipped()
            raise
        self._recognise_server()

    @property
    def _pipelining(self) -> bool:
        return self.pgconn.pipeline_status != PipelineStatus.OFF

    def _forget_what_was_skipped(self) -> None:
        """After an error the server skips the rest, and with it what psycopg had it prepare."""
        if self.info.transaction_status == TransactionStatus.IDLE and not self._pipelining:
            # A transaction that is undone makes psycopg forget all that it prepared.
            with suppress(psycopg.Error), super().transaction(force_rollback=True):
                pass

    def _play(self) -> None:
        # Plain cursors: those of the connection would ask for the settings again.
        for number, (query, values) in enumerate(self._settings):
            answer = psycopg.Cursor(self).execute(query, values)
            if number == 0:
                self._answers.append(answer)

    def _recognise_server(self) -> None:
        """Raises ServerChanged, and closes the connection, which would go on as if nothing was."""
        if not self._answers or self._pipelining:
            return
        answers, self._answers = self._answers, []
        for answer in answers:
            # One without a row is of a transaction that failed, and has raised why.
            if answer.rowcount == 1 and (answer.fetchone() or ())[1:3] != self._life:
                self.close()
                raise ServerChanged("the server behind the pooler was restarted or replaced")


class _PooledCursor(psycopg.Cursor[Any]):
    """A cursor of a pooled session, whose statements run under its settings or not at all."""

    def execute(self, *arguments: Any, **options: Any) -> Self:
        with cast(Session, self.connection).unit():
            return super().execute(*arguments, **options)

    def executemany(self, *arguments: Any, **options: Any) -> None:
        self._require_transaction()
        super().executemany(*arguments, **options)

    def stream(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        self._require_transaction()
        return super().stream(*arguments, **options)

    def copy(self, *arguments: Any, **options: Any) -> Any:
        self._require_transaction()
        return super().copy(*arguments, **options)

    def _require_transaction(self) -> None:
        if not cast(Session, self.connection)._in_transaction:
            raise psycopg.NotSupportedError("through a pooler, that needs `with transaction()`")


class _PooledPipeline(psycopg.Pipeline):
    """A pipeline whose last message is its Sync.

    The driver sends a Flush after it. When that reaches PgBouncer after the answer to the Sync, it
    is taken for the beginning of a transaction, and since the server answers a Flush with nothing,
    the server session stays with this client until it sends more: no one else gets it.
    """

    def _exit_gen(self) -> PQGen[None]:
        try:
            self._enqueue_sync()
            yield from self._communicate_gen()
        finally:
            if self.pgconn.status == ConnStatus.OK:
                yield from self._fetch_gen(flush=False)


class _UtcLoader(TimestamptzLoader):
    """Gives times in UTC, whatever zone the connection claims to be in."""

    def __init__(self, oid: int, context: object = None) -> None:
        super().__init__(oid)


class _UtcBinaryLoader(TimestamptzBinaryLoader):
    """The same, in binary."""

    def __init__(self, oid: int, context: object = None) -> None:
        super().__init__(oid)
