"""Builds in tests: things that fall into shards, and a rebuild that has begun."""

from __future__ import annotations

from eventstore import EventStore
from eventstore.encoding.vector import Vector
from projections.builds.build_lease import BuildLease, begin_build
from projections.projection import Projection
from projections.session import open_session
from tests.integration.projections.running import number
from tests.integration.projections.things import (
    AmountAdded,
    PartAdded,
    PartRemoved,
    ThingMade,
    Things,
)


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


def fill(store: EventStore, first: int = 1, count: int = 20) -> None:
    """The lives of some things: five events and two rows each."""
    for n in range(first, first + count):
        thing = number(n)
        store.append(
            f"thing-{n}",
            [
                ThingMade(
                    thing_id=thing,
                    name=f"thing {n}",
                    info={"n": n, "x": 1e20},
                    tags=["t"],
                    meaning=Vector([n, 0.1, 1e-7]),
                ),
                PartAdded(thing_id=thing, part_no=1, label="one"),
                PartAdded(thing_id=thing, part_no=2, label="two"),
                PartRemoved(thing_id=thing, part_no=1),
                AmountAdded(thing_id=thing, amount=0.1),
            ],
        )
