"""How an event names rows: by a list of keys, and by its own time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from pydantic import AwareDatetime

from eventstore import Event, RecordedEvent
from projections.apply.holding import Held, Holding, named
from projections.months import span
from projections.projection import Projection, Rows, on
from projections.row import Row, fields_naming, table
from projections.testing import FIRST_MOMENT, given, recorded

A, B, C = (UUID(int=n) for n in (0xA, 0xB, 0xC))


class Sown(Event, event_type="naming.sown"):
    plant_id: UUID


class Harvested(Event, event_type="naming.harvested"):
    plant_ids: list[UUID]
    also: tuple[UUID, ...] | None = None


class Noted(Event, event_type="naming.noted"):
    note_id: UUID
    text: str


class Amended(Event, event_type="naming.amended"):
    note_id: UUID
    noted_at: AwareDatetime
    text: str


@table("plants", key="id", named_by=("plant_id", "plant_ids", "also"))
class Plant(Row):
    id: UUID


@table(
    "notes",
    key=("note_id", "created_at"),
    named_by=(("note_id", "noted_at"), ("note_id", "occurred_at")),
    by_month="created_at",
)
class Note(Row):
    note_id: UUID
    text: str


class Garden(Projection, name="garden", tables=(Plant, Note)):
    @on(Sown)
    def sown(self, event: Sown, recorded: RecordedEvent, rows: Rows) -> None:
        rows.add(Plant(id=event.plant_id))

    @on(Harvested)
    def harvested(self, event: Harvested, recorded: RecordedEvent, rows: Rows) -> None:
        for plant in event.plant_ids:
            rows.remove(Plant, plant)

    @on(Noted)
    def noted(self, event: Noted, recorded: RecordedEvent, rows: Rows) -> None:
        rows.add(Note(note_id=event.note_id, text=event.text))

    @on(Amended)
    def amended(self, event: Amended, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Note).text = event.text


def keys(event: Event, at: datetime = FIRST_MOMENT) -> list[tuple[object, ...]]:
    return [key for _, key in Garden().keys(recorded(event)._replace(occurred_at=at))]


def test_a_list_names_a_row_for_each_value() -> None:
    assert keys(Harvested(plant_ids=[A, B])) == [("default", A), ("default", B)]
    assert keys(Harvested(plant_ids=[A], also=(B, C))) == [
        ("default", A), ("default", B), ("default", C),
    ]  # fmt: skip
    assert keys(Harvested(plant_ids=[])) == []
    sown = [Sown(plant_id=each) for each in (A, B, C)]
    given(Garden(), *sown, Harvested(plant_ids=[A, C])).then(Plant(id=B))


def test_a_row_may_be_known_by_the_time_of_its_event() -> None:
    at = datetime(2024, 5, 6, tzinfo=UTC)
    assert keys(Noted(note_id=A, text="x"), at) == [("default", A, at)]


def test_a_later_event_says_that_time() -> None:
    """Its own time then names nothing: its row is of another month."""
    at = datetime(2024, 5, 6, tzinfo=UTC)
    assert keys(Amended(note_id=A, noted_at=at, text="y")) == [("default", A, at)]
    noted_at = FIRST_MOMENT + timedelta(seconds=1)
    there = noted_at.astimezone(timezone(timedelta(hours=-5)))
    given(Garden(), Noted(note_id=A, text="x"), Amended(note_id=A, noted_at=there, text="y")).then(
        Note(note_id=A, text="y")
    )


def test_other_events_name_no_row_by_their_time() -> None:
    assert fields_naming(Note, Sown) == ()
    assert fields_naming(Note, Noted) == (("note_id", "occurred_at"),)
    assert fields_naming(Note, Amended) == (("note_id", "noted_at"),)


def test_what_can_t_be_read_names_what_it_seems_to() -> None:
    """Keys in a list, and the moment of an event, as others name them."""
    data = b'{"plant_ids":["%s","%s"],"x":1}' % (str(A).encode(), str(B).encode())
    harvested = recorded(Harvested(plant_ids=[A, B]))._replace(data=data)
    assert named(Garden(), harvested) >= named(Garden(), recorded(Sown(plant_id=A)))
    noted = recorded(Noted(note_id=A, text="x"))
    unreadable = noted._replace(data=b'{"note_id":"%s"}' % str(A).encode())
    assert named(Garden(), unreadable) > named(Garden(), noted)


def test_what_names_the_same_moment_waits_whatever_its_time_zone() -> None:
    noted = recorded(Noted(note_id=A, text="x"), 1)
    unreadable = noted._replace(data=b'{"note_id":"%s"}' % str(A).encode())
    there = noted.occurred_at.astimezone(timezone(timedelta(hours=9)))
    amended = recorded(Amended(note_id=A, noted_at=there, text="y"), 2)
    holding, state = Holding(), Garden().empty()
    assert isinstance(holding.apply(Garden(), state, unreadable), Held)
    outcome = holding.apply(Garden(), state, amended._replace(stream_id="other-1"))
    assert isinstance(outcome, Held)
    assert outcome.behind == 1


@pytest.mark.parametrize(
    ("name", "key", "by_month"),
    [("t", ("id",), "created_at"), ("t" * 56, ("id", "created_at"), "created_at")],
)
def test_a_table_that_can_t_be_kept_by_month(
    name: str, key: tuple[str, ...], by_month: str
) -> None:
    with pytest.raises(TypeError, match="can't be kept by month"):
        table(name, key=key, named_by=("id",), by_month=by_month)(
            type("Odd", (Row,), {"__annotations__": {"id": UUID}})
        )


def test_the_time_of_the_event_comes_last() -> None:
    with pytest.raises(TypeError, match="occurred_at comes last"):
        table("odd", key=("created_at", "id"), named_by=(("occurred_at", "id"),))(
            type("Odd", (Row,), {"__annotations__": {"id": UUID}})
        )


def test_the_months_of_times_go_from_end_to_end() -> None:
    tokyo = timezone(timedelta(hours=9))
    times = [datetime(2024, 2, 1, 3, tzinfo=tokyo), datetime(2024, 2, 29, 1, tzinfo=UTC)]
    assert span(times) == (
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
    )
    assert span([datetime.max.replace(tzinfo=UTC)])[1] == datetime.max.replace(tzinfo=UTC)
    assert span([datetime.min.replace(tzinfo=UTC)])[0] == datetime.min.replace(tzinfo=UTC)
