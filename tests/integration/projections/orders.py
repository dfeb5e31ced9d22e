"""A context whose fold is stated in SQL too: orders, which are opened before anything else."""

from __future__ import annotations

from uuid import UUID

from eventstore import Event, RecordedEvent, upcaster
from projections.projection import Projection, Rows, on
from projections.row import Row, table

__all__ = ["Opened", "OpenedOnce", "Order", "Orders", "OrdersInSql", "Shipped"]


class OpenedOnce(Event, event_type="orders.opened"):
    """As orders were opened at first."""

    order_id: UUID


class Opened(Event, event_type="orders.opened", schema_version=2):
    order_id: UUID
    title: str


@upcaster("orders.opened", from_version=1)
def _untitled(payload: dict[str, object]) -> dict[str, object]:
    return {**payload, "title": "?"}


class Shipped(Event, event_type="orders.shipped"):
    order_id: UUID
    carrier: str


@table("orders", key="order_id", named_by=("order_id",))
class Order(Row):
    order_id: UUID
    title: str
    carrier: str | None = None
    shipments: int = 0


class Orders(Projection, name="orders", tables=(Order,), shard_by="order_id"):
    @on(Opened)
    def opened(self, event: Opened, recorded: RecordedEvent, rows: Rows) -> None:
        rows.add(Order(order_id=event.order_id, title=event.title))

    @on(Shipped)
    def shipped(self, event: Shipped, recorded: RecordedEvent, rows: Rows) -> None:
        order = rows.get(Order)
        order.carrier, order.shipments = event.carrier, order.shipments + 1


class OrdersInSql(
    Orders, name="orders", tables=(Order,), shard_by="order_id", fold_sql="orders_fold.sql"
):
    """The same rules."""
