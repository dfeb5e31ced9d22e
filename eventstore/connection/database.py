"""Connections to PostgreSQL: their role and limits, their pool, and their errors made ours.

Driver errors become the store's in `translated`, and nowhere else; the cause is kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic, sleep
from typing import Any, Final, Literal, TypeVar

import psycopg
from psycopg.types.string import ByteaBinaryLoader
from psycopg_pool import ConnectionPool, PoolTimeout

from eventstore.connection.queries import load
from eventstore.connection.session import Session
from eventstore.connection.time_limits import Limits
from eventstore.errors import (
    DatabaseFault,
    EventStoreError,
    PermissionDenied,
    PositionNotReady,
    SchemaMismatch,
    StoreUnavailable,
)

__all__ = ["ALL_TENANTS", "Database", "Limits", "Role", "connect", "translated"]

Connection = psycopg.Connection[tuple[Any, ...]]
Role = Literal["appender", "auditor", "projector", "archiver", "subscriber", "owner"]
T = TypeVar("T")

ALL_TENANTS: Final = ""
"""The value of the session variable that leaves a trusted login's view as wide as it is."""

_SQL = load("eventstore.sql", "session.sql")
_GENERIC: Final = {"appender", "subscriber"}
_ENCODING: Final = "utf8"
"""Whatever the environment or the address says: payloads go to the server as they are."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.5
# Own SQLSTATEs of the log (class ES), and the standard ones that mean the same to a user.
_DENIED = {"ES003", "ES005", "42501", "28000", "28P01"}
_MISSING = {"42P01", "42883", "3F000", "42703"}
# Classes: 08 connection, 40 rollback, 53 resources, 55 object in use, 57 intervention, 58 system.
_PASSING = {"08", "40", "53", "55", "57", "58"}


@contextmanager
def translated() -> Iterator[None]:
    """Turns every error of the driver into one of eventstore.errors."""
    try:
        yield
    except (psycopg.Error, PoolTimeout) as error:
        raise translate(error) from error


def translate(error: Exception) -> EventStoreError:
    """The store's error for a driver's error, by SQLSTATE, never by text."""
    state = getattr(error, "sqlstate", None)
    diag = getattr(error, "diag", None)
    primary = getattr(diag, "message_primary", None) or str(error).strip() or type(error).__name__
    hint = getattr(diag, "message_hint", None)
    reason = f"{primary}. {hint}" if hint else primary
    if state in _DENIED:
        return PermissionDenied(reason)
    if state == "25006":
        return PermissionDenied(
            "this server takes no writes: it is a standby; write to the primary"
        )
    if state == "ES004":
        return PositionNotReady(reason)
    if state in _MISSING:
        return SchemaMismatch(None, "the store's schema", reason, "run `eventstore db check`")
    # A bare DatabaseError without SQLSTATE is libpq's own word for an answer that did not come.
    if state is None and (
        isinstance(error, (psycopg.OperationalError, PoolTimeout))
        or type(error) is psycopg.DatabaseError
    ):
        return StoreUnavailable(reason)
    if state is not None and (state[:2] in _PASSING or state == "25P04"):
        return StoreUnavailable(reason)
    return DatabaseFault(state, reason)


def connect(
    url: str,
    *,
    role: Role,
    tenant: str = ALL_TENANTS,
    application: str = "eventstore",
    limits: Limits | None = None,
) -> Session:
    """A connection in autocommit that plays one role, and whose reads of json give exact bytes.

    Raises StoreUnavailable, or PermissionDenied when the login is no member of the role.
    """
    limits = limits or Limits()
    with translated():
        connection = Session.connect(
            url,
            autocommit=True,
            application_name=f"{application} {role}",
            client_encoding=_ENCODING,
            connect_timeout=max(2, int(limits.connect)),
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
        )
        try:
            begin_session(connection, role, tenant, limits)
        except BaseException:
            connection.close()
            raise
    return connection


def begin_session(
    connection: Session, role: Role, tenant: str, limits: Limits, *, keeps_plans: bool = False
) -> None:
    """Sets role, tenant and limits of a fresh connection, and how it reads json.

    Where plans are kept, none of them may read whole tables: one that was made while they were
    small would stay.

    Raises SchemaMismatch when the server does not know the role.
    """
    # In the binary protocol json travels as its own text, which bytea's loader leaves alone.
    connection.adapters.register_loader("json", ByteaBinaryLoader)
    settings = {
        "role": f"eventstore_{role}",
        "tenant": tenant,
        "statement_timeout": _milliseconds(limits.command),
        "lock_timeout": _milliseconds(limits.lock),
        "transaction_timeout": _milliseconds(limits.transaction if role == "appender" else 0),
        # Planning with the values at hand prunes partitions; an append prunes none, nor does a
        # claim, and planning their statements anew would take longer than running them.
        "plan_cache_mode": "force_generic_plan"
        if role in _GENERIC or keeps_plans
        else "force_custom_plan",
        "enable_seqscan": "off" if keeps_plans else "on",
    }
    try:
        connection.adopt(_SQL["begin_session"], settings)
    except psycopg.errors.InvalidParameterValue as error:
        raise SchemaMismatch(
            None,
            "the store's roles",
            str(error),
            "an administrator runs `eventstore db bootstrap`, then `eventstore db upgrade`",
        ) from error
    connection.prepare_threshold = None if connection.pooled else 1


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


@dataclass(slots=True)
class Database:
    """One database as one tenant sees it: a pool for reads, and connections for appends.

    `revive` brings an embedded server back; for any other server it does nothing.
    """

    url: str
    tenant: str
    limits: Limits = field(default_factory=Limits)
    pool_min_size: int = 1
    pool_max_size: int = 10
    revive: Callable[[], None] = lambda: None
    _pools: dict[bool, ConnectionPool[Session]] = field(default_factory=dict)
    """For pages of the log, and for everything else."""
    _mutex: Lock = field(default_factory=Lock)
    _closed: bool = False
    _process: int = field(default_factory=os.getpid)

    def require_open(self) -> None:
        """Raises StoreUnavailable when it is closed, or belongs to the process that forked this."""
        if self._closed:
            raise StoreUnavailable("the store is closed; open it again")
        if self._process != os.getpid():
            raise StoreUnavailable("the store was opened before a fork; open one in each process")

    def writer(self) -> Session:
        """A connection of its own that may append."""
        return connect(self.url, role="appender", tenant=self.tenant, limits=self.limits)

    def auditor(self) -> Session:
        """A connection of its own that may read what this tenant may see."""
        return connect(self.url, role="auditor", tenant=self.tenant, limits=self.limits)

    def subscriber(self) -> Session:
        """A connection of its own that may consume this tenant's subscriptions."""
        return connect(self.url, role="subscriber", tenant=self.tenant, limits=self.limits)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A pooled connection that may read what this tenant may see."""
        with translated(), self._open_pool().connection() as connection:
            yield connection

    def read(self, query: Callable[[Connection], T]) -> T:
        """Runs a query that is safe to repeat, again if the server is lost, until it answers.

        Raises StoreUnavailable after `limits.reconnect` seconds without an answer.
        """

        def once() -> T:
            with self.reading() as connection:
                return query(connection)

        return self.patiently(once)

    def read_log(self, query: Callable[[Session], T]) -> T:
        """As `read`, for pages of the log: over connections that keep the plans of statements.

        To plan a page takes longer than to read a hundred events, and more so with each partition.
        """

        def once() -> T:
            pool = self._open_pool(of_log=True)
            with translated():
                session = pool.getconn()
                try:
                    return query(session)
                finally:
                    pool.putconn(session)
                    if session.closed:
                        pool.check()  # most likely the others are lost too

        return self.patiently(once)

    def patiently(self, work: Callable[[], T]) -> T:
        """Does `work` again while the server can't be reached, with growing pauses, in bounds."""
        deadline, pause = monotonic() + self.limits.reconnect, _FIRST_PAUSE
        while True:
            try:
                return work()
            except StoreUnavailable as error:
                self.require_open()
                if not lost(error) or monotonic() + pause > deadline:
                    raise
            sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            self.revive()

    def close(self) -> None:
        """Closes the pool, for good; connections from `writer` are their owner's to close."""
        with self._mutex:
            self._closed = True
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def _open_pool(self, *, of_log: bool = False) -> ConnectionPool[Session]:
        self.require_open()
        pool = self._pools.get(of_log)
        return self._make_pool(of_log) if pool is None else pool

    def _make_pool(self, of_log: bool) -> ConnectionPool[Session]:
        def begin(session: Session) -> None:
            begin_session(session, "auditor", self.tenant, self.limits, keeps_plans=of_log)

        with self._mutex:
            self.require_open()
            if of_log not in self._pools:
                self._pools[of_log] = ConnectionPool(
                    self.url,
                    connection_class=Session,
                    kwargs={
                        "autocommit": True,
                        "application_name": "eventstore auditor",
                        "client_encoding": _ENCODING,
                    },
                    min_size=self.pool_min_size,
                    max_size=self.pool_max_size,
                    timeout=self.limits.connect,
                    max_lifetime=3600,
                    configure=begin,
                    # A lost connection shows when it is used, and a page can be asked for again.
                    check=None if of_log else ConnectionPool.check_connection,
                    open=True,
                    name="eventstore",
                )
            return self._pools[of_log]


def lost(error: StoreUnavailable) -> bool:
    """Whether the server went away, as against having refused within a living session."""
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None)
    return state is None or (state[:2] in {"08", "57"} and state != "57014")
