"""The work context: orders, items, attempts and judgements, and what work needs beside them."""

from projections.work.projection import Work
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

__all__ = [
    "ApprovalEvent",
    "Attempt",
    "Capability",
    "Connector",
    "DeadLetter",
    "EvalResult",
    "MemDoc",
    "Run",
    "Schema",
    "Tool",
    "ToolCapability",
    "Work",
    "WorkItem",
    "WorkOrder",
    "WorkV1",
    "WorkflowTemplate",
]
