"""A later version of `things`, with other tables and rules."""

from __future__ import annotations

from uuid import UUID

from eventstore import RecordedEvent
from projections.projection import Projection, Rows, on
from projections.row import Row, table
from tests.integration.projections.things import AmountAdded, PartAdded, PartRemoved, ThingMade

FUNCTION = b"""
CREATE FUNCTION projections.label_words(label text) RETURNS tsvector LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp RETURN to_tsvector('english', label);
REVOKE ALL ON FUNCTION projections.label_words(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION projections.label_words(text) TO eventstore_projector;
"""
"""What the tables call; it stays when they are replaced."""


@table("things", key="id", named_by=("thing_id",))
class Sum(Row):
    id: UUID
    name: str
    total: float = 0.0


@table("labels", key=("thing_id", "part_no"), named_by=(("thing_id", "part_no"),))
class Label(Row):
    thing_id: UUID
    part_no: int
    label: str


class ThingsAnew(Projection, name="things", version=7, tables=(Sum, Label)):
    @on(ThingMade)
    def made(self, event: ThingMade, recorded: RecordedEvent, rows: Rows) -> None:
        rows.add(Sum(id=event.thing_id, name=event.name, total=event.amount))

    @on(AmountAdded)
    def amount_added(self, event: AmountAdded, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Sum).total += event.amount

    @on(PartAdded)
    def part_added(self, event: PartAdded, recorded: RecordedEvent, rows: Rows) -> None:
        rows.add(Label(thing_id=event.thing_id, part_no=event.part_no, label=event.label))

    @on(PartRemoved)
    def part_removed(self, event: PartRemoved, recorded: RecordedEvent, rows: Rows) -> None:
        rows.remove(Label)
