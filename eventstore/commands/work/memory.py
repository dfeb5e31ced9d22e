"""What agents keep in mind between attempts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID

from pydantic import Field

from eventstore.command import Command, State
from eventstore.commands.event_of import event_of
from eventstore.commands.work.items import WorkItem, item_stream
from eventstore.event import Event
from eventstore.refusals import DoesNotExist
from eventstore.vocabulary.fields import Json
from eventstore.vocabulary.work import MemDocRemoved, MemDocType, MemDocWritten

__all__ = ["MemDoc", "RemoveMemDoc", "WriteMemDoc"]


@dataclass(frozen=True, slots=True)
class MemDoc:
    """Whether there is the document."""

    exists: bool = False

    def after(self, event: Event) -> Self:
        if isinstance(event, MemDocWritten | MemDocRemoved):
            return replace(self, exists=isinstance(event, MemDocWritten))
        return self


class _OfMemDoc(Command):
    mem_doc_id: UUID

    def reads(self) -> dict[str, State]:
        return {f"mem_doc-{self.mem_doc_id}": MemDoc()}


class WriteMemDoc(_OfMemDoc):
    """Makes a document say this, and nothing else; it may be a new one."""

    type: MemDocType
    content: str
    work_item_id: UUID | None = None
    """The item that it is about; null when it is about the work in general."""
    metadata: Json = Field(default_factory=dict)

    def reads(self) -> dict[str, State]:
        if self.work_item_id is None:
            return super().reads()
        return {**super().reads(), item_stream(self.work_item_id): WorkItem()}

    def decide(self, document: MemDoc, item: WorkItem | None = None) -> Event:
        """Refused as DoesNotExist (the item)."""
        if item is not None and self.work_item_id is not None:
            item.require(self.work_item_id)
        return event_of(MemDocWritten, self)


class RemoveMemDoc(_OfMemDoc):
    """Lets a document be remembered no longer."""

    reason: str | None = None

    def decide(self, document: MemDoc) -> Event:
        """Refused as DoesNotExist."""
        if not document.exists:
            raise DoesNotExist("document of memory", self.mem_doc_id)
        return event_of(MemDocRemoved, self)
