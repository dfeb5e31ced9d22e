"""What has to be done for the log again and again: partitions, the stored watermark, the counts.

Any number of processes may do it at once: one that finds it done has nothing to do, so none has to
be chosen, and none is missed when it dies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import Event as Signal
from threading import Thread
from time import monotonic
from types import TracebackType
from typing import Final, Self

from eventstore.connection.database import Connection, Database, connect, translated
from eventstore.connection.queries import load
from eventstore.limits import MONTHS_AHEAD
from eventstore.streams.counts import count_all
from eventstore.upkeep.partitions import keep_partitions

__all__ = ["Told", "Upkeep", "count_events", "store_watermark"]

Told = Callable[[str, str], None]
"""Is told what was `made` or `sealed`, with the names, or that something `failed`, with why."""

_WATERMARK_PAUSE: Final = 0.1
"""Seconds between two looks whether the watermark has moved: how old a standby's reads are."""
_PARTITIONS_PAUSE: Final = 600.0
"""Seconds between two looks at the partitions: a month is long."""
_COUNTS_PAUSE: Final = 5.0
"""Seconds between two looks whether there is something to count; a listing counts what is left."""
_FAREWELL: Final = 2.0
"""Seconds that the end of the block waits for what is under way."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0
"""Seconds until something that failed is tried again, at first and in the end."""

_SQL: Final = load("eventstore.sql", "upkeep.sql")


class Upkeep:
    """Does it in three threads, until the block ends; what fails is told once, and tried again.

    The login of `url` has to be one that may play the projector and the archiver.
    """

    def __init__(
        self,
        url: str,
        *,
        told: Told,
        months_ahead: int = MONTHS_AHEAD,
    ) -> None:
        self._database, self._months_ahead = Database(url, ""), months_ahead
        self._told = told
        self._stop = Signal()
        self._threads = [
            Thread(target=self._repeat, args=(work,), name=name, daemon=True)
            for name, work in (
                ("watermark", self._watermark),
                ("partitions", self._partitions),
                ("counts", self._counts),
            )
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            # A partition's rows may be proven or frozen just now, which can take minutes; what is
            # broken off is gone on with next time.
            thread.join(_FAREWELL)

    def _repeat(self, work: Callable[[], None]) -> None:
        pause, last = _FIRST_PAUSE, ""
        while not self._stop.is_set():
            began = monotonic()
            try:
                work()
                pause, last = _FIRST_PAUSE, ""
            except Exception as error:  # noqa: BLE001 - it is told, and tried again
                if monotonic() - began > _LONGEST_PAUSE:
                    pause, last = _FIRST_PAUSE, ""  # it went well for a while
                if str(error) != last:
                    last = str(error)
                    self._told("failed", last)
                self._stop.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _watermark(self) -> None:
        """As long as its connection lives."""
        with self._projector() as connection:
            while not self._stop.wait(_WATERMARK_PAUSE):
                connection.execute(_SQL["store_watermark"])

    def _counts(self) -> None:
        """The same. What one process has counted, another one does not."""
        with self._projector() as connection:
            while not self._stop.wait(_COUNTS_PAUSE):
                while count_all(connection) and not self._stop.is_set():
                    pass

    @contextmanager
    def _projector(self) -> Iterator[Connection]:
        connection = connect(self._database.url, role="projector", application="eventstore upkeep")
        with closing(connection), translated():
            yield connection

    def _partitions(self) -> None:
        made, sealed = keep_partitions(
            self._database, self._months_ahead, stopped=self._stop.is_set
        )
        for what, names in (("made", made), ("sealed", sealed)):
            if names:
                self._told(what, " ".join(names))
        self._stop.wait(_PARTITIONS_PAUSE)


def store_watermark(database: Database) -> int:
    """Stores the watermark once, unless that was done just now; returns the stored one."""
    with closing(connect(database.url, role="projector")) as connection, translated():
        return int(connection.execute(_SQL["store_watermark"]).fetchall()[0][0])


def count_events(database: Database) -> None:
    """Counts once what is not counted yet."""
    with closing(connect(database.url, role="projector")) as connection:
        while count_all(connection):
            pass
