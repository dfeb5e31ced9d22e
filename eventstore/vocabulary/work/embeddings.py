"""What texts of work mean, as vectors of a model."""

from __future__ import annotations

from uuid import UUID

from eventstore.vocabulary.embedding import Embedded

__all__ = ["MemDocEmbedded"]


class MemDocEmbedded(Embedded, event_type="work.mem_doc_embedded"):
    """A model put the meaning of a document of the agents' memory into numbers."""

    mem_doc_id: UUID
