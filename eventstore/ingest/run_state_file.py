"""The form of a run state of the OpenAI Agents SDK, schema versions 1.0 to 1.17.

A state may hold what its user keeps secret, so that no error repeats a value of it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from pydantic import Field

from eventstore.ingest.form import Part, Text, checked, document
from eventstore.ingest.reader import BrokenFile
from eventstore.vocabulary.fields import AgentId

__all__ = ["Agent", "Item", "State", "Tool", "Verdict", "parse"]

_VERSIONS: Final = frozenset(f"1.{minor}" for minor in range(18))


class Agent(Part):
    """Who acted; several agents of one name have an identity each."""

    name: AgentId
    identity: AgentId | None = None

    @property
    def called(self) -> str:
        """What tells it from the others."""
        return self.identity or self.name


class Item(Part):
    """One thing that happened in the run."""

    type: Text
    agent: Agent
    raw_item: dict[str, Any]
    tool_name: str | None = None
    output: Any = None

    @property
    def call(self) -> str | None:
        """The id of the call that it makes, answers or asks about."""
        for name in ("call_id", "id"):
            if isinstance(found := self.raw_item.get(name), str):
                return found
        return None


class Verdict(Part):
    """What was decided about the calls of a tool: for all of them, or by their ids."""

    approved: bool | list[str] = Field(default_factory=list)
    rejected: bool | list[str] = Field(default_factory=list)
    rejection_messages: dict[str, str] = Field(default_factory=dict)
    sticky_rejection_message: str | None = None
    sticky_scope: str | None = None


class _Invocation(Part):
    executed: bool = False
    completed: bool = False
    approval_scope: str | None = None


class _Identity(Part):
    tool_name: Text
    server_label: str | None = None
    request_id: str | None = None


class _Hosted(Part):
    decision: Verdict
    identity: _Identity

    @property
    def verdict(self) -> Verdict:
        """The decision; about one request it is about that call alone, however it is written."""
        decision, request = self.decision, self.identity.request_id
        if request is None:
            return decision
        alone = {
            name: [request] for name in ("approved", "rejected") if getattr(decision, name) is True
        }
        return decision.model_copy(update=alone)


class _Context(Part):
    approvals: dict[str, Verdict] = Field(default_factory=dict)
    hosted_mcp_approvals: list[_Hosted] = Field(default_factory=list)
    tool_invocations: dict[str, _Invocation] = Field(default_factory=dict)


class _Interrupted(Part):
    interruptions: list[Item] = Field(default_factory=list)


class _Step(Part):
    type: Text
    data: _Interrupted = Field(default_factory=_Interrupted)


class _Trace(Part):
    id: Text
    workflow_name: Text | None = None


class Tool(NamedTuple):
    """A tool of the run itself, or of a server."""

    name: str
    server: str | None


class State(Part):
    """A run that can be taken up again."""

    current_agent: Agent
    original_input: str | list[dict[str, Any]]
    generated_items: list[Item]
    session_items: list[Item] = Field(default_factory=list)
    context: _Context
    current_step: _Step | None = None
    conversation_id: Text | None = None
    trace: _Trace | None = None

    @property
    def items(self) -> list[Item]:
        """All that happened: states carry it in one of two lists, or in both."""
        return max(self.generated_items, self.session_items, key=len)

    @property
    def pending(self) -> list[Item]:
        """The calls that wait for an approval."""
        return self.current_step.data.interruptions if self.current_step else []

    @property
    def verdicts(self) -> list[tuple[Tool, Verdict]]:
        """What was decided, and about which tool."""
        own = [(Tool(name, None), verdict) for name, verdict in self.context.approvals.items()]
        hosted = [
            (Tool(each.identity.tool_name, each.identity.server_label), each.verdict)
            for each in self.context.hosted_mcp_approvals
        ]
        return own + hosted


def parse(data: bytes) -> tuple[State, dict[str, Any]]:
    """The state in a file, and the file's JSON; raises BrokenFile."""
    given = document(data)
    version = given.get("$schemaVersion") if isinstance(given, dict) else None
    if version is None:
        raise BrokenFile("is no run state: it has no $schemaVersion")
    if not isinstance(version, str) or version not in _VERSIONS:
        raise BrokenFile("is not one of 1.0 to 1.17", path="$schemaVersion")
    return checked(State, given), given
