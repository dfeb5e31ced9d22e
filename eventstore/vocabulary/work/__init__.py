"""What happens to work: orders are opened, items queued, attempted, finished and approved.

A work order holds work items, and an item is worked at in attempts. What an agent finds on the way
is evidence, or an error; what a person or a policy decides about an item is an approval. Beside
them: runs of workflows, what agents remember, what connects them to other systems, and the schemas
of what they work at.
"""

from eventstore.vocabulary.work.attempts import (
    AttemptEnded,
    AttemptStarted,
    AttemptStatus,
    ErrorReported,
    EvidenceGiven,
)
from eventstore.vocabulary.work.connectors import (
    CONNECTOR_MOVES,
    ConnectorConfigured,
    ConnectorHealthChecked,
    ConnectorRegistered,
    ConnectorStatus,
    ConnectorStatusChanged,
    ConnectorType,
)
from eventstore.vocabulary.work.dead_letters import (
    DeadLetterRecorded,
    DeadLetterResolved,
    DeadLetterRetried,
)
from eventstore.vocabulary.work.embeddings import MemDocEmbedded
from eventstore.vocabulary.work.judgements import Approval, ApprovalDecided, EvalRecorded
from eventstore.vocabulary.work.memory import MemDocRemoved, MemDocType, MemDocWritten
from eventstore.vocabulary.work.orders import (
    WORK_ITEM_MOVES,
    WORK_ORDER_MOVES,
    Priority,
    WorkItemAssigned,
    WorkItemQueued,
    WorkItemStatus,
    WorkItemStatusChanged,
    WorkOrderDetailsChanged,
    WorkOrderOpened,
    WorkOrderStatus,
    WorkOrderStatusChanged,
)
from eventstore.vocabulary.work.runs import (
    RunEnded,
    RunStarted,
    RunStatus,
    WorkflowTemplatePublished,
)
from eventstore.vocabulary.work.schemas import SchemaActivated, SchemaPublished, SchemaRetired
from eventstore.vocabulary.work.tools import (
    CapabilityDefined,
    CapabilityGranted,
    CapabilityRevoked,
    CapabilityScopesChanged,
    ToolRegistered,
)
from eventstore.vocabulary.work.types import WorkItemType, register_work_item_type, work_item_types

__all__ = [
    "CONNECTOR_MOVES",
    "WORK_ITEM_MOVES",
    "WORK_ORDER_MOVES",
    "Approval",
    "ApprovalDecided",
    "AttemptEnded",
    "AttemptStarted",
    "AttemptStatus",
    "CapabilityDefined",
    "CapabilityGranted",
    "CapabilityRevoked",
    "CapabilityScopesChanged",
    "ConnectorConfigured",
    "ConnectorHealthChecked",
    "ConnectorRegistered",
    "ConnectorStatus",
    "ConnectorStatusChanged",
    "ConnectorType",
    "DeadLetterRecorded",
    "DeadLetterResolved",
    "DeadLetterRetried",
    "ErrorReported",
    "EvalRecorded",
    "EvidenceGiven",
    "MemDocEmbedded",
    "MemDocRemoved",
    "MemDocType",
    "MemDocWritten",
    "Priority",
    "RunEnded",
    "RunStarted",
    "RunStatus",
    "SchemaActivated",
    "SchemaPublished",
    "SchemaRetired",
    "ToolRegistered",
    "WorkItemAssigned",
    "WorkItemQueued",
    "WorkItemStatus",
    "WorkItemStatusChanged",
    "WorkItemType",
    "WorkOrderDetailsChanged",
    "WorkOrderOpened",
    "WorkOrderStatus",
    "WorkOrderStatusChanged",
    "WorkflowTemplatePublished",
    "register_work_item_type",
    "work_item_types",
]
