"""What people ask about what agents work with, and about what got stuck."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from eventstore.connection.queries import load
from eventstore.vocabulary.work import MemDocType, RunStatus
from projections.questions import Questions
from projections.work.answers import (
    ConnectorShown,
    DeadLetterShown,
    Remembered,
    RunShown,
    SchemaShown,
    ToolShown,
    WorkflowTemplateShown,
)

__all__ = ["Means"]

PARTS: Final = 50
"""Of each kind of parts that come with a thing, that many at most."""


class Means(Questions, sql=load("projections.work", "queries.sql")):
    """What agents work with: memory, schemas, connectors, workflows; and what got stuck."""

    def remembered_of(
        self, work_item_id: UUID, *, after: UUID | None = None, limit: int = 50
    ) -> list[Remembered]:
        """What agents keep in mind about an item, by id."""
        return self._many(
            Remembered, "remembered_of", work_item_id=work_item_id, after=after, limit=limit
        )

    def remembered(
        self, doc_type: MemDocType, *, before: Remembered | None = None, limit: int = 50
    ) -> list[Remembered]:
        """What agents keep in mind, of a type, the newest first."""
        return self._many(
            Remembered,
            "remembered",
            type=doc_type,
            before_created=before and before.created_at,
            before_id=before and before.id,
            limit=limit,
        )

    def dead_letters(
        self,
        *,
        source: str | None = None,
        after: DeadLetterShown | None = None,
        limit: int = 50,
    ) -> list[DeadLetterShown]:
        """The messages that are not dealt with, of one source or by source, the oldest first."""
        return self._many(
            DeadLetterShown,
            "dead_letters",
            source=source,
            after_source=after and after.source,
            after_created=after and after.created_at,
            after_id=after and after.id,
            limit=limit,
        )

    def dead_letters_of(self, event_id: UUID, *, limit: int = 50) -> list[DeadLetterShown]:
        """The messages that came from an event, dealt with or not."""
        return self._many(DeadLetterShown, "dead_letters_of", event_id=event_id, limit=limit)

    def active_schema(self, document_type: str) -> SchemaShown | None:
        """The schema that new documents of a type have to obey; None when they may be anything."""
        return self._one(SchemaShown, "active_schema", document_type=document_type)

    def schemas(
        self, document_type: str, *, before: int | None = None, limit: int = 50
    ) -> list[SchemaShown]:
        """The schemas of a type, the newest first, those before a schema_version."""
        return self._many(
            SchemaShown, "schemas", document_type=document_type, before=before, limit=limit
        )

    def connectors(self, *, after: str | None = None, limit: int = 50) -> list[ConnectorShown]:
        """The connectors by name, with their tools and what these may do."""
        return self._many(ConnectorShown, "connectors", after=after, parts=PARTS, limit=limit)

    def tools(self, name: str, *, after: UUID | None = None, limit: int = 50) -> list[ToolShown]:
        """The tools of a name, of any connector and version, by id."""
        return self._many(ToolShown, "tools", name=name, after=after, limit=limit)

    def tools_that_may(
        self, capability: str, *, after: UUID | None = None, limit: int = 50
    ) -> list[ToolShown]:
        """The tools that are granted the capability of that name, by id."""
        return self._many(
            ToolShown, "tools_that_may", capability=capability, after=after, limit=limit
        )

    def newest_template(self, name: str) -> WorkflowTemplateShown | None:
        """The newest workflow template of a name."""
        return self._one(WorkflowTemplateShown, "newest_template", name=name)

    def runs(
        self, status: RunStatus = "STARTED", *, before: RunShown | None = None, limit: int = 50
    ) -> list[RunShown]:
        """The runs of a status, the newest first."""
        return self._many(
            RunShown,
            "runs",
            status=status,
            before_started=before and before.started_at,
            before_id=before and before.id,
            limit=limit,
        )

    def runs_of_template(
        self, workflow_template_id: UUID, *, before: RunShown | None = None, limit: int = 50
    ) -> list[RunShown]:
        """The runs that follow a workflow template, the newest first."""
        return self._many(
            RunShown,
            "runs_of_template",
            workflow_template_id=workflow_template_id,
            before_started=before and before.started_at,
            before_id=before and before.id,
            limit=limit,
        )
