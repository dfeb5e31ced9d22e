"""Things whose log is read in small pages, by whoever imports this: in other processes too."""

from __future__ import annotations

from projections import log_pages
from tests.integration.projections.building import ShardedThings
from tests.integration.projections.things import Things

log_pages._PAGE = 50  # type: ignore[misc]


class Paged(ShardedThings, name="things", tables=Things.tables, shard_by="thing_id"):
    """The same rules."""
