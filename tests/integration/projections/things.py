"""A context of the tests' own: things with a column of every type, and parts that hang on them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from threading import Event as Signal
from typing import Annotated, Any
from uuid import UUID

from pydantic import model_validator

from eventstore import BigInt, Event, RecordedEvent
from eventstore.encoding.vector import Vector
from eventstore.registry import EventRegistry
from projections.projection import Projection, Rows, on
from projections.row import Row, table

FILE = Path(__file__).with_name("things_v1.sql")

DDL = f"""
SELECT set_config('search_path', 'projections, public', true);
{FILE.read_text(encoding="utf-8")}
INSERT INTO projections.live_tables (table_name, projection, projection_version, ordinal)
VALUES ('things', 'things', 1, 1), ('parts', 'things', 1, 2);
""".encode()
"""Makes the live tables, as a migration would."""


class ThingMade(Event, event_type="things.made"):
    thing_id: UUID
    name: str
    amount: float = 0.0
    price: Decimal = Decimal(0)
    big: Annotated[int, BigInt] = 0
    tags: list[str] = []
    info: dict[str, Any] = {}
    seen_at: datetime | None = None
    note: str | None = None
    meaning: Vector | None = None


class ThingRenamed(Event, event_type="things.renamed"):
    thing_id: UUID
    name: str


class ThingRetired(Event, event_type="things.retired"):
    thing_id: UUID


class AmountAdded(Event, event_type="things.amount_added"):
    thing_id: UUID
    amount: float


class PartAdded(Event, event_type="things.part_added"):
    thing_id: UUID
    part_no: int
    label: str


class PartRemoved(Event, event_type="things.part_removed"):
    thing_id: UUID
    part_no: int


class Forbidden(Event, event_type="things.forbidden"):
    """The rule refuses it."""

    thing_id: UUID


class Overdrawn(Event, event_type="things.overdrawn"):
    """The rule accepts it, the table does not."""

    thing_id: UUID


LEGIBLE = Signal()
"""While it is set, the class reads what OddlyNoted wrote."""


class Noted(Event, event_type="things.noted"):
    thing_id: UUID

    @model_validator(mode="before")
    @classmethod
    def _read(cls, payload: Any) -> Any:
        return {"thing_id": payload["ref"]} if "ref" in payload and LEGIBLE.is_set() else payload


ELSEWHERE = EventRegistry()
"""What a program knows that has never heard of our classes."""


class OddlyNoted(Event, event_type="things.noted", registry=ELSEWHERE):
    ref: UUID


class Noise(Event, event_type="noise.made"):
    """Of no interest to the projection."""

    text: str = ""


@table("things", key="id", named_by=("thing_id",))
class Thing(Row):
    id: UUID
    name: str
    amount: float = 0.0
    price: Decimal = Decimal(0)
    big: int = 0
    tags: list[str]
    info: dict[str, Any]
    seen_at: datetime | None = None
    note: str | None = None
    meaning: Vector | None = None
    retired: bool = False
    part_count: int = 0


@table("parts", key=("thing_id", "part_no"), named_by=(("thing_id", "part_no"),))
class Part(Row):
    thing_id: UUID
    part_no: int
    label: str


class Things(Projection, name="things", tables=(Thing, Part)):
    @on(ThingMade)
    def made(self, event: ThingMade, recorded: RecordedEvent, rows: Rows) -> None:
        rows.add(
            Thing(
                id=event.thing_id,
                name=event.name,
                amount=event.amount,
                price=event.price,
                big=event.big,
                tags=event.tags,
                info=event.info,
                seen_at=event.seen_at,
                note=event.note,
                meaning=event.meaning,
            )
        )

    @on(ThingRenamed)
    def renamed(self, event: ThingRenamed, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Thing).name = event.name

    @on(ThingRetired)
    def retired(self, event: ThingRetired, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Thing).retired = True

    @on(AmountAdded)
    def amount_added(self, event: AmountAdded, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Thing).amount += event.amount

    @on(PartAdded)
    def part_added(self, event: PartAdded, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Thing).part_count += 1
        rows.add(Part(thing_id=event.thing_id, part_no=event.part_no, label=event.label))

    @on(PartRemoved)
    def part_removed(self, event: PartRemoved, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Thing).part_count -= 1
        rows.remove(Part)

    @on(Noted)
    def noted(self, event: Noted, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Thing).note = f"noted at {recorded.position}"

    @on(Forbidden)
    def forbidden(self, event: Forbidden, recorded: RecordedEvent, rows: Rows) -> None:
        raise ValueError("this rule refuses every event")

    @on(Overdrawn)
    def overdrawn(self, event: Overdrawn, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Thing).big = -1


class Cured(Things, name="things", tables=Things.tables):
    """The same after a mistake in two rules was mended."""

    @on(Forbidden)
    def forbidden(self, event: Forbidden, recorded: RecordedEvent, rows: Rows) -> None:
        thing = rows.get(Thing)
        thing.amount = -thing.amount

    @on(Overdrawn)
    def overdrawn(self, event: Overdrawn, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Thing).big = 0
