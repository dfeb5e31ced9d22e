"""Builds a projection's tables again from the log, beside the live ones, and puts them in place.

Everything up to the watermark is folded in memory and loaded in one transaction: tables without
indexes, then rows, then constraints and indexes, which prove the rows. Then the build catches up
as a live projection does, under a lease of its own, and changes places with the live tables in
one short transaction. Broken off anywhere before that, it leaves the live tables as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from threading import Event as Signal
from time import monotonic
from typing import Any, Final, Literal

from psycopg import sql

from eventstore.database import translated
from eventstore.errors import DatabaseFault
from eventstore.queries import load
from eventstore.read import page_after, watermark
from projections.applier import Applier
from projections.batch import BATCH
from projections.checkpoint import LEASE_SECONDS, Lease, acquire_rebuild
from projections.errors import LeaseLost, ProjectionPaused, RebuildRefused
from projections.failure import facts_of
from projections.fold import fold
from projections.heartbeat import Heartbeat
from projections.held_rows import clear, facts_of_held, for_replay, write
from projections.holding import Held
from projections.projection import Projection, State
from projections.row_store import RowStore
from projections.session import Connection, open_session
from projections.switch import SWITCH_SECONDS, drop_build, switch
from projections.tables import template

__all__ = ["Phase", "Progress", "Rebuilt", "rebuild", "rebuild_all"]

Phase = Literal["fold", "load", "index", "catch up", "switch"]

_SQL: Final = load("projections.sql", "rebuild.sql")
_AT_ONCE: Final = 4
"""Projections rebuilt at once; each holds its state in memory."""
_NOT_REBUILDABLE: Final = "ES101"
_ROWS_A_STATEMENT: Final = 2_000
_EVENTS_A_REPORT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rebuild is: `done` events or rows in `seconds` of this phase.

    `position` is on its way to `target`, the end of the log when the phase began.
    """

    phase: Phase
    done: int
    position: int
    target: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did: `events` folded into `rows`, now live up to `position`."""

    projection: str
    projection_version: int
    position: int
    events: int
    rows: int
    seconds: float

    @property
    def events_per_second(self) -> float:
        """The rate of the whole, from the first event to the switch."""
        return self.events / max(self.seconds, 1e-6)


def rebuild(
    url: str,
    projection: Projection,
    *,
    report: Callable[[Progress], None] = lambda progress: None,
    lease_seconds: float = LEASE_SECONDS,
    switch_seconds: float = SWITCH_SECONDS,
) -> Rebuilt:
    """Rebuilds a projection's tables from the whole log, while the live ones go on.

    The new tables are those of the projection's version; a projection that has none yet gets them.
    The replaced tables stay in the schema projections_old_NAME until the next rebuild. Raises
    TablesNotMade when the projection's SQL file does not make what its rules fill; ProjectionPaused
    when too many events can't be applied; LeaseHeld when another rebuild is under way;
    RebuildRefused when something outside hangs on the tables, or readers never let go of them;
    LeaseLost when this process was stopped for so long that another one took over.
    """
    with (
        closing(open_session(url, part=f"rebuild {projection.name}")) as reader,
        closing(open_session(url, part=f"rebuild {projection.name}", role="owner")) as owner,
    ):
        lease = acquire_rebuild(reader, projection, seconds=lease_seconds)
        with Heartbeat(url, lease) as heartbeat:
            work = _Rebuild(projection, reader, owner, lease, heartbeat, report)
            try:
                return work.run(switch_seconds)
            except LeaseLost:
                raise
            except BaseException as error:
                work.give_up(error)
                raise


def rebuild_all(
    url: str,
    projections: Iterable[Projection],
    *,
    report: Callable[[Projection, Progress], None] = lambda projection, progress: None,
) -> list[Rebuilt]:
    """Rebuilds several projections at once: one is folded while the database loads another.

    Each stands for itself: when one fails the others are finished, and then its error is raised.
    Raises what `rebuild` raises.
    """
    interrupted = Signal()

    def one(projection: Projection) -> Rebuilt:
        def tell(progress: Progress) -> None:
            if interrupted.is_set():
                raise KeyboardInterrupt
            report(projection, progress)

        return rebuild(url, projection, report=tell)

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="rebuild") as pool:
        futures = [pool.submit(one, projection) for projection in projections]
        try:
            wait(futures)
        except BaseException:
            interrupted.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [future.result() for future in futures]


class _Rebuild:
    def __init__(
        self,
        projection: Projection,
        reader: Connection,
        owner: Connection,
        lease: Lease,
        heartbeat: Heartbeat,
        report: Callable[[Progress], None],
    ) -> None:
        self._projection, self._lease, self._heartbeat = projection, lease, heartbeat
        self._reader, self._owner, self._report = reader, owner, report
        self._schema = f"projections_rebuild_{projection.name}"
        self._store = RowStore(projection, self._schema)
        self._tables = [table.TABLE for table in projection.tables]
        self._applier = Applier(self._store)
        self._held: list[dict[str, Any]] = []
        self._events = 0
        self._phase: Phase | None = None
        self._phase_began = 0.0

    def run(self, switch_seconds: float) -> Rebuilt:
        """All steps; see the module."""
        began = monotonic()
        self._assert_rebuildable()
        until = watermark(self._reader)
        self._tell("fold", 0, 0, until)
        state = self._fold(until)
        rows = self._load(state, until)
        state.clear()
        self._catch_up(until)
        self._tell("switch", self._events, self._lease.position, self._lease.position)
        switch(
            self._owner,
            self._projection,
            self._lease,
            catch_up=self._catch_up,
            seconds=switch_seconds,
        )
        return Rebuilt(
            self._projection.name,
            self._projection.version,
            self._lease.position,
            self._events,
            rows,
            monotonic() - began,
        )

    def give_up(self, error: BaseException) -> None:
        """Gives the lease back, so that the next try need not wait for it to run out."""
        try:
            if isinstance(error, Exception):
                self._lease.fail(self._reader, facts_of(error))
            else:
                self._lease.release(self._reader)
        except Exception as second:  # noqa: BLE001 - the first error is the one to raise
            error.add_note(f"the lease could not be given back: {second}")

    def _assert_rebuildable(self) -> None:
        try:
            with translated():
                self._owner.execute(
                    _SQL["assert_rebuildable"],
                    {"projection": self._projection.name, "tables": self._tables},
                )
        except DatabaseFault as fault:
            if fault.sqlstate != _NOT_REBUILDABLE:
                raise
            raise RebuildRefused(self._projection.name, fault.reason) from fault
        with template(self._owner, self._projection):
            pass  # a mistake in the file is better known before the fold than after it

    def _fold(self, until: int) -> State:
        state = self._projection.empty()
        holding = for_replay(self._reader, self._projection)
        for recorded, outcome in fold(self._reader, self._projection, state, holding, until=until):
            if isinstance(outcome, Held):
                self._held.append(facts_of_held(outcome))
                if holding.full:
                    raise ProjectionPaused(self._projection.name, holding.failed, len(holding))
            self._events += 1
            if self._events % _EVENTS_A_REPORT == 0:
                self._heartbeat.check()
                self._tell("fold", self._events, recorded.position, until)
        return state

    def _load(self, state: State, until: int) -> int:
        """Makes and fills the tables, all or nothing; returns how many rows."""
        conn, rows = self._owner, 0
        with translated(), template(conn, self._projection) as source:
            names = {"template": source, "schema": self._schema, "tables": self._tables}
            conn.execute(_SQL["no_time_limit"])
            self._lease.heartbeat(self._reader)  # else what is dropped here is another's build
            drop_build(conn, self._projection, "rebuild")
            conn.execute(sql.SQL(_SQL["create_schema"]).format(schema=sql.Identifier(self._schema)))
            conn.execute(_SQL["clone_structure"], names)
            with conn.pipeline():  # the next rows are encoded while the database takes these
                for table in self._projection.tables:
                    left = (row for row in state[table].values() if row is not None)
                    while some := list(islice(left, _ROWS_A_STATEMENT)):
                        self._store.insert(conn, table, some)
                        rows += len(some)
                        self._heartbeat.check()
                        self._tell("load", rows, until, until)
            self._tell("index", rows, until, until)
            conn.execute(_SQL["clone_constraints"], names)
            conn.execute(_SQL["clone_protection"], names)
        # A transaction of its own: the heartbeat must not wait for the load's locks.
        applied = self._events - len(self._held)
        with self._lease.advancing(self._reader, until, events=applied):
            clear(self._reader, self._projection, "rebuild")
            write(self._reader, self._lease, self._projection, held=self._held)
        self._applier.take_up(self._reader, self._lease)
        return rows

    def _catch_up(self, target: int) -> None:
        """Applies what was appended since, at least up to `target`, until little is left."""
        while True:
            self._heartbeat.check()
            mark = max(watermark(self._reader), target)
            events = page_after(
                self._reader,
                self._lease.position,
                mark,
                BATCH,
                event_types=self._projection.event_types,
            )
            full = len(events) == BATCH
            self._applier.apply(self._reader, events, events[-1].position if full else mark)
            if self._applier.paused:
                raise self._applier.why_paused
            self._events += len(events)
            self._tell("catch up", self._events, self._lease.position, mark)
            if not full:
                return

    def _tell(self, phase: Phase, done: int, position: int, target: int) -> None:
        now = monotonic()
        if phase != self._phase:
            self._phase, self._phase_began = phase, now
        self._report(Progress(phase, done, position, target, now - self._phase_began))
