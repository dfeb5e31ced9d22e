"""The JSON Schemas of a type of documents, which share a stream: at most one of them is active."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self
from uuid import UUID

from eventstore.command import Command, Decision, State
from eventstore.commands.event_of import event_of
from eventstore.commands.fields import DocumentType
from eventstore.commands.unique import unique
from eventstore.encoding.json_schema import breach
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist, NotAllowed, SchemaViolated
from eventstore.vocabulary.fields import Json, JsonSchema, Number
from eventstore.vocabulary.work import SchemaActivated, SchemaPublished, SchemaRetired

__all__ = ["ActivateSchema", "PublishSchema", "RetireSchema", "Schemas", "schema_stream"]


@dataclass(frozen=True, slots=True)
class Schemas:
    """The schemas of a type, and which of them counts."""

    published: Mapping[UUID, Json] = field(default_factory=dict)
    numbers: frozenset[int] = frozenset()
    active: UUID | None = None

    def after(self, event: Event) -> Self:
        match event:
            case SchemaPublished() if event.schema_id not in self.published:
                return replace(
                    self,
                    published={**self.published, event.schema_id: event.json_schema},
                    numbers=self.numbers | {event.document_version},
                )
            case SchemaActivated() if self.active is None and event.schema_id in self.published:
                return replace(self, active=event.schema_id)
            case SchemaRetired(schema_id=self.active):
                return replace(self, active=None)
        return self

    def require(self, document_type: str, schema_id: UUID) -> None:
        """Raises DoesNotExist when it is no schema of the type."""
        if schema_id not in self.published:
            raise DoesNotExist(f"schema of {document_type} with the id", schema_id)

    def check(self, document_type: str, content: Any) -> None:
        """Raises SchemaViolated when a schema is active and the content does not obey it."""
        broken = breach(self.published[self.active], content) if self.active else None
        if broken is not None:
            raise SchemaViolated(document_type, *broken)


def schema_stream(document_type: str) -> str:
    """The stream of the schemas of a type."""
    return f"schema-{document_type}"


class _OfType(Command):
    document_type: DocumentType
    schema_id: UUID

    def reads(self) -> dict[str, State]:
        return {schema_stream(self.document_type): Schemas()}


class PublishSchema(_OfType):
    """Makes one more schema of a type, under a number of its own; it is not active yet."""

    document_version: Number
    """Number of the schema among those of its type; the column schema_version."""
    json_schema: JsonSchema

    def decide(self, schemas: Schemas) -> Decision:
        """Refused as AlreadyExists (the schema, or the number)."""
        if self.schema_id in schemas.published:
            raise AlreadyExists("schema", self.schema_id)
        if self.document_version in schemas.numbers:
            raise AlreadyExists(f"schema of {self.document_type}, version", self.document_version)
        claim = unique("work.schema", self.schema_id)
        return Decision([event_of(SchemaPublished, self)], claims=[claim])


class ActivateSchema(_OfType):
    """Makes a schema the one that counts; the one that counted is retired in the same moment."""

    def decide(self, schemas: Schemas) -> list[Event]:
        """Refused as DoesNotExist, NotAllowed (it is active)."""
        schemas.require(self.document_type, self.schema_id)
        if schemas.active == self.schema_id:
            raise NotAllowed(f"schema {self.schema_id} is active already")
        activated = event_of(SchemaActivated, self)
        if schemas.active is None:
            return [activated]
        retired = SchemaRetired(schema_id=schemas.active, document_type=self.document_type)
        return [retired, activated]


class RetireSchema(_OfType):
    """Lets a schema count no longer; documents of its type are not checked then."""

    def decide(self, schemas: Schemas) -> Event:
        """Refused as DoesNotExist, NotAllowed (it is not active)."""
        schemas.require(self.document_type, self.schema_id)
        if schemas.active != self.schema_id:
            raise NotAllowed(f"schema {self.schema_id} is not active")
        return event_of(SchemaRetired, self)
