"""Agents in their sessions: what they say, decide and learn, and how well it turns out."""

from __future__ import annotations

from datetime import timedelta
from math import fsum
from typing import Any

from eventstore.seed.crew import AGENTS, MODELS, PERSONAS
from eventstore.seed.sessions import Session
from eventstore.seed.story import Story
from eventstore.vocabulary.trust import (
    AgentActivated,
    AgentDeactivated,
    AgentRegistered,
    AgentUpdated,
    SessionCompleted,
    TrustMetricsRolledUp,
    roll_up_stream,
)

__all__ = ["prologue", "story"]


def prologue(story: Story) -> None:
    """The agents make themselves known; one of them was measured long ago."""
    for name in AGENTS:
        story.say(f"agent-{name}", AgentRegistered(**_description(name)), agent=name, after=5)
    old = Session(story, AGENTS[0])
    old.begins()
    day, values = story.now.date(), [story.share_in(70, 90) for _ in range(3)]
    metrics = [old.measured("accuracy", value, which) for which, value in enumerate(values)]
    old.say(SessionCompleted(session_id=old.id))
    story.wait(timedelta(days=25).total_seconds())
    rolled_up = TrustMetricsRolledUp(
        agent_id=old.agent,
        metric_type="accuracy",
        day=day,
        metric_ids=metrics,
        total=fsum(values),
        minimum=min(values),
        maximum=max(values),
    )
    stream = roll_up_stream("accuracy", day, old.agent)
    story.say(stream, rolled_up, agent=old.agent)


def story(story: Story) -> None:
    """One session of an agent, and what is said of its decisions after it."""
    name = story.one_of(AGENTS)
    if story.number % 50 == 0:
        _away(story, AGENTS[story.number // 50 % len(AGENTS)])
    Session(story, name).told()


def _description(name: str, revision: int = 1) -> dict[str, Any]:
    role = name.rpartition("-")[0]
    return {
        "agent_id": name,
        "name": name.replace("-", " ").title(),
        "persona_type": PERSONAS[role],
        "capabilities": {"languages": ["en"], "tools": ["shell", "editor"]},
        "config": {"model": MODELS[len(name) % 3], "revision": revision},
    }


def _away(story: Story, name: str) -> None:
    """An agent is taken out of service, changed, and put back."""
    stream, operator = f"agent-{name}", "planner-1"
    reason = "It gets another model."
    story.say(stream, AgentDeactivated(agent_id=name, reason=reason), agent=operator, to=name)
    story.say(stream, AgentUpdated(**_description(name, story.number)), agent=name, after=600)
    story.say(stream, AgentActivated(agent_id=name), agent=operator, to=name)
