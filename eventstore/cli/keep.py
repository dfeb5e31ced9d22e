"""`eventstore db keep`: the upkeep of a log that has no projection daemon."""

from __future__ import annotations

import signal
from threading import Event as Signal
from typing import Annotated

import typer

from eventstore.cli.opening import open_store
from eventstore.cli.options import Options
from eventstore.cli.output import print_record, say

__all__ = ["keep"]


def keep(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Once, as for cron.")] = False,
) -> None:
    """Keep partitions, the stored watermark and the counts until SIGTERM or Ctrl-C.

    `projections run` does it too; this is for a log without projections.
    """
    from eventstore.upkeep.chores import Upkeep, count_events, store_watermark
    from eventstore.upkeep.partitions import keep_partitions

    options = Options.of(context)
    with open_store(options) as store:
        months_ahead = store.settings.months_ahead
        if once:
            made, sealed = keep_partitions(store.database, months_ahead)
            stored = store_watermark(store.database)
            count_events(store.database)
            print_record(options, {"made": made, "sealed": sealed, "stored_watermark": stored})
            return
        stop = Signal()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        with Upkeep(store.database.url, told=_say, months_ahead=months_ahead):
            stop.wait()


def _say(what: str, about: str) -> None:
    say(f"{what}: {about}")
