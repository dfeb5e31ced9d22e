"""Sessions of agents: what is said and decided in them, and what is said of it afterwards."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Address
from typing import Any, Final
from uuid import UUID

from eventstore.event import Event
from eventstore.seed import words
from eventstore.seed.crew import AGENTS, MODELS, user_id
from eventstore.seed.story import Story
from eventstore.vocabulary.trust import (
    ActionAudited,
    DecisionFeedbackGiven,
    DecisionMade,
    DecisionOutcomeKnown,
    Feedback,
    FindingReported,
    KnowledgeApplied,
    KnowledgeForgotten,
    KnowledgeLearned,
    KnowledgeRefined,
    MessageRole,
    MessageSent,
    MetricType,
    Outcome,
    ReflectionRecorded,
    SessionCompleted,
    SessionExpired,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    TrustMetricRecorded,
)

__all__ = ["Session"]

_LASTS: Final = timedelta(hours=12)
"""How long a session may take."""
_METRICS: Final[dict[MetricType, tuple[float, float]]] = {
    "accuracy": (70, 100),
    "autonomy": (40, 95),
    "complexity": (1, 9),
}


class Session:
    """A session and its decisions, while its story is told."""

    def __init__(self, story: Story, agent: str) -> None:
        self.story, self.agent = story, agent
        self.id = story.world.id(f"session {story.number}")
        self.topic = story.one_of(list(words.TOPICS))
        self.skill = 0.78 + 0.2 * AGENTS.index(agent) / len(AGENTS)
        self.last_message: UUID | None = None
        self.messages = 0

    def told(self) -> None:
        """Tells all of it."""
        story = self.story
        self.begins()
        decisions: list[UUID] = []
        for _ in range(story.number_in(1, 4)):
            self._talked()
            if story.chance(0.6):
                decisions.append(self._decided(len(decisions)))
        if story.chance(0.2):
            self.say(SessionPaused(session_id=self.id))
            self.say(SessionResumed(session_id=self.id), after=1_200)
        self._looked_back()
        if story.chance(0.06):
            story.now = story.begins + 2 * _LASTS
            self.say(SessionExpired(session_id=self.id))
        elif story.chance(0.97):
            self.say(SessionCompleted(session_id=self.id))
        self._learned()
        for decision in decisions:
            self._judged(decision)
        for metric, (low, high) in _METRICS.items():
            if story.chance(0.5):
                self.measured(metric, story.share_in(low, high))

    def begins(self) -> None:
        """Tells its start alone."""
        person = user_id(self.story.world, self.story.number % 8)
        started = SessionStarted(
            session_id=self.id,
            agent_id=self.agent,
            user_id=person if self.story.chance(0.7) else None,
            context={"topic": self.topic},
            expires_at=self.story.now + _LASTS,
        )
        self.say(started)
        if self.story.chance(0.3):
            self._audited(person)

    def _talked(self) -> None:
        """A question and an answer, or what an agent says of its own accord."""
        self._message("user", words.sentence(self.story, self.topic))
        if self.story.chance(0.2):
            self._message("agent", "ls -l installers", message_type="command")
            self._message("system", "total 12", message_type="text")
        self._message("agent", words.paragraph(self.story, self.topic, self.story.number_in(1, 4)))
        if self.story.chance(0.15):
            self.messages += 1
            finding = FindingReported(
                message_id=self.story.id(f"message {self.messages}"),
                session_id=self.id,
                content=words.sentence(self.story, self.topic),
                significance=self.story.one_of(("low", "medium", "high")),
            )
            self.say(finding)

    def _message(self, role: MessageRole, content: str, **more: Any) -> None:
        self.messages += 1
        message = self.story.id(f"message {self.messages}")
        sent = MessageSent(
            message_id=message,
            session_id=self.id,
            role=role,
            content=content,
            parent_message_id=self.last_message,
            tokens_used=len(content) // 4 if role == "agent" else None,
            model_used=self.story.one_of(MODELS) if role == "agent" else None,
            **more,
        )
        self.last_message = message
        self.say(sent)

    def _decided(self, which: int) -> UUID:
        decision = self.story.id(f"decision {which}")
        made = DecisionMade(
            decision_id=decision,
            session_id=self.id,
            agent_id=self.agent,
            decision_type=self.story.one_of(("risk", "next_step", "wording", "tool")),
            input_context={"alternatives": self.story.number_in(2, 5)},
            rationale=words.paragraph(self.story, self.topic, 2),
            action={"chosen": self.story.number_in(1, 2)},
            confidence=self.story.share_in(0.5, 1.0),
            execution_time_ms=self.story.number_in(200, 20_000),
        )
        self.say(made)
        return decision

    def _judged(self, decision: UUID) -> None:
        """Feedback and outcome, which may come when the session is over."""
        about: dict[str, Any] = {
            "decision_id": decision,
            "session_id": self.id,
            "agent_id": self.agent,
        }
        good = self.story.chance(self.skill)
        if self.story.chance(0.7):
            feedback: Feedback = "approved" if good else self.story.one_of(("rejected", "modified"))
            self.say(DecisionFeedbackGiven(**about, feedback=feedback), by="approver-1", after=900)
        if self.story.chance(0.8):
            outcome: Outcome = "success" if good else "failure"
            if self.story.chance(0.004):
                outcome = "critical_failure"
            reason = None if good else words.sentence(self.story, self.topic)
            known = DecisionOutcomeKnown(**about, outcome=outcome, reason=reason)
            self.say(known, by="tester-1", after=3_600)

    def measured(self, metric: MetricType, value: float, which: int = 0) -> UUID:
        """Tells one measurement of its agent, and returns the metric's id."""
        metric_id = self.story.id(f"metric {metric} {which}")
        recorded = TrustMetricRecorded(
            metric_id=metric_id,
            session_id=self.id,
            agent_id=self.agent,
            metric_type=metric,
            metric_value=value,
            measurement_context={"sample": self.story.number_in(5, 50)},
        )
        self.say(recorded, by="tester-1")
        return metric_id

    def _looked_back(self) -> None:
        if self.story.chance(0.2):
            self.messages += 1
            reflection = ReflectionRecorded(
                message_id=self.story.id(f"message {self.messages}"),
                session_id=self.id,
                content=words.sentence(self.story, self.topic),
                confidence=self.story.share_in(0.4, 1.0),
                focal_points=[self.topic],
                adjustments=words.sentence(self.story, "team"),
            )
            self.say(reflection)

    def _learned(self) -> None:
        """Knowledge of the agent, used and refined by itself."""
        if not self.story.chance(0.25):
            return
        knowledge = self.story.id("knowledge")
        own: dict[str, Any] = {"knowledge_id": knowledge, "agent_id": self.agent}
        about = own | {
            "knowledge_type": self.story.one_of(("pattern", "solution", "preference")),
            "domain": self.topic,
        }
        content = {"text": words.paragraph(self.story, self.topic, 2)}
        stream = f"knowledge-{knowledge}"
        self.say(KnowledgeLearned(**about, content=content), stream=stream)
        for _ in range(self.story.number_in(0, 3)):
            applied = KnowledgeApplied(**own, succeeded=self.story.chance(self.skill))
            self.say(applied, stream=stream, after=5_000)
        if self.story.chance(0.2):
            content |= {"exception": words.sentence(self.story, self.topic)}
            self.say(KnowledgeRefined(**about, content=content), stream=stream)
        if self.story.chance(0.08):
            reason = "It has not helped for long."
            self.say(KnowledgeForgotten(**own, reason=reason), stream=stream, after=9_000)

    def _audited(self, person: str) -> None:
        audited = ActionAudited(
            audit_id=self.story.id("audit"),
            agent_id=self.agent,
            session_id=self.id,
            action_type=self.story.one_of(
                ("read_file", "run_script", "send_mail", "change_policy")
            ),
            action_details={"topic": self.topic},
            risk_level=self.story.one_of(("low", "low", "medium", "high", "critical")),
            user_id=person,
            ip_address=IPv4Address(f"192.0.2.{self.story.number_in(1, 254)}"),
            user_agent="agent-runtime/2.3",
        )
        self.say(audited)

    def say(
        self, event: Event, *, by: str | None = None, stream: str | None = None, after: float = 40
    ) -> None:
        """Tells an event, by its agent and in its stream unless others are named."""
        stream = stream or f"session-{self.id}"
        self.story.say(stream, event, agent=by or self.agent, after=after)
