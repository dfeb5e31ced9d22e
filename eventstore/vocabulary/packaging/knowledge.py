"""What the team has learned and wants to find again."""

from __future__ import annotations

from uuid import UUID

from eventstore.event import Event
from eventstore.vocabulary.fields import Name

__all__ = ["KnowledgeItemAdded", "KnowledgeItemChanged", "KnowledgeItemRemoved"]


class _KnowledgeItem(Event):
    knowledge_item_id: UUID
    title: Name
    content: str
    source_package_id: UUID | None = None
    """The package from which it was learned; null when from none."""


class KnowledgeItemAdded(_KnowledgeItem, event_type="packaging.knowledge_item_added"):
    """The team knows something more."""


class KnowledgeItemChanged(_KnowledgeItem, event_type="packaging.knowledge_item_changed"):
    """This is what the item says now, all of it."""


class KnowledgeItemRemoved(Event, event_type="packaging.knowledge_item_removed"):
    """An item is no longer to be found, because it is wrong or out of date."""

    knowledge_item_id: UUID
    reason: str | None = None
