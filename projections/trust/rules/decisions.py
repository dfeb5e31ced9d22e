"""How decisions, and with them the standing of agents, follow from the events of trust."""

from __future__ import annotations

from eventstore import RecordedEvent
from eventstore.vocabulary.trust import (
    DecisionFeedbackGiven,
    DecisionMade,
    DecisionOutcomeKnown,
)
from projections.errors import Contradiction
from projections.projection import Projection, Rows, on
from projections.trust.ladder import (
    Fact,
    LadderRules,
    Standing,
    new_fact,
    standing,
    verdict,
)
from projections.trust.rows import AgentDecision, TrustLevel, TrustLevelChange
from projections.trust.rules.sessions import own_session, require_open

__all__ = ["DecisionRules"]


class DecisionRules(Projection, name="trust", tables=(AgentDecision, TrustLevel, TrustLevelChange)):
    """A decision is made in a session that goes on, and may be judged long after."""

    rules: LadderRules

    @on(DecisionMade)
    def decided(self, event: DecisionMade, recorded: RecordedEvent, rows: Rows) -> None:
        require_open(own_session(event, rows), recorded)
        rows.get(TrustLevel).decisions += 1
        rows.add(
            AgentDecision(
                decision_id=event.decision_id,
                session_id=event.session_id,
                decision_type=event.decision_type,
                input_context=event.input_context,
                decision_rationale=event.rationale,
                action_taken=event.action,
                confidence_score=event.confidence,
                execution_time_ms=event.execution_time_ms,
            )
        )

    @on(DecisionFeedbackGiven)
    def feedback_given(
        self, event: DecisionFeedbackGiven, recorded: RecordedEvent, rows: Rows
    ) -> None:
        decision, level = _judged(event, rows), rows.get(TrustLevel)
        earlier, before = decision.user_feedback, verdict(decision.user_feedback, decision.outcome)
        level.approved += (event.feedback == "approved") - (earlier == "approved")
        level.rejected += (event.feedback == "rejected") - (earlier == "rejected")
        decision.user_feedback = event.feedback
        after = verdict(decision.user_feedback, decision.outcome)
        self._count(rows, event, new_fact(before, after), recorded)

    @on(DecisionOutcomeKnown)
    def outcome_known(
        self, event: DecisionOutcomeKnown, recorded: RecordedEvent, rows: Rows
    ) -> None:
        decision = _judged(event, rows)
        before = verdict(decision.user_feedback, decision.outcome)
        decision.outcome = event.outcome
        after = verdict(decision.user_feedback, decision.outcome)
        self._count(rows, event, new_fact(before, after), recorded)

    def _count(
        self,
        rows: Rows,
        event: DecisionFeedbackGiven | DecisionOutcomeKnown,
        fact: Fact | None,
        recorded: RecordedEvent,
    ) -> None:
        """Takes a fact into the standing of the agent, and notes what it changes there."""
        if fact is None:
            return
        level = rows.get(TrustLevel)
        after = standing(Standing(level.level, level.score, level.streak), fact, self.rules)
        streak = level.streak_decision_ids if fact == "success" else []
        causes = [*streak, str(event.decision_id)]
        if (after.level, after.score) != (level.level, level.score):
            rows.add(
                TrustLevelChange(
                    event_id=recorded.event_id,
                    agent_id=event.agent_id,
                    decision_id=event.decision_id,
                    fact=fact,
                    from_level=level.level,
                    to_level=after.level,
                    from_score=level.score,
                    to_score=after.score,
                    decision_ids=causes,
                    changed_at=recorded.occurred_at,
                )
            )
        if after.level != level.level:
            level.since = recorded.occurred_at
        level.level, level.score, level.streak = after.level, after.score, after.streak
        level.streak_decision_ids = causes if after.streak else []


def _judged(event: DecisionFeedbackGiven | DecisionOutcomeKnown, rows: Rows) -> AgentDecision:
    """The decision that is judged; raises Contradiction when it is another session's."""
    own_session(event, rows)
    decision = rows.get(AgentDecision)
    if decision.session_id != event.session_id:
        raise Contradiction(
            "agent_decisions",
            decision.decision_id,
            "session_id",
            decision.session_id,
            event.session_id,
        )
    return decision
