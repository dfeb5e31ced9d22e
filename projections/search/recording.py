"""Embeddings of rows: computed from their texts, and appended as events.

The id of such an event follows from the row, its position, its text and the model. So whoever
computes it, and however often, it is recorded once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

from eventstore import EventStore, RecordedEvent
from eventstore.append import Append
from eventstore.vocabulary.embedding import Embedded, text_hash
from projections.embedding import text_of
from projections.search.embedder import Embedder
from projections.search.searchable import Searchable

__all__ = ["AT_ONCE", "Text", "lacks_embedding", "record", "text_of_row"]

AT_ONCE: Final = 100
"""Texts that are embedded in one call and appended in one transaction."""
_AGENT: Final = "embedder"
_NAMESPACE: Final = UUID("5b1f5a1e-54d1-4c38-9f0f-6f8f1c1d7a52")


@dataclass(frozen=True, slots=True)
class Text:
    """What a row says, to be embedded."""

    target: Searchable
    tenant: str
    key: tuple[Any, ...]
    more: dict[str, Any]
    """What the event says beside the key."""
    position: int
    """The row's, so that a text which comes back later is embedded again."""
    text: str
    cause: RecordedEvent | None
    """The event that made the row say it, as far as that is known."""


def lacks_embedding(values: Mapping[str, Any], embedder: Embedder) -> bool:
    """Whether a row has no embedding by that embedder."""
    return values["embedding"] is None or values["embedding_model"] != embedder.name


def text_of_row(
    target: Searchable, values: Mapping[str, Any], cause: RecordedEvent | None = None
) -> Text | None:
    """What a row says; None when there is nothing to embed."""
    text = text_of(target.table, values)
    if not text:
        return None
    key = tuple(values[column] for column in target.table.KEY)
    more = {column: values[column] for column in target.more}
    return Text(target, values["tenant_id"], key, more, values["position"], text, cause)


def record(store: EventStore, embedder: Embedder, texts: Sequence[Text]) -> int:
    """Appends the embeddings of texts of the store's tenant, and returns how many are new."""
    before, new = store.watermark(), 0
    for start in range(0, len(texts), AT_ONCE):
        some = texts[start : start + AT_ONCE]
        vectors = embedder.embed([each.text for each in some])
        receipts = store.append_many(
            [
                _append(each, _event(each, embedder, vector))
                for each, vector in zip(some, vectors, strict=True)
            ]
        )
        new += sum(receipt.position > before for receipt in receipts)
    return new


def _event(said: Text, embedder: Embedder, vector: Any) -> Embedded:
    hashed = text_hash(said.text)
    event = said.target.event(
        **dict(zip(said.target.fields, said.key, strict=True)),
        **said.more,
        model=embedder.name,
        dimensions=len(vector),
        vector=vector,
        text_hash=hashed,
    )
    facts = (said.tenant, *_place(said), str(said.position), embedder.name, hashed)
    return event.with_id(uuid5(_NAMESPACE, "\n".join(facts)))


def _append(said: Text, event: Embedded) -> Append:
    """To a stream of the row's own, so that nobody who decides about the row meets a conflict."""
    cause = said.cause
    return Append(
        "-".join(("embedding", *_place(said))),
        [event],
        agent=_AGENT,
        correlation_id=cause.correlation_id if cause is not None else None,
        causation_id=cause.event_id if cause is not None else None,
    )


def _place(said: Text) -> tuple[str, ...]:
    return said.target.table.TABLE, *map(str, said.key)
