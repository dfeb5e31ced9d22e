"""The form of an agent trail: a JSON file in which a team of agents wrote down one run.

A trail has chapters, one after the other, each of one agent; a chapter has events with a time in
milliseconds, a type, a text, and sometimes facts in `raw`. What this form does not name is kept
(`model_extra`), and goes into the log with the event that it belongs to.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, Self

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from eventstore.event import invalid
from eventstore.ingest.reader import BrokenFile
from eventstore.vocabulary.fields import AgentId, Share
from eventstore.vocabulary.trust import Significance

__all__ = ["Agent", "Chapter", "Item", "Retrospective", "Trail", "parse"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_3000: Final = 32_503_680_000_000

ItemType = Literal[
    "prompt", "thinking", "tool_call", "tool_result", "message_sent", "message_received", "note",
    "decision", "finding", "reflection", "error", "completion-evidence", "completion-marker",
]  # fmt: skip


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise ValueError("is no ISO 8601 time, such as 2026-05-15T19:44:21.608Z")
    if moment.tzinfo is None:
        raise ValueError("has no time zone")
    if not 1970 <= moment.year < 3000:
        raise ValueError("is not in the years 1970 to 2999")
    return moment.astimezone(UTC)


def _instant(value: object) -> datetime:
    if type(value) is not int or not 0 <= value < _YEAR_3000:
        raise ValueError("is no time in milliseconds since 1970")
    return _EPOCH + timedelta(milliseconds=value)


Text = Annotated[str, Field(min_length=1)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Instant = Annotated[datetime, BeforeValidator(_instant)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="allow")

    @property
    def rest(self) -> dict[str, Any]:
        """What the form does not name."""
        return self.model_extra or {}

    @property
    def given(self) -> dict[str, Any]:
        """All of it that is not null, under its names in the file."""
        named = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in named.items() if value is not None} | self.rest


class Item(_Part):
    """One event of a chapter."""

    ts: Instant
    type: ItemType
    content: str
    significance: Significance | None = None
    tags: list[str] = Field(default_factory=list)
    raw: dict[str, Any] = Field(default_factory=dict)


class Chapter(_Part):
    """A phase of the run: one agent at one thing."""

    id: Text
    title: Text
    agentName: AgentId  # noqa: N815 - as in the file
    startedAt: Moment  # noqa: N815
    endedAt: Moment | None = None  # noqa: N815
    events: list[Item]


class Agent(_Part):
    """Who took part, and as what."""

    name: AgentId
    role: str
    joinedAt: Moment  # noqa: N815


class Retrospective(_Part):
    """How the run is seen at its end, by those who did it."""

    summary: str
    confidence: Share | None = None


class Task(_Part):
    """What the run was for."""

    title: Text
    description: str | None = None
    source: dict[str, Any] | None = None


class Trail(_Part):
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
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BrokenFile(f"is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise BrokenFile(f"is no agent trail: a JSON {type(document).__name__}, not an object")
    try:
        return Trail.model_validate(document)
    except ValidationError as error:
        flaw = invalid(error, "")
        raise BrokenFile(flaw.reason, path=flaw.path) from None
