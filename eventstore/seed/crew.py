"""The agents and people that the stories of all contexts have in common."""

from __future__ import annotations

from typing import Final

from eventstore.seed.story import World

__all__ = ["AGENTS", "MODELS", "PERSONAS", "agent", "user_id"]

PERSONAS: Final = {
    "planner": "architect",
    "analyst": "analyst",
    "script-writer": "developer",
    "policy-writer": "developer",
    "tester": "qa",
    "approver": "reviewer",
    "clerk": "operator",
    "developer": "developer",
}
"""What agents are called, and what they are for."""

_OF_EACH: Final = 3

AGENTS: Final = tuple(f"{name}-{number}" for name in PERSONAS for number in range(1, _OF_EACH + 1))

MODELS: Final = ("small-4b", "medium-30b", "large-200b")
"""What agents think with."""


def agent(name: str, number: int) -> str:
    """One of the agents of that name, such as `tester-2`; always the same for the same number."""
    return f"{name}-{number % _OF_EACH + 1}"


def user_id(world: World, number: int) -> str:
    """A person's id; those of numbers 0 to 7 are there before the first story begins."""
    return str(world.id(f"user {number}"))
