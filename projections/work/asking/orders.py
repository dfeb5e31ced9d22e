"""What people and agents ask about orders and their items."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from eventstore.connection.queries import load
from eventstore.vocabulary.work import Priority, WorkItemStatus, WorkOrderStatus
from projections.questions import Questions
from projections.work.answers import (
    ItemFound,
    ItemToTake,
    ItemWithParts,
    OrderShown,
    OrderWithItems,
)

__all__ = ["Orders"]

PARTS: Final = 50
"""Of each kind of parts that come with a thing, that many at most."""
LOOKED_AT: Final = 1_000
"""Among that many items that wait longest, the most urgent is looked for."""


class Orders(Questions, sql=load("projections.work", "queries.sql")):
    """Work orders and their items."""

    def order(self, work_order_id: UUID) -> OrderWithItems | None:
        """A work order with its progress, its items and its runs."""
        return self._one(OrderWithItems, "order", work_order_id=work_order_id, parts=PARTS)

    def orders(
        self,
        status: WorkOrderStatus,
        priority: Priority,
        *,
        after: OrderShown | None = None,
        limit: int = 50,
    ) -> list[OrderShown]:
        """The work orders of a status and a priority, the oldest first."""
        return self._many(
            OrderShown,
            "orders",
            status=status,
            priority=priority,
            after_created=after and after.created_at,
            after_id=after and after.id,
            limit=limit,
        )

    def items_of_order(
        self, work_order_id: UUID, *, after: ItemFound | None = None, limit: int = 50
    ) -> list[ItemFound]:
        """The items of a work order, the oldest first."""
        return self._many(
            ItemFound,
            "items_of_order",
            work_order_id=work_order_id,
            after_created=after and after.created_at,
            after_id=after and after.id,
            limit=limit,
        )

    def items(
        self,
        status: WorkItemStatus = "QUEUED",
        *,
        item_type: str | None = None,
        after: ItemFound | None = None,
        limit: int = 50,
    ) -> list[ItemFound]:
        """The work items of a status, of one type or of all, the oldest first."""
        return self._many(
            ItemFound,
            "items" if item_type is None else "items_of_type",
            status=status,
            type=item_type,
            after_created=after and after.created_at,
            after_id=after and after.id,
            limit=limit,
        )

    def items_of_agent(
        self,
        agent_id: str,
        status: WorkItemStatus = "QUEUED",
        *,
        after: ItemFound | None = None,
        limit: int = 50,
    ) -> list[ItemFound]:
        """The work items of a status that are an agent's, the oldest first."""
        return self._many(
            ItemFound,
            "items_of_agent",
            agent_id=agent_id,
            status=status,
            after_created=after and after.created_at,
            after_id=after and after.id,
            limit=limit,
        )

    def items_of_package(
        self, package_id: UUID, *, after: UUID | None = None, limit: int = 50
    ) -> list[ItemFound]:
        """The work items that are about a package, by id."""
        return self._many(
            ItemFound, "items_of_package", package_id=package_id, after=after, limit=limit
        )

    def next_items(
        self, agent_id: str, *, item_type: str | None = None, limit: int = 1
    ) -> list[ItemToTake]:
        """What an agent should take next: its own or nobody's, the most urgent, then the oldest.

        It is looked for among the thousand that wait longest, so that urgent work that keeps
        coming does not leave the rest waiting for ever.
        """
        return self._many(
            ItemToTake,
            "next_items",
            agent_id=agent_id,
            type=item_type,
            looked_at=LOOKED_AT,
            limit=limit,
        )

    def item(self, work_item_id: UUID) -> ItemWithParts | None:
        """A work item, what it says, its attempts, and what was held of it."""
        return self._one(ItemWithParts, "item", work_item_id=work_item_id, parts=PARTS)
