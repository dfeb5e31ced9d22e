"""Builds a projection's tables again from the log, beside the live ones, and puts them in place.

Everything up to the watermark is folded into tables without indexes, in SQL as far as the fold is
stated so; then come constraints and indexes, which prove the rows. Then the build catches up as a
live projection does, under a lease of its own, and changes places with the live tables in one short
transaction. Broken off anywhere before that, it leaves the live tables as they are, and the next
rebuild goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from time import monotonic

from eventstore.errors import EventStoreError
from eventstore.reading.read import watermark
from projections.apply.discards import discarded
from projections.apply.held_rows import all_of, count, left_out
from projections.apply.refusal import blames_rows
from projections.builds.build import ShardTask, build, open_long, shards_for
from projections.builds.build_lease import Begun, begin_build, giving_back, shard_leases
from projections.builds.build_tables import BuildTables
from projections.builds.catch_up import CatchUp
from projections.builds.definition import definition_of
from projections.builds.heartbeat import Heartbeat
from projections.builds.processes import Processes
from projections.builds.progress import PhaseReport, Progress
from projections.builds.shard_build import FLUSH_SECONDS, Shard
from projections.builds.sql_build import BuiltInSql, build_in_sql
from projections.builds.state_size import ROWS
from projections.builds.switch import SWITCH_SECONDS, switch
from projections.checkpoint import LEASE_SECONDS, Lease
from projections.projection import Projection
from projections.session import Connection

__all__ = ["RebuildOptions", "Rebuilt", "rebuild"]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did: so many events folded into `rows`, now live up to `position`."""

    projection: str
    projection_version: int
    position: int
    starts_after: int
    """Its rows come from the events after this position."""
    events: int
    """Folded by this call; a rebuild that was resumed did not fold the earlier ones again."""
    rows: int
    held: int
    """Events that the new tables do not hold; see projections.failures."""
    resumed: bool
    careful: bool
    """The events were applied in live batches: the tables have triggers, or the database refused
    rows of whole shards."""
    in_sql: int
    """Of `events`, those that were folded in SQL."""
    why_not_sql: str | None
    """Why the rules went on after SQL; None if they need not, or if nothing is stated in SQL."""
    seconds: float

    @property
    def events_per_second(self) -> float:
        """The rate of the whole, from the first event to the switch."""
        return self.events / max(self.seconds, 1e-6)


@dataclass(frozen=True, slots=True)
class RebuildOptions:
    """How to rebuild."""

    workers: int | None = None
    """Shards folded at once, each in a process of its own; None for as many as there are cores.
    A projection without `shard_by` has one."""
    anew: bool = False
    """From the start, even if an earlier rebuild could be resumed."""
    starts_after: int = 0
    """Builds from the events after this position only."""
    lease_seconds: float = LEASE_SECONDS
    switch_seconds: float = SWITCH_SECONDS
    """For how long to try while readers hold the live tables."""
    rows_in_memory: int = ROWS
    """Of each worker."""
    flush_seconds: float = FLUSH_SECONDS
    """How much work a kill may cost."""


def rebuild(
    url: str,
    projection: Projection,
    options: RebuildOptions = RebuildOptions(),
    *,
    report: Callable[[Progress], None] = lambda progress: None,
    processes: Processes | None = None,
) -> Rebuilt:
    """Rebuilds a projection's tables from the log, while the live ones go on.

    One that was broken off is resumed, if rules, tables, shards and beginning are the same. The
    new tables are those of the projection's version; a projection that has none yet gets them. The
    replaced tables stay in the schema projections_old_NAME until the next rebuild. An event that
    can't be applied is held, as it is live.

    Raises TablesNotMade when the projection's SQL file does not make what its rules fill;
    FoldNotStated when the file that should state its fold does not;
    ProjectionPaused when too many events can't be applied; LeaseHeld when another rebuild is under
    way; RebuildRefused when something outside hangs on the tables; SwitchRefused when readers never
    let go of them; LeaseLost when this process was stopped for so long that another one took over;
    WorkerLost when one of its processes died.
    """
    with (
        closing(open_long(url, projection)) as reader,
        closing(open_long(url, projection, owner=True)) as owner,
    ):
        definition = definition_of(projection)
        tables = BuildTables(owner, projection, definition)
        tables.assert_rebuildable()
        begun = begin_build(
            owner,
            projection,
            definition=definition,
            shards=shards_for(projection, options.workers),
            starts_after=options.starts_after,
            anew=options.anew,
            seconds=options.lease_seconds,
        )
        with Heartbeat(url, begun.lease) as heartbeat, giving_back(begun.lease, owner):
            tell = PhaseReport(heartbeat, report)
            work = _Rebuild(url, projection, options, reader, owner, tables, begun, tell)
            return work.run(processes)


class _Rebuild:
    def __init__(
        self,
        url: str,
        projection: Projection,
        options: RebuildOptions,
        reader: Connection,
        owner: Connection,
        tables: BuildTables,
        begun: Begun,
        tell: PhaseReport,
    ) -> None:
        self._url, self._projection, self._options = url, projection, options
        self._reader, self._owner, self._begun, self._tell = reader, owner, begun, tell
        self._lease, self._tables = begun.lease, tables
        self._events = 0
        self._careful = False
        self._in_sql = BuiltInSql(0, 0, None)

    def run(self, processes: Processes | None) -> Rebuilt:
        """All steps; see the module."""
        began = monotonic()
        projection, lease = self._projection, self._lease
        if not self._begun.resumed:
            self._tables.make(lease, self._reader)
        if not self._begun.built:
            self._load(watermark(self._reader), processes)
        catch_up = CatchUp(self._reader, projection, self._tables.schema, [lease], self._tell)
        catch_up.to_the_end(lease.position)
        rows = self._tables.count(self._reader)
        self._tell("switch", 0, lease.position, lease.position)
        switch(self._owner, projection, lease, catch_up, seconds=self._options.switch_seconds)
        return Rebuilt(
            projection=projection.name,
            projection_version=projection.version,
            position=lease.position,
            starts_after=self._options.starts_after,
            events=self._events + catch_up.events,
            rows=rows,
            held=count(self._owner, projection, "live"),
            resumed=self._begun.resumed,
            careful=self._careful,
            in_sql=self._in_sql.events,
            why_not_sql=self._in_sql.why_not,
            seconds=monotonic() - began,
        )

    def _load(self, until: int, processes: Processes | None) -> None:
        # A trigger has its say only where rows are written one after the other.
        self._careful = self._tables.have_triggers or not self._in_bulk(until, processes)
        if self._careful:
            self._events = 0
            if self._projection.fold_sql is not None:
                why_not = self._in_sql.why_not or "the events are applied in live batches"
                self._in_sql = BuiltInSql(0, 0, why_not)
            self._tables.make_complete(self._lease, self._reader)
        self._lease.position = self._options.starts_after if self._careful else until

    def _in_bulk(self, until: int, processes: Processes | None) -> bool:
        """Folds, writes and proves all rows; False when the database refuses some of them.

        Which events are to blame shows only in the order in which they came, so they are then
        applied one batch after the other, as live.
        """
        try:
            self._in_sql = build_in_sql(
                self._reader,
                self._projection,
                self._tables.schema,
                self._leases(),
                until,
                self._tell.hear,
            )
            self._events += self._in_sql.events
            if self._in_sql.reached < until:
                for built in build(self._tasks(until), self._tell.hear, processes):
                    self._events += built.events
            self._tell("index", 0, until, until)
            self._tables.complete(self._lease, until)
        except EventStoreError as error:
            if not blames_rows(error):
                raise
            return False
        return True

    def _leases(self) -> list[Lease]:
        lease = self._lease
        return shard_leases(
            self._owner, self._projection, "rebuild", lease.fencing_token, lease.seconds
        )

    def _tasks(self, until: int) -> list[ShardTask]:
        projection, leases = self._projection, self._leases()
        begun = any(each.position > self._options.starts_after for each in leases)
        if begun:
            self._tables.add_keys()
        held = all_of(self._owner, projection, "rebuild")
        refused = left_out(self._reader, projection).refused
        out = discarded(self._reader, projection)
        return [
            ShardTask(
                self._url,
                Shard(
                    projection,
                    each.position,
                    max(until, each.position),
                    field=projection.shard_by if len(leases) > 1 else None,
                    number=each.shard,
                    of=len(leases),
                    begun=begun,
                    held=held,
                    refused=refused,
                    discarded=out,
                    rows_in_memory=self._options.rows_in_memory,
                    flush_seconds=self._options.flush_seconds,
                ),
                self._tables.schema,
                lease=replace(each),
            )
            for each in leases
        ]
