"""The packaging team itself: how it is set up, and what its agents are at."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, JsonValue

from eventstore.event import Event
from eventstore.vocabulary.fields import AgentId, Name

__all__ = ["AgentActivity", "AgentStateChanged", "SettingValue", "SystemConfigChanged"]

AgentActivity = Literal["idle", "working", "waiting", "failed"]


def _something(value: JsonValue) -> JsonValue:
    if value is None:
        raise ValueError("a setting has a value; null is none")
    return value


SettingValue = Annotated[JsonValue, AfterValidator(_something)]
"""Any JSON value but null."""


class SystemConfigChanged(Event, event_type="packaging.system_config_changed", retention="audit"):
    """A setting of the team has this value now; its revisions are numbered in log order.

    A setting is no place for a secret: every value that it ever had stays in the log.
    """

    key: Name
    value: SettingValue
    """Any JSON value but null."""
    updated_by: AgentId
    reason: str | None = None


class AgentStateChanged(Event, event_type="packaging.agent_state_changed"):
    """An agent says what it is at; the same said again shows that it is still there."""

    agent_name: AgentId
    state: AgentActivity
    current_package_id: UUID | None = None
    """The package that it is at; null when it is at none."""
