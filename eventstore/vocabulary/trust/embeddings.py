"""What texts of trust mean, as vectors of a model."""

from __future__ import annotations

from uuid import UUID

from eventstore.vocabulary.embedding import Embedded
from eventstore.vocabulary.fields import Moment

__all__ = ["KnowledgeEmbedded", "MessageEmbedded"]


class KnowledgeEmbedded(Embedded, event_type="trust.knowledge_embedded"):
    """A model put the meaning of what an agent has learned into numbers."""

    knowledge_id: UUID


class MessageEmbedded(Embedded, event_type="trust.message_embedded", retention="conversation"):
    """A model put the meaning of a message into numbers; it is kept as long as the message."""

    message_id: UUID
    sent_at: Moment
    """occurred_at of the message's own event, which says in which month it is kept."""
