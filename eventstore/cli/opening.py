"""Opening the store for a command: to write, or to read where `--read-url` leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventstore.cli.options import Options
from eventstore.cli.output import say

if TYPE_CHECKING:
    from eventstore.reader import LogReader
    from eventstore.store import EventStore

__all__ = ["open_log", "open_store"]


def open_store(options: Options) -> EventStore:
    """The store, to be read and written."""
    from eventstore.store import EventStore

    return EventStore.open(options.database_url, tenant=options.tenant)


def open_log(options: Options) -> LogReader:
    """The log, at the server that reads go to; of a standby, its age is said on stderr."""
    from eventstore.reader import LogReader

    log = LogReader.open(options.database_url, read_url=options.read_url, tenant=options.tenant)
    if log.elsewhere:
        say(f"read from {log.elsewhere}, as of {log.read_age():.1f} s ago")
    return log
