"""Commands of work on a real log, with others at the same moment."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from eventstore import EventStore
from eventstore.commands import work as ask
from eventstore.refusals import SchemaViolated
from eventstore.vocabulary.work import WorkItemQueued, WorkItemStatusChanged
from projections.session import Connection
from projections.work import Attempt, Schema, Work, WorkItem
from tests.integration.commands.executing import at_once, held
from tests.integration.projections.running import stored


@pytest.fixture
def order(store: EventStore) -> UUID:
    order_id = uuid4()
    store.execute(ask.OpenWorkOrder(work_order_id=order_id, title="Pack"))
    return order_id


def queue(order: UUID, item: UUID | None = None, **content: str) -> ask.QueueWorkItem:
    return ask.QueueWorkItem(
        work_item_id=item or uuid4(), work_order_id=order, type="TICKET", content=content
    )


def publish(store: EventStore, number: int, required: str) -> UUID:
    schema_id = uuid4()
    store.execute(
        ask.PublishSchema(
            schema_id=schema_id,
            document_type="TICKET",
            document_version=number,
            json_schema={"required": [required]},
        )
    )
    return schema_id


def activate(schema_id: UUID) -> ask.ActivateSchema:
    return ask.ActivateSchema(schema_id=schema_id, document_type="TICKET")


def test_an_item_obeys_the_schema_that_is_active_when_it_is_recorded(
    stores: list[EventStore], order: UUID
) -> None:
    """A schema is replaced while items are queued: each is right by the one that counted then."""
    old, new = publish(stores[0], 1, "old"), publish(stores[0], 2, "new")
    stores[0].execute(activate(old))
    for replacing in (new, old, new, old, new):
        found = at_once(stores, [queue(order, old="x"), activate(replacing), queue(order, new="x")])
        assert found[1] == "done"
        assert set(found) <= {"done", "SchemaViolated"}
    required = None
    for recorded in stores[0].read_all(categories=["schema", "work_item"]):
        if recorded.event_type == "work.schema_activated":
            required = "old" if recorded.payload["schema_id"] == str(old) else "new"
        elif recorded.event_type == "work.work_item_queued":
            assert required in recorded.payload["content"]


def test_a_schema_that_is_retired_is_not_asked_any_more(store: EventStore, order: UUID) -> None:
    schema = publish(store, 1, "text")
    store.execute(activate(schema))
    item = queue(order)
    with pytest.raises(SchemaViolated):
        store.execute(item)
    store.execute(ask.RetireSchema(schema_id=schema, document_type="TICKET"))
    store.execute(item)


def test_one_schema_is_active_whoever_activates(
    stores: list[EventStore], database_url: str, conn: Connection
) -> None:
    schemas = [publish(stores[0], number, "text") for number in range(1, 5)]
    assert at_once(stores, [activate(schema) for schema in schemas]) == ["done"] * 4
    assert held(database_url, conn, Work()) == []
    rows = stored(conn, Work())[Schema.TABLE].values()
    assert [row["active"] for row in rows].count(True) == 1


def test_attempts_of_many_agents_are_numbered_without_a_gap(
    stores: list[EventStore], order: UUID, database_url: str, conn: Connection
) -> None:
    item, ids = uuid4(), [uuid4() for _ in stores]
    stores[0].execute(queue(order, item))
    starts = [
        ask.StartAttempt(work_item_id=item, attempt_id=attempt, agent_id="ann") for attempt in ids
    ]
    assert at_once(stores, starts) == ["done"] * len(stores)
    assert held(database_url, conn, Work()) == []
    tables = stored(conn, Work())
    assert sorted(row["attempt_no"] for row in tables[Attempt.TABLE].values()) == [1, 2, 3, 4]
    assert [row["status"] for row in tables[WorkItem.TABLE].values()] == ["PROCESSING"]


def test_one_gets_the_name_or_the_id(stores: list[EventStore], order: UUID) -> None:
    connectors = [
        ask.RegisterConnector(connector_id=uuid4(), name="mail", type="EMAIL") for _ in stores
    ]
    assert sorted(at_once(stores, connectors)) == ["ValueTaken"] * 3 + ["done"]
    items, attempt = [uuid4() for _ in stores], uuid4()
    for item in items:
        stores[0].execute(queue(order, item))
    starts = [
        ask.StartAttempt(work_item_id=item, attempt_id=attempt, agent_id="ann") for item in items
    ]
    assert sorted(at_once(stores, starts)) == ["ValueTaken"] * 3 + ["done"]


def test_what_is_said_past_the_deciders_is_held(
    store: EventStore, order: UUID, database_url: str, conn: Connection
) -> None:
    item, lost = uuid4(), uuid4()
    store.execute(queue(order, item))
    store.append(
        ask.item_stream(item),
        [
            WorkItemStatusChanged(
                work_item_id=item, work_order_id=order, from_status="FAILED", to_status="QUEUED"
            )
        ],
    )
    store.append(
        ask.item_stream(lost),
        [WorkItemQueued(work_item_id=lost, work_order_id=uuid4(), type="TICKET")],
    )
    other = uuid4()
    store.execute(ask.OpenWorkOrder(work_order_id=other, title="Other"))
    store.execute(queue(other))
    assert sorted(held(database_url, conn, Work())) == [
        "work.work_item_queued",
        "work.work_item_status_changed",
    ]
    rows = stored(conn, Work())[WorkItem.TABLE].values()
    assert [row["status"] for row in rows] == ["QUEUED", "QUEUED"]
