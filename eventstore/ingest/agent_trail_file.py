"""The form of an agent trail: a JSON file in which a team of agents wrote down one run.

A trail has chapters, one after the other, each of one agent; a chapter has events with a time in
milliseconds, a type, a text, and sometimes facts in `raw`. What this form does not name is kept
(`model_extra`), and goes into the log with the event that it belongs to.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from eventstore.ingest.form import Moment, Part, Text, checked, document
from eventstore.vocabulary.fields import AgentId, Share
from eventstore.vocabulary.trust import Significance

__all__ = ["Agent", "Chapter", "Item", "Retrospective", "Trail", "parse"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_3000: Final = 32_503_680_000_000

ItemType = Literal[
    "prompt", "thinking", "tool_call", "tool_result", "message_sent", "message_received", "note",
    "decision", "finding", "reflection", "error", "completion-evidence", "completion-marker",
]  # fmt: skip


def _instant(value: object) -> datetime:
    if type(value) is not int or not 0 <= value < _YEAR_3000:
        raise ValueError("is no time in milliseconds since 1970")
    return _EPOCH + timedelta(milliseconds=value)


Instant = Annotated[datetime, BeforeValidator(_instant)]


class Item(Part):
    """One event of a chapter."""

    ts: Instant
    type: ItemType
    content: str
    significance: Significance | None = None
    tags: list[str] = Field(default_factory=list)
    raw: dict[str, Any] = Field(default_factory=dict)


class Chapter(Part):
    """A phase of the run: one agent at one thing."""

    id: Text
    title: Text
    agentName: AgentId  # noqa: N815 - as in the file
    startedAt: Moment  # noqa: N815
    endedAt: Moment | None = None  # noqa: N815
    events: list[Item]


class Agent(Part):
    """Who took part, and as what."""

    name: AgentId
    role: str
    joinedAt: Moment  # noqa: N815


class Retrospective(Part):
    """How the run is seen at its end, by those who did it."""

    summary: str
    confidence: Share | None = None


class Task(Part):
    """What the run was for."""

    title: Text
    description: str | None = None
    source: dict[str, Any] | None = None


class Trail(Part):
    """One run, as its agents wrote it down."""

    id: Text
    version: Literal[1]
    task: Task
    status: Literal["active", "completed", "abandoned"]
    startedAt: Moment  # noqa: N815
    completedAt: Moment | None = None  # noqa: N815
    agents: list[Agent]
    chapters: list[Chapter]
    retrospective: Retrospective | None = None

    @model_validator(mode="after")
    def _each_agent_once(self) -> Self:
        names = [agent.name for agent in self.agents]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"the agent {twice!r} stands twice in `agents`")
        return self


def parse(data: bytes) -> Trail:
    """The trail in a file; raises BrokenFile with the first flaw and the way to it."""
    return checked(Trail, document(data))
