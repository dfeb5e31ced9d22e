"""What texts of packaging mean, as vectors of a model."""

from __future__ import annotations

from uuid import UUID

from eventstore.vocabulary.embedding import Embedded

__all__ = ["DocumentationEmbedded", "KnowledgeItemEmbedded"]


class DocumentationEmbedded(Embedded, event_type="packaging.documentation_embedded"):
    """A model put the meaning of a package's documentation into numbers."""

    documentation_id: UUID
    package_id: UUID


class KnowledgeItemEmbedded(Embedded, event_type="packaging.knowledge_item_embedded"):
    """A model put the meaning of an item's title and content into numbers."""

    knowledge_item_id: UUID
