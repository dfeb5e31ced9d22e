"""The approvals of a run state: what waits for one, what was granted, what was rejected."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from eventstore.event import Event
from eventstore.ingest.conversation import Conversation
from eventstore.ingest.run_state_file import State, Tool, Verdict
from eventstore.vocabulary.trust import Feedback
from eventstore.vocabulary.work import (
    ApprovalDecided,
    WorkItemQueued,
    WorkItemStatusChanged,
    register_work_item_type,
)

__all__ = ["TOOL_CALL", "Approvals"]

TOOL_CALL: Final = register_work_item_type("TOOL_CALL")
"""The type of a call that needs an approval, as a work item."""
_UNSTATED: Final = "unstated"
"""Who decided, and under which policy: the state does not say."""


class Approvals:
    """The calls that need an approval: each is a work item, QUEUED until it was made.

    Granted for every call of a tool, an approval has a work item of its own.
    """

    def __init__(self, told: Conversation, order: UUID, state: State) -> None:
        self._told, self._order, self._state = told, order, state
        self.decisions: dict[str, UUID] = {}
        """The decisions to make a call, by its id: an approval of it is a feedback to them."""
        self._queued: dict[str, UUID] = {}
        self._granted: set[str] = set()
        self._ended: set[str] = set()

    def ask(self, call: str, content: dict[str, Any], agent: str | None = None) -> None:
        """A call waits; and what was decided about it, if something was."""
        if call in self._queued:
            return
        self._queue(call, content, agent)
        if not self._decided_alone(call):
            self._decided_with_all(call, content)

    def decide_rest(self) -> None:
        """What was decided about calls that the state does not show, and about tools as such."""
        for tool, verdict in self._state.verdicts:
            if verdict.approved is True or verdict.rejected is True:
                self._queue_tool(tool, verdict)
            for calls in (verdict.approved, verdict.rejected):
                for call in calls if isinstance(calls, list) else []:
                    self.ask(call, {**_content(tool), "call": call})
            for call, invocation in self._state.context.tool_invocations.items():
                if invocation.approval_scope and invocation.approval_scope == verdict.sticky_scope:
                    self.ask(call, {**_content(tool), "call": call})
        for call, invocation in self._state.context.tool_invocations.items():
            if invocation.executed or invocation.completed:
                self.made(call)

    def made(self, call: str) -> None:
        """The call was made, which it was granted to be."""
        if call in self._granted and call not in self._ended:
            self._ended.add(call)
            self._move(call, "QUEUED", "PROCESSING")
            self._move(call, "PROCESSING", "COMPLETED")

    def _decided_alone(self, call: str) -> bool:
        for _, verdict in self._state.verdicts:
            if isinstance(verdict.approved, list) and call in verdict.approved:
                self._grant(call)
                self._feed_back(call, "approved", None)
                return True
            if isinstance(verdict.rejected, list) and call in verdict.rejected:
                reason = verdict.rejection_messages.get(call)
                self._reject(call, reason)
                self._feed_back(call, "rejected", reason)
                return True
        return False

    def _decided_with_all(self, call: str, content: dict[str, Any]) -> None:
        """Takes over what was decided about every call of the tool."""
        for tool, verdict in self._state.verdicts:
            if not self._covers(tool, verdict, call, content):
                continue
            if verdict.approved is True:
                self._grant(call, derived=["decision"])
            else:
                self._reject(call, verdict.sticky_rejection_message, derived=["decision"])
            return

    def _covers(self, tool: Tool, verdict: Verdict, call: str, content: dict[str, Any]) -> bool:
        if verdict.approved is not True and verdict.rejected is not True:
            return False
        invocation = self._state.context.tool_invocations.get(call)
        if verdict.sticky_scope is not None and invocation is not None:
            return invocation.approval_scope == verdict.sticky_scope
        return (content.get("tool"), content.get("server")) == tool

    def _feed_back(self, call: str, feedback: Feedback, reason: str | None) -> None:
        if call in self.decisions:
            self._told.judge(self.decisions[call], feedback, reason, agent=_UNSTATED)

    def _queue_tool(self, tool: Tool, verdict: Verdict) -> None:
        every = f"all/{tool.server or ''}/{tool.name}"
        self._queue(every, {**_content(tool), "calls": "all"})
        if verdict.approved is True:
            self._grant(every)
        else:
            self._reject(every, verdict.sticky_rejection_message)

    def _queue(self, call: str, content: dict[str, Any], agent: str | None = None) -> None:
        item = self._queued[call] = self._told.story.id(f"calls/{call}")
        event = WorkItemQueued(
            work_item_id=item,
            work_order_id=self._order,
            type=TOOL_CALL,
            content=content,
            assigned_agent=agent,
        )
        self._tell(call, "queued", event, agent=agent)

    def _grant(self, call: str, derived: list[str] | None = None) -> None:
        self._granted.add(call)
        self._decide(call, "APPROVED", None, derived)

    def _reject(self, call: str, reason: str | None, derived: list[str] | None = None) -> None:
        self._decide(call, "REJECTED", reason, derived)
        self._move(call, "QUEUED", "FAILED", reason or "rejected")

    def _decide(self, call: str, decision: Any, reason: str | None, derived: Any) -> None:
        event = ApprovalDecided(
            approval_id=self._told.story.id(f"calls/{call}/decided"),
            work_item_id=self._queued[call],
            approver=_UNSTATED,
            decision=decision,
            reason=reason,
            policy_version=_UNSTATED,
        )
        self._tell(call, "decided", event, [*(derived or []), "approver", "policy_version"])

    def _move(self, call: str, before: Any, after: Any, reason: str | None = None) -> None:
        event = WorkItemStatusChanged(
            work_item_id=self._queued[call],
            work_order_id=self._order,
            from_status=before,
            to_status=after,
            reason=reason,
        )
        self._tell(call, after.lower(), event, ["status"])

    def _tell(
        self,
        call: str,
        what: str,
        event: Event,
        derived: list[str] | None = None,
        agent: str | None = None,
    ) -> None:
        stream = f"work_item-{self._queued[call]}"
        self._told.tell(f"calls/{call}/{what}", stream, event, agent=agent, derived=derived or [])


def _content(tool: Tool) -> dict[str, Any]:
    return {"tool": tool.name, **({} if tool.server is None else {"server": tool.server})}
