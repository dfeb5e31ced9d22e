"""How the tables of work follow from its events."""

from __future__ import annotations

from eventstore import RecordedEvent
from eventstore.vocabulary.work import (
    CapabilityDefined,
    CapabilityGranted,
    CapabilityRevoked,
    CapabilityScopesChanged,
    ConnectorConfigured,
    ConnectorHealthChecked,
    ConnectorRegistered,
    ConnectorStatusChanged,
    DeadLetterRecorded,
    DeadLetterResolved,
    DeadLetterRetried,
    EvalRecorded,
    MemDocEmbedded,
    MemDocRemoved,
    MemDocWritten,
    RunEnded,
    RunStarted,
    SchemaActivated,
    SchemaPublished,
    SchemaRetired,
    ToolRegistered,
    WorkflowTemplatePublished,
)
from projections.embedding import take_embedding
from projections.errors import Contradiction, IllegalTransition
from projections.projection import Rows, on
from projections.work.projection_v1 import WorkV1
from projections.work.rows import (
    ApprovalEvent,
    Attempt,
    Capability,
    Connector,
    DeadLetter,
    EvalResult,
    MemDoc,
    Run,
    Schema,
    Tool,
    ToolCapability,
    WorkflowTemplate,
    WorkItem,
    WorkOrder,
)

__all__ = ["Work"]


class Work(
    WorkV1,
    name="work",
    version=2,
    tables=(
        WorkOrder,
        WorkItem,
        Attempt,
        ApprovalEvent,
        EvalResult,
        MemDoc,
        WorkflowTemplate,
        Run,
        DeadLetter,
        Connector,
        Tool,
        Capability,
        ToolCapability,
        Schema,
    ),
):
    """Orders with their counts, items, numbered attempts and judgements; what work needs beside."""

    @on(EvalRecorded)
    def evaluated(self, event: EvalRecorded, recorded: RecordedEvent, rows: Rows) -> None:
        rows.see(WorkItem)  # its parent
        rows.add(
            EvalResult(
                id=event.eval_id,
                work_item_id=event.work_item_id,
                evaluator=event.evaluator,
                score=event.score,
                passed=event.passed,
                details=event.details,
            )
        )

    @on(MemDocWritten)
    def mem_doc_written(self, event: MemDocWritten, recorded: RecordedEvent, rows: Rows) -> None:
        if event.work_item_id is not None:
            rows.see(WorkItem)  # its parent
        document = rows.find(MemDoc)
        if document is None:
            rows.add(
                MemDoc(
                    id=event.mem_doc_id,
                    work_item_id=event.work_item_id,
                    type=event.type,
                    content=event.content,
                    metadata=event.metadata,
                )
            )
            return
        if document.content != event.content:  # what it meant is out of date
            document.embedding = document.embedding_model = None
        document.work_item_id = event.work_item_id
        document.type = event.type
        document.content = event.content
        document.metadata = event.metadata

    @on(MemDocEmbedded)
    def mem_doc_embedded(self, event: MemDocEmbedded, recorded: RecordedEvent, rows: Rows) -> None:
        take_embedding(MemDoc, event, rows)

    @on(MemDocRemoved)
    def mem_doc_removed(self, event: MemDocRemoved, recorded: RecordedEvent, rows: Rows) -> None:
        rows.remove(MemDoc)

    @on(WorkflowTemplatePublished)
    def template_published(
        self, event: WorkflowTemplatePublished, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.add(
            WorkflowTemplate(
                id=event.workflow_template_id,
                name=event.name,
                template_version=event.template_version,
                definition=event.definition,
            )
        )

    @on(RunStarted)
    def run_started(self, event: RunStarted, recorded: RecordedEvent, rows: Rows) -> None:
        if event.workflow_template_id is not None:
            rows.see(WorkflowTemplate)
        if event.work_order_id is not None:
            rows.see(WorkOrder)
        rows.add(
            Run(
                id=event.run_id,
                workflow_template_id=event.workflow_template_id,
                work_order_id=event.work_order_id,
                started_at=recorded.occurred_at,
            )
        )

    @on(RunEnded)
    def run_ended(self, event: RunEnded, recorded: RecordedEvent, rows: Rows) -> None:
        run = rows.get(Run)
        if run.status != "STARTED":
            raise IllegalTransition("runs", run.id, run.status, event.status)
        run.status = event.status
        run.ended_at = recorded.occurred_at

    @on(DeadLetterRecorded)
    def dead_letter_recorded(
        self, event: DeadLetterRecorded, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.add(
            DeadLetter(
                id=event.dead_letter_id,
                source=event.source,
                event_id=event.about_event_id,
                payload=event.payload,
                error=event.error,
            )
        )

    @on(DeadLetterRetried)
    def dead_letter_retried(
        self, event: DeadLetterRetried, recorded: RecordedEvent, rows: Rows
    ) -> None:
        letter = _open(rows, "retried")
        letter.retry_count += 1
        letter.last_retry_at = recorded.occurred_at
        if event.error is not None:
            letter.error = event.error

    @on(DeadLetterResolved)
    def dead_letter_resolved(
        self, event: DeadLetterResolved, recorded: RecordedEvent, rows: Rows
    ) -> None:
        _open(rows, "resolved").resolved_at = recorded.occurred_at

    @on(ConnectorRegistered)
    def connector_registered(
        self, event: ConnectorRegistered, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.add(
            Connector(id=event.connector_id, name=event.name, type=event.type, config=event.config)
        )

    @on(ConnectorConfigured)
    def connector_configured(
        self, event: ConnectorConfigured, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.get(Connector).config = event.config

    @on(ConnectorStatusChanged)
    def connector_status_changed(
        self, event: ConnectorStatusChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        connector = rows.get(Connector)
        if connector.status != event.from_status:
            raise IllegalTransition(
                "connectors", connector.id, connector.status, event.to_status, event.from_status
            )
        connector.status = event.to_status

    @on(ConnectorHealthChecked)
    def connector_health_checked(
        self, event: ConnectorHealthChecked, recorded: RecordedEvent, rows: Rows
    ) -> None:
        connector = rows.get(Connector)
        connector.last_health_check_at = recorded.occurred_at
        connector.health = event.health

    @on(ToolRegistered)
    def tool_registered(self, event: ToolRegistered, recorded: RecordedEvent, rows: Rows) -> None:
        rows.see(Connector)  # its parent
        rows.add(
            Tool(
                id=event.tool_id,
                connector_id=event.connector_id,
                name=event.name,
                version=event.version,
                input_schema=event.input_schema,
                output_schema=event.output_schema,
            )
        )

    @on(CapabilityDefined)
    def capability_defined(
        self, event: CapabilityDefined, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.add(Capability(id=event.capability_id, name=event.name, scopes=event.scopes))

    @on(CapabilityScopesChanged)
    def capability_scopes_changed(
        self, event: CapabilityScopesChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.get(Capability).scopes = event.scopes

    @on(CapabilityGranted)
    def capability_granted(
        self, event: CapabilityGranted, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.see(Tool)
        rows.see(Capability)
        rows.add(ToolCapability(tool_id=event.tool_id, capability_id=event.capability_id))

    @on(CapabilityRevoked)
    def capability_revoked(
        self, event: CapabilityRevoked, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.remove(ToolCapability)

    @on(SchemaPublished)
    def schema_published(self, event: SchemaPublished, recorded: RecordedEvent, rows: Rows) -> None:
        rows.add(
            Schema(
                id=event.schema_id,
                document_type=event.document_type,
                schema_version=event.document_version,
                json_schema=event.json_schema,
            )
        )

    @on(SchemaActivated, SchemaRetired)
    def schema_moved(
        self, event: SchemaActivated | SchemaRetired, recorded: RecordedEvent, rows: Rows
    ) -> None:
        schema, active = rows.get(Schema), isinstance(event, SchemaActivated)
        if schema.document_type != event.document_type:
            raise Contradiction(
                "schemas", schema.id, "document_type", schema.document_type, event.document_type
            )
        if schema.active == active:
            now = "active" if active else "not active"
            raise IllegalTransition("schemas", schema.id, now, now)
        schema.active = active


def _open(rows: Rows, after: str) -> DeadLetter:
    """The letter that is dealt with; raises IllegalTransition when it was resolved before."""
    letter = rows.get(DeadLetter)
    if letter.resolved_at is not None:
        raise IllegalTransition("dead_letters", letter.id, "resolved", after)
    return letter
