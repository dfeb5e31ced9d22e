"""The laws of deciding in trust: what a command is granted the projection applies.

In any order of wishes, of an agent that comes and goes, in sessions that end by word or by time.
What is refused as an illegal move, or because a session was ended, the projection refuses as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore import Command, Event
from eventstore.commands import trust as asked
from eventstore.commands.event_of import event_of
from eventstore.errors import CommandRefused, DuplicateEventId
from eventstore.refusals import IllegalMove, SessionEnded
from eventstore.registry import default_registry
from eventstore.vocabulary import trust
from projections.errors import EventNotApplied
from projections.testing import FIRST_MOMENT
from projections.trust import AgentSession, Trust
from tests.properties.deciding import Log
from tests.properties.drawn import ids
from tests.stories.asked_trust import STORY

agents = st.sampled_from(["ann", "bob", "nobody"])
things = ids(0, 2) | ids(0, 3)
said_before = st.integers(11, 14).map(lambda n: UUID(int=n))
"""The ids of what the story has said, so that wishes refer to it, and of a little more."""
new = st.integers(11, 60).map(lambda n: UUID(int=n))
in_session: dict[str, Any] = {"session_id": things}
of_agent: dict[str, Any] = {"agent_id": agents}
described: dict[str, Any] = {"name": st.just("n"), "persona_type": st.just("qa")}
learned: dict[str, Any] = {"knowledge_type": st.just("pattern"), "domain": st.just("d")}
said: dict[str, Any] = {"command_id": new, "content": st.just("x"), **in_session}

MOVES: dict[type[Command], type[Event]] = {
    asked.PauseSession: trust.SessionPaused,
    asked.ResumeSession: trust.SessionResumed,
    asked.CompleteSession: trust.SessionCompleted,
    asked.ExpireSession: trust.SessionExpired,
}
WISHES: dict[str, tuple[st.SearchStrategy[Command], ...]] = {
    "agents": (
        st.builds(asked.RegisterAgent, **of_agent, **described),
        st.builds(asked.UpdateAgent, **of_agent, **described),
        st.builds(asked.ActivateAgent, **of_agent),
        st.builds(asked.DeactivateAgent, **of_agent),
    ),
    "sessions": (
        st.builds(
            asked.StartSession,
            at=st.just(FIRST_MOMENT),
            expires_at=st.none()
            | st.integers(1, 60).map(lambda n: FIRST_MOMENT + timedelta(seconds=n)),
            trust_level=st.none() | st.integers(0, 4),
            **in_session,
            **of_agent,
        ),
        *(
            st.builds(move, **in_session)
            for move in (
                asked.PauseSession,
                asked.ResumeSession,
                asked.CompleteSession,
                asked.ExpireSession,
            )
        ),
    ),
    "conversation": (
        st.builds(
            asked.SendMessage,
            role=st.just("user"),
            parent_message_id=st.none() | said_before,
            **said,
        ),
        st.builds(asked.ReportFinding, **said),
        st.builds(asked.RecordReflection, **said),
    ),
    "decisions": (
        st.builds(
            asked.MakeDecision,
            command_id=new,
            decision_type=st.just("risk"),
            rationale=st.just("r"),
            **in_session,
            **of_agent,
        ),
        st.builds(
            asked.GiveFeedback,
            decision_id=said_before,
            feedback=st.sampled_from(["approved", "rejected", "modified"]),
            **in_session,
        ),
        st.builds(
            asked.RecordOutcome,
            decision_id=said_before,
            outcome=st.sampled_from(["success", "failure", "critical_failure"]),
            **in_session,
        ),
        st.builds(
            asked.RecordMetric,
            command_id=new,
            metric_type=st.just("autonomy"),
            metric_value=st.floats(0, 100),
            **in_session,
        ),
    ),
    "knowledge": (
        st.builds(asked.LearnKnowledge, knowledge_id=things, **of_agent, **learned),
        st.builds(asked.RefineKnowledge, knowledge_id=things, **learned),
        st.builds(asked.ApplyKnowledge, knowledge_id=things, succeeded=st.booleans()),
        st.builds(asked.ForgetKnowledge, knowledge_id=things),
        st.builds(
            asked.AuditAction,
            command_id=new,
            session_id=st.none() | things,
            action_type=st.just("read"),
            risk_level=st.just("low"),
            **of_agent,
        ),
    ),
}


class OnceOnly(Log):
    """A log in which an event's id stands once, as in the real one."""

    def __init__(self, begin: Sequence[Command]) -> None:
        self.ids: dict[UUID, str] = {}
        super().__init__(Trust(), begin)

    def execute(self, command: Command) -> Sequence[Event]:
        first = command.event_id(0)
        if first in self.ids:
            raise DuplicateEventId(first, "", self.ids[first], "another stream")
        events = super().execute(command)
        self.ids[first] = next(iter(command.reads()))
        return events


def is_over(log: Log, session_id: UUID) -> bool:
    row = log.tables[AgentSession]["default", session_id]
    assert isinstance(row, AgentSession)
    return row.ended_at is not None


def test_every_event_can_be_asked_for() -> None:
    told = {event.event_type for stream in OnceOnly(STORY).streams.values() for event in stream}
    assert told == {
        kind.event_type
        for kind in default_registry
        if kind.__module__.startswith("eventstore.vocabulary.trust.")
        and not kind.event_type.endswith("_embedded")  # that is the embedder's to say
        and kind is not trust.TrustMetricsRolledUp  # that is said of the tables
    }


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_what_is_decided_is_applied(data: st.DataObject) -> None:
    begun = data.draw(st.sampled_from([2, 7, 14, len(STORY)]), "begun")
    log = OnceOnly(STORY[:begun])
    subjects = data.draw(st.lists(st.sampled_from(list(WISHES)), min_size=1, max_size=3))
    drawn = st.one_of([wish for subject in subjects for wish in WISHES[subject]])
    for command in data.draw(st.lists(drawn, min_size=20, max_size=40)):
        try:
            log.execute(command)
        except (IllegalMove, SessionEnded) as refusal:
            kind = MOVES.get(type(command))
            if kind is not None and (
                isinstance(refusal, IllegalMove) or is_over(log, command.session_id)  # type: ignore[attr-defined]
            ):
                with pytest.raises(EventNotApplied):
                    log.apply(event_of(kind, command))
        except (CommandRefused, DuplicateEventId):
            continue
