"""JSON Schemas of documents: which there are, and which one counts.

The content of a work item is a document of the item's type.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from eventstore.event import Event
from eventstore.vocabulary.fields import JsonSchema, Number

__all__ = ["SchemaActivated", "SchemaPublished", "SchemaRetired"]

DocumentType = Annotated[str, StringConstraints(min_length=1, max_length=64)]
"""The type of a work item, or that of another document."""


class SchemaPublished(Event, event_type="work.schema_published", retention="audit"):
    """There is one more schema of a type of documents; it never changes, and is not active yet."""

    schema_id: UUID
    document_type: DocumentType
    document_version: Number
    """Number of the schema among those of its type; the column schema_version."""
    json_schema: JsonSchema


class SchemaActivated(Event, event_type="work.schema_activated", retention="audit"):
    """New documents of the type obey this schema from now on; none other may be active then."""

    schema_id: UUID
    document_type: DocumentType


class SchemaRetired(Event, event_type="work.schema_retired", retention="audit"):
    """This schema counts no longer."""

    schema_id: UUID
    document_type: DocumentType
