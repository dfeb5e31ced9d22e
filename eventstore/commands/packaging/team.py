"""The packaging team itself: its settings, and what its agents are at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from eventstore.command import Command, State
from eventstore.commands.event_of import event_of
from eventstore.commands.fields import AgentName, SettingKey
from eventstore.commands.packaging.packages import Package, package_stream
from eventstore.event import Event
from eventstore.refusals import NotAllowed
from eventstore.vocabulary.fields import AgentId
from eventstore.vocabulary.packaging import AgentActivity, AgentStateChanged, SystemConfigChanged
from eventstore.vocabulary.packaging.team import SettingValue

__all__ = ["AgentAtWork", "ChangeSystemConfig", "ReportAgentState", "Setting"]


@dataclass(frozen=True, slots=True)
class Setting:
    """How often a setting was changed."""

    revision: int = 0
    """0 when there is no such setting."""

    def after(self, event: Event) -> Self:
        if isinstance(event, SystemConfigChanged):
            return replace(self, revision=self.revision + 1)
        return self


class ChangeSystemConfig(Command):
    """Gives a setting of the team a value."""

    key: SettingKey
    value: SettingValue
    updated_by: AgentId
    reason: str | None = None
    from_revision: Annotated[int, Field(ge=0)] | None = None
    """The revision that it is changed from, 0 for a new setting; null for whatever it is."""

    def reads(self) -> dict[str, State]:
        return {f"system_config-{self.key}": Setting()}

    def decide(self, setting: Setting) -> Event:
        """Refused as NotAllowed when somebody else has changed it since."""
        if self.from_revision not in (None, setting.revision):
            raise NotAllowed(
                f"setting {self.key} is at revision {setting.revision}, not "
                f"{self.from_revision}: read it again, and change what it says now"
            )
        return event_of(SystemConfigChanged, self)


@dataclass(frozen=True, slots=True)
class AgentAtWork:
    """Nothing: an agent may say at any time what it is at."""

    def after(self, event: Event) -> Self:
        return self


class ReportAgentState(Command):
    """States what an agent is at; the same again shows that it is still there."""

    agent_name: AgentName
    state: AgentActivity
    current_package_id: UUID | None = None
    """The package that it is at; null when it is at none."""

    def reads(self) -> dict[str, State]:
        streams: dict[str, State] = {f"agent_state-{self.agent_name}": AgentAtWork()}
        if self.current_package_id is not None:
            streams[package_stream(self.current_package_id)] = Package()
        return streams

    def decide(self, agent: AgentAtWork, package: Package | None = None) -> Event:
        """Refused as DoesNotExist when the package is not there, or deleted."""
        if package is not None and self.current_package_id is not None:
            package.require_in_use(self.current_package_id)
        return event_of(AgentStateChanged, self)
