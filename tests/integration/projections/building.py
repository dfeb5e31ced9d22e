"""Builds in tests: things that fall into shards, and a rebuild that has begun."""

from __future__ import annotations

from projections.build_lease import BuildLease, begin_build
from projections.projection import Projection
from projections.session import open_session
from tests.integration.projections.things import Things


class ShardedThings(Things, name="things", tables=Things.tables, shard_by="thing_id"):
    """Every event of a thing names the thing."""


def begin_rebuild(url: str, projection: Projection, *, shards: int = 1) -> BuildLease:
    """Somebody else's rebuild, with a sign of life just now."""
    with open_session(url, part="test", role="owner") as owner:
        return begin_build(
            owner,
            projection,
            definition="somebody else's",
            shards=shards,
            starts_after=0,
            anew=False,
            seconds=60,
        ).lease
