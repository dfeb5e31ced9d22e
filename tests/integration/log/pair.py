"""A server with a standby, each with a reader of its own, and what keeps the watermark stored."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg

from eventstore import EventStore
from eventstore.connection.database import Connection
from eventstore.connection.server import DATABASE, make_database
from eventstore.embedded import EmbeddedServer
from eventstore.embedded.standby import run_standby, standby_of
from eventstore.reader import LogReader
from eventstore.upkeep.chores import Upkeep, store_watermark
from tests.conftest import new_home
from tests.integration.log.facts import FACTS, open_store
from tests.integration.log.order import Read


@dataclass(frozen=True, slots=True)
class Pair:
    """`store` writes to the primary, `log` reads from the standby; both as the superuser, too."""

    store: EventStore
    log: LogReader
    primary: Connection
    standby: Connection
    standby_url: str

    def stored(self) -> int:
        """Stores the watermark, as a daemon does every tenth of a second; returns it."""
        self.primary.execute("UPDATE eventstore.stored_watermark SET at = at - interval '1 second'")
        mark = store_watermark(self.store.database)
        # It is committed lazily; this one waits until all before it is on disk, and so is sent.
        self.primary.execute("UPDATE eventstore.stored_watermark SET at = at")
        return mark

    def keeping(self) -> Upkeep:
        """What a daemon does, as long as a block lasts."""
        return Upkeep(self.store.database.url, told=_never)

    def patient(self, read: Read) -> Read:
        """Reads on the standby; when there is nothing, until it has come as far as the primary."""

        def found() -> list[int]:
            got = read()
            if not got:
                self.log.wait_for_position(self.store.watermark(), timeout=30)
                got = read()
            return got

        return found


@contextmanager
def pair() -> Iterator[Pair]:
    """Made anew, gone at the end."""
    home = new_home()
    server = EmbeddedServer(home)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home)
        stack.callback(server.stop)
        server.ensure_running()
        make_database(server, DATABASE)
        stack.callback(shutil.rmtree, standby_of(server).home, ignore_errors=True)
        stack.callback(standby_of(server).stop)
        standby = run_standby(server)
        yield Pair(
            stack.enter_context(open_store(server.url(DATABASE))),
            stack.enter_context(LogReader.open(standby.url(DATABASE), registry=FACTS)),
            stack.enter_context(_superuser(server)),
            stack.enter_context(_superuser(standby)),
            standby.url(DATABASE),
        )


def _superuser(server: EmbeddedServer) -> Connection:
    return psycopg.connect(server.admin_url(DATABASE), autocommit=True)


def _never(what: str, about: str) -> None:
    raise AssertionError(f"upkeep {what}: {about}")
