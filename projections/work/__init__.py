"""The work context: orders, the items in them, the attempts at each, and what was approved."""

from projections.work.projection import Work
from projections.work.rows import ApprovalEvent, Attempt, WorkItem, WorkOrder

__all__ = ["ApprovalEvent", "Attempt", "Work", "WorkItem", "WorkOrder"]
