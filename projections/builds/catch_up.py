"""Takes a build that is not live to the end of the log, as a live projection goes."""

from __future__ import annotations

from collections.abc import Sequence

from eventstore.errors import StoreUnavailable
from eventstore.reading.read import watermark
from projections.apply.applier import Applier
from projections.apply.refusal import may_blame_an_event
from projections.builds.progress import PhaseReport
from projections.builds.shard_build import Shard
from projections.checkpoint import Lease
from projections.projection import Projection
from projections.row_store import RowStore
from projections.session import Connection

__all__ = ["CatchUp"]


class CatchUp:
    """Applies what was appended since."""

    def __init__(
        self,
        conn: Connection,
        projection: Projection,
        schema: str,
        leases: Sequence[Lease],
        tell: PhaseReport,
    ) -> None:
        """`leases` are those of the build's shards."""
        self._conn, self._projection, self._leases, self._tell = conn, projection, leases, tell
        self._appliers = [Applier(RowStore(projection, schema)) for _ in leases]
        self._taken_up = False
        self.events = 0

    def to_the_end(self, at_least: int) -> None:
        """To the watermark, or that position if it is higher.

        What is held is tried first, once. All shards are then at the same position. Raises
        ProjectionPaused when too much is held, and what applying a batch raises.
        """
        if not self._taken_up:
            for lease, applier in zip(self._leases, self._appliers, strict=True):
                applier.take_up(self._conn, lease)
            self._taken_up = True
        mark = max(watermark(self._conn), at_least)
        self._tell("catch up", self.events, min(each.position for each in self._leases), mark)
        self.to(mark)

    def to(self, position: int) -> None:
        """To that position, if it is not there yet; it is at most a watermark."""
        for lease, applier in zip(self._leases, self._appliers, strict=True):
            if lease.position < position:
                self._follow(lease, applier, position)

    def _follow(self, lease: Lease, applier: Applier, mark: int) -> None:
        several = len(self._leases) > 1
        shard = Shard(
            self._projection,
            lease.position,
            mark,
            field=self._projection.shard_by if several else None,
            number=lease.shard,
            of=len(self._leases),
        )
        pages = shard.pages(self._conn)
        while lease.position < mark:
            page = pages.after(lease.position)
            try:
                applier.apply(self._conn, page.events, page.reached)
            except StoreUnavailable as error:
                if self._conn.closed or not may_blame_an_event(error):
                    raise
                continue  # it then tries fewer events, and in the end holds the one to blame
            if applier.paused:
                raise applier.why_paused
            self.events += len(page.events)
            self._tell("catch up", self.events, lease.position, mark)
