"""Types of the fields that only commands have; all others are those of the events."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from eventstore.vocabulary.fields import AgentId

__all__ = ["AgentName", "DocumentType", "SettingKey"]


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("has characters that can't be printed")
    return value


# These stand in a stream_id, which is shorter than a name may be, and printable.

AgentName = Annotated[AgentId, AfterValidator(_printable)]
"""The name of an agent that has a stream."""

DocumentType = Annotated[
    str, StringConstraints(min_length=1, max_length=64), AfterValidator(_printable)
]
"""A type of documents, such as INVOICE."""

SettingKey = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)
]
"""The name of a setting."""
