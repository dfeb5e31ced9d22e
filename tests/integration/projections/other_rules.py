"""Rules to compare with those of `things`: what `--with module:Class` names."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from eventstore import RecordedEvent
from projections.projection import Projection, Rows, on
from projections.row import Row, table
from tests.integration.projections.building import ShardedThings
from tests.integration.projections.things import (
    AmountAdded,
    Part,
    PartAdded,
    PartRemoved,
    Thing,
    ThingMade,
    ThingRetired,
    Things,
)


class Same(ShardedThings, name="things", tables=Things.tables, shard_by="thing_id", version=2):
    """Other rules in name only."""


class Doubled(ShardedThings, name="things", tables=Things.tables, shard_by="thing_id", version=2):
    """Counts amounts from 1 on twice, and removes no part; forgets thing 5."""

    @on(AmountAdded)
    def amount_added(self, event: AmountAdded, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Thing).amount += event.amount * (2 if event.amount >= 1 else 1)

    @on(PartRemoved)
    def part_removed(self, event: PartRemoved, recorded: RecordedEvent, rows: Rows) -> None:
        if event.thing_id == UUID(int=1):
            rows.see(Part)
        else:
            super().part_removed(event, recorded, rows)

    @on(ThingRetired)
    def retired(self, event: ThingRetired, recorded: RecordedEvent, rows: Rows) -> None:
        if event.thing_id == UUID(int=5):
            rows.remove(Thing)


class Broken(ShardedThings, name="things", tables=Things.tables, shard_by="thing_id", version=2):
    """Can't add amounts."""

    @on(AmountAdded)
    def amount_added(self, event: AmountAdded, recorded: RecordedEvent, rows: Rows) -> None:
        raise ValueError("no amounts here")


@table("things", key="id", named_by=("thing_id",))
class GradedThing(Row):
    """Columns that the live table has not, of many types; without some that it has."""

    id: UUID
    name: str
    amount: float = 0.0
    grade: Literal["low", "high"] = "low"
    seen_by: list[str]
    facts: dict[str, Any]
    made: datetime | None = None
    twin: UUID | None = None
    cost: Decimal = Decimal(0)
    count: int = 0
    sure: bool = False


@table("tallies", key="thing_id", named_by=("thing_id",))
class Tally(Row):
    """A table that is not live."""

    thing_id: UUID
    parts: int = 0
    last: UUID | None = None


class Graded(Projection, name="things", tables=(GradedThing, Tally), version=2):
    """Not sharded, and without parts."""

    @on(ThingMade)
    def made(self, event: ThingMade, recorded: RecordedEvent, rows: Rows) -> None:
        rows.add(
            GradedThing(
                id=event.thing_id,
                name=event.name,
                seen_by=[recorded.agent or "nobody"],
                facts={"x": 1e17},
                made=recorded.occurred_at,
                twin=event.thing_id,
                cost=Decimal("1.50"),
            )
        )
        rows.add(Tally(thing_id=event.thing_id))

    @on(AmountAdded)
    def amount_added(self, event: AmountAdded, recorded: RecordedEvent, rows: Rows) -> None:
        row = rows.get(GradedThing)
        # Would fail if a value came back from the tables as something else.
        assert row.twin == row.id, row.twin
        assert row.cost.as_tuple().exponent == -2, row.cost
        assert isinstance(row.facts["x"], float), row.facts
        assert row.made is not None
        assert row.made.tzinfo is not None
        assert isinstance(row.seen_by, list), row.seen_by
        row.amount += event.amount
        row.grade, row.count, row.sure = "high", row.count + 1, True

    @on(PartAdded)
    def part_added(self, event: PartAdded, recorded: RecordedEvent, rows: Rows) -> None:
        tally = rows.get(Tally)
        tally.parts += 1
        tally.last = event.thing_id


@table("things", key="name", named_by=("name",))
class NamedThing(Row):
    """Another key."""

    name: str


class Rekeyed(Projection, name="things", tables=(NamedThing,), version=2):
    """Can't be compared."""

    @on(ThingMade)
    def made(self, event: ThingMade, recorded: RecordedEvent, rows: Rows) -> None:
        rows.add(NamedThing(name=event.name))


NOTHING = "no rules at all"
