"""What the team has learned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID

from eventstore.command import Command, State
from eventstore.commands.event_of import event_of
from eventstore.commands.packaging.packages import Package, package_stream
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist
from eventstore.vocabulary.fields import Name
from eventstore.vocabulary.packaging import (
    KnowledgeItemAdded,
    KnowledgeItemChanged,
    KnowledgeItemRemoved,
)

__all__ = ["AddKnowledgeItem", "ChangeKnowledgeItem", "KnowledgeItem", "RemoveKnowledgeItem"]


@dataclass(frozen=True, slots=True)
class KnowledgeItem:
    """Whether there is the item."""

    exists: bool = False

    def after(self, event: Event) -> Self:
        if isinstance(event, KnowledgeItemAdded | KnowledgeItemRemoved):
            return replace(self, exists=isinstance(event, KnowledgeItemAdded))
        return self

    def require(self, item_id: UUID) -> None:
        """Raises DoesNotExist."""
        if not self.exists:
            raise DoesNotExist("knowledge item", item_id)


class _OfItem(Command):
    knowledge_item_id: UUID

    def reads(self) -> dict[str, State]:
        return {f"knowledge_item-{self.knowledge_item_id}": KnowledgeItem()}


class _ItemSaid(_OfItem):
    title: Name
    content: str
    source_package_id: UUID | None = None
    """The package from which it was learned, in use or deleted; null when from none."""

    def reads(self) -> dict[str, State]:
        if self.source_package_id is None:
            return super().reads()
        return {**super().reads(), package_stream(self.source_package_id): Package()}

    def _require_source(self, package: Package | None) -> None:
        if package is not None and self.source_package_id is not None:
            package.require(self.source_package_id)


class AddKnowledgeItem(_ItemSaid):
    """Keeps something that was learned, perhaps from a package."""

    def decide(self, item: KnowledgeItem, source: Package | None = None) -> Event:
        """Refused as AlreadyExists, DoesNotExist (the package)."""
        if item.exists:
            raise AlreadyExists("knowledge item", self.knowledge_item_id)
        self._require_source(source)
        return event_of(KnowledgeItemAdded, self)


class ChangeKnowledgeItem(_ItemSaid):
    """Makes an item say this, and nothing else."""

    def decide(self, item: KnowledgeItem, source: Package | None = None) -> Event:
        """Refused as DoesNotExist (the item, or the package)."""
        item.require(self.knowledge_item_id)
        self._require_source(source)
        return event_of(KnowledgeItemChanged, self)


class RemoveKnowledgeItem(_OfItem):
    """Takes an item away, because it is wrong or out of date."""

    reason: str | None = None

    def decide(self, item: KnowledgeItem) -> Event:
        """Refused as DoesNotExist."""
        item.require(self.knowledge_item_id)
        return event_of(KnowledgeItemRemoved, self)
