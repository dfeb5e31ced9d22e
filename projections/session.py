"""A projector's connection to the database."""

from __future__ import annotations

import os
import socket
from typing import Any, Final

import psycopg

from eventstore.connection.database import Role, connect, translated
from eventstore.connection.queries import load
from eventstore.connection.session import Session
from projections.row_json import RowJsonbLoader

__all__ = ["Connection", "holder_name", "open_session", "plan_for_keys"]

_SQL: Final = load("projections.sql", "session.sql")

Connection = psycopg.Connection[tuple[Any, ...]]


def open_session(url: str, *, part: str, role: Role = "projector") -> Session:
    """A connection in autocommit whose rows come back as `row_json` wrote them.

    `part` says in pg_stat_activity what it is for. Raises StoreUnavailable or PermissionDenied.
    """
    connection = connect(url, role=role, application=f"eventstore {part}")
    connection.adapters.register_loader("jsonb", RowJsonbLoader)
    return connection


def plan_for_keys(session: Session) -> None:
    """Makes the session fit for a live projector, which reads by key and by position only."""
    with translated():
        session.adopt(_SQL["plan_for_keys"], {})


def holder_name() -> str:
    """Who this process is, for the leases that it holds."""
    return f"{socket.gethostname()} pid {os.getpid()}"
