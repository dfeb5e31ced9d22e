"""How the conversation of a session follows from the events of trust."""

from __future__ import annotations

from eventstore import RecordedEvent
from eventstore.vocabulary.trust import (
    FindingReported,
    MessageEmbedded,
    MessageSent,
    ReflectionRecorded,
)
from projections.embedding import take_embedding
from projections.projection import Projection, Rows, on
from projections.trust.rows import AgentSession, ConversationHistory, ConversationMessage
from projections.trust.rules.sessions import require_open

__all__ = ["ConversationRules"]


class ConversationRules(
    Projection, name="trust", tables=(ConversationMessage, ConversationHistory)
):
    """Each message is there twice: that it is there, and, in the table of its month, what it is."""

    @on(MessageSent)
    def message_sent(self, event: MessageSent, recorded: RecordedEvent, rows: Rows) -> None:
        _add(
            ConversationHistory(
                message_id=event.message_id,
                session_id=event.session_id,
                role=event.role,
                content=event.content,
                message_type=event.message_type,
                parent_message_id=event.parent_message_id,
                tokens_used=event.tokens_used,
                model_used=event.model_used,
            ),
            recorded,
            rows,
        )

    @on(FindingReported, ReflectionRecorded)
    def said(
        self, event: FindingReported | ReflectionRecorded, recorded: RecordedEvent, rows: Rows
    ) -> None:
        _add(
            ConversationHistory(
                message_id=event.message_id,
                session_id=event.session_id,
                role="agent",
                content=event.content,
            ),
            recorded,
            rows,
        )

    @on(MessageEmbedded)
    def message_embedded(self, event: MessageEmbedded, recorded: RecordedEvent, rows: Rows) -> None:
        take_embedding(ConversationHistory, event, rows)


def _add(message: ConversationHistory, recorded: RecordedEvent, rows: Rows) -> None:
    require_open(rows.see(AgentSession), recorded)
    if message.parent_message_id is not None:
        rows.see(ConversationMessage, message.parent_message_id)
    rows.add(
        ConversationMessage(
            message_id=message.message_id,
            session_id=message.session_id,
            parent_message_id=message.parent_message_id,
            sent_at=recorded.occurred_at,
        )
    )
    rows.add(message)
