"""Opening the log to read it: where `--read-url` leads, and saying so when that is a standby."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventstore.cli.options import Options
from eventstore.cli.output import say

if TYPE_CHECKING:
    from eventstore.reader import LogReader

__all__ = ["open_log"]


def open_log(options: Options) -> LogReader:
    """The log, at the server that reads go to; of a standby, its age is said on stderr."""
    from eventstore.reader import LogReader

    log = LogReader.open(options.read_url or options.database_url, tenant=options.tenant)
    if log.elsewhere:
        say(f"read from {log.elsewhere}, as of {log.read_age():.1f} s ago")
    return log
