"""A second embedded server, which replays what the first one writes, and can be read from."""

from __future__ import annotations

from typing import Final

import psycopg

from eventstore.connection import queries
from eventstore.connection.database import translated
from eventstore.embedded.server import EmbeddedServer

__all__ = ["run_standby", "standby_of"]

_SLOT: Final = "eventstore_standby"
_SQL: Final = queries.load("eventstore.sql", "standby.sql")


def standby_of(primary: EmbeddedServer) -> EmbeddedServer:
    """Where the standby of an embedded server is, or would be: a server like any other."""
    return EmbeddedServer(primary.home.with_name(f"{primary.home.name}-standby"))


def run_standby(primary: EmbeddedServer) -> EmbeddedServer:
    """Makes the standby of a running server, or starts the one that is there, and returns it.

    The primary keeps for it, in a slot, what it has yet to replay: 2 GB at most. One that was away
    for longer has to be made anew. Raises ConfigurationError or StoreUnavailable.
    """
    standby = standby_of(primary)
    if standby.status().state == "absent":
        with translated(), psycopg.connect(primary.admin_url(), autocommit=True) as admin:
            admin.execute(_SQL["bound_slots"])
            admin.execute(_SQL["reload"])
            admin.execute(_SQL["drop_slot"], {"slot": _SLOT})
        standby.copy(primary.admin_url(), slot=_SLOT)
    standby.ensure_running()
    return standby
