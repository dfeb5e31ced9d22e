"""Who is in the crew, and who hands over to whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from uuid_utils.compat import uuid7

__all__ = ["Agent", "Team"]


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent in the session of this run."""

    agent_id: str
    persona: str
    duty: str
    session_id: UUID = field(default_factory=uuid7)

    @property
    def stream(self) -> str:
        """Where its decisions and their judgements stand."""
        return agent_stream(self.agent_id)

    @property
    def session_stream(self) -> str:
        """Where its messages stand."""
        return f"session-{self.session_id}"


class Team:
    """The crew of one run; `workers` analysts and as many testers."""

    def __init__(self, workers: int) -> None:
        numbers = range(1, workers + 1)
        self.planner = Agent("planner", "planner", "opens the order and hands out the work")
        self.analysts = [
            Agent(f"analyst-{n}", "analyst", "reads metadata and RECORD") for n in numbers
        ]
        self.script_writer = Agent("script-writer", "developer", "writes the install script")
        self.policy_writer = Agent("policy-writer", "security", "writes the hash policy")
        self.testers = [Agent(f"tester-{n}", "qa", "reads and hashes every file") for n in numbers]
        self.inspector = Agent("inspector", "qa", "reads files a second time when asked to")
        self.approver = Agent("approver", "approver", "decides by risk and trust")

    @cached_property
    def agents(self) -> dict[str, Agent]:
        """Everybody, by name, in the order in which work passes through their hands."""
        everybody = (
            self.planner,
            *self.analysts,
            self.script_writer,
            self.policy_writer,
            *self.testers,
            self.inspector,
            self.approver,
        )
        return {agent.agent_id: agent for agent in everybody}

    def analyst(self, number: int) -> Agent:
        """Whose turn it is for the package of that number."""
        return self.analysts[number % len(self.analysts)]

    def tester(self, number: int) -> Agent:
        """Whose turn it is for the package of that number."""
        return self.testers[number % len(self.testers)]


def agent_stream(agent_id: str) -> str:
    """The stream of an agent's decisions and their judgements."""
    return f"agent-{agent_id}"
