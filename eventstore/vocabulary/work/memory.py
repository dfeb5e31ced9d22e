"""What agents keep in mind between attempts."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from eventstore.event import Event
from eventstore.vocabulary.fields import Json

__all__ = ["MemDocRemoved", "MemDocType", "MemDocWritten"]

MemDocType = Literal["CONTEXT", "KNOWLEDGE", "TEMPLATE"]


class MemDocWritten(Event, event_type="work.mem_doc_written"):
    """This is what a document of the agents' memory says now, all of it; it may be a new one."""

    mem_doc_id: UUID
    type: MemDocType
    content: str
    work_item_id: UUID | None = None
    """The item that it is about; null when it is about the work in general."""
    metadata: Json = Field(default_factory=dict)


class MemDocRemoved(Event, event_type="work.mem_doc_removed"):
    """A document is to be remembered no longer."""

    mem_doc_id: UUID
    reason: str | None = None
