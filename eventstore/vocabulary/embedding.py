"""What the contexts say of a text's meaning as a vector.

The vector itself is in the event, so that a replay needs no model. Each context has events of its
own, one for each of its tables that has embeddings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from eventstore.encoding.vector import MAX_DIMENSIONS, Vector
from eventstore.event import Event
from eventstore.limits import MAX_NAME

__all__ = ["Embedded", "ModelName", "joined_text", "text_hash"]

ModelName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME)]
"""What makes embeddings; two of them can be compared only when this is the same."""


def joined_text(parts: Iterable[str]) -> str:
    """The text that is embedded of something with several, such as a title and a content."""
    return "\n\n".join(parts).strip()


def text_hash(text: str) -> str:
    """How an event names the text that was embedded."""
    return hashlib.sha256(text.encode()).hexdigest()


class Embedded(Event):
    """The base of the events that state an embedding; their other field names the row."""

    model: ModelName
    dimensions: Annotated[int, Field(ge=1, le=MAX_DIMENSIONS)]
    """How many numbers the vector has."""
    vector: Vector
    text_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the text that was embedded. The text may have changed meanwhile: an embedding of
    what a row no longer says has no effect."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if len(self.vector) != self.dimensions:
            raise ValueError(
                f"the vector has {len(self.vector)} numbers, and dimensions says {self.dimensions}"
            )
        return self
