"""What can be asked of work: of orders, items and attempts, and of what they need."""

from eventstore.commands.work.attempts import (
    EndAttempt,
    GiveEvidence,
    ReportError,
    StartAttempt,
)
from eventstore.commands.work.connectors import (
    ConfigureConnector,
    MoveConnector,
    RecordConnectorHealth,
    RegisterConnector,
    connector_stream,
)
from eventstore.commands.work.dead_letters import (
    RecordDeadLetter,
    ResolveDeadLetter,
    RetryDeadLetter,
)
from eventstore.commands.work.items import (
    AssignWorkItem,
    MoveWorkItem,
    QueueWorkItem,
    item_stream,
)
from eventstore.commands.work.judgements import (
    DecideApproval,
    RecordEval,
)
from eventstore.commands.work.memory import (
    RemoveMemDoc,
    WriteMemDoc,
)
from eventstore.commands.work.orders import (
    ChangeWorkOrderDetails,
    MoveWorkOrder,
    OpenWorkOrder,
    order_stream,
)
from eventstore.commands.work.runs import (
    EndRun,
    PublishWorkflowTemplate,
    StartRun,
)
from eventstore.commands.work.schemas import (
    ActivateSchema,
    PublishSchema,
    RetireSchema,
    schema_stream,
)
from eventstore.commands.work.tools import (
    ChangeCapabilityScopes,
    DefineCapability,
    GrantCapability,
    RegisterTool,
    RevokeCapability,
)

__all__ = [
    "ActivateSchema",
    "AssignWorkItem",
    "ChangeCapabilityScopes",
    "ChangeWorkOrderDetails",
    "ConfigureConnector",
    "DecideApproval",
    "DefineCapability",
    "EndAttempt",
    "EndRun",
    "GiveEvidence",
    "GrantCapability",
    "MoveConnector",
    "MoveWorkItem",
    "MoveWorkOrder",
    "OpenWorkOrder",
    "PublishSchema",
    "PublishWorkflowTemplate",
    "QueueWorkItem",
    "RecordConnectorHealth",
    "RecordDeadLetter",
    "RecordEval",
    "RegisterConnector",
    "RegisterTool",
    "RemoveMemDoc",
    "ReportError",
    "ResolveDeadLetter",
    "RetireSchema",
    "RetryDeadLetter",
    "RevokeCapability",
    "StartAttempt",
    "StartRun",
    "WriteMemDoc",
    "connector_stream",
    "item_stream",
    "order_stream",
    "schema_stream",
]
