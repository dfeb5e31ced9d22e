"""The laws of deciding: what a command is granted the projection applies, in any order of wishes.

What has to be unique in the tables is. And what is refused as an illegal move the projection
refuses as well, however it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore import Command, Event
from eventstore.commands import workspaces as of_workspaces
from eventstore.commands.event_of import event_of
from eventstore.errors import CommandRefused, ValueTaken
from eventstore.refusals import IllegalMove
from eventstore.registry import default_registry
from eventstore.vocabulary import workspaces as said
from projections.errors import EventNotApplied
from projections.projection import Projection
from projections.projects import Projects
from projections.row import Row
from projections.workspaces import Workspaces
from projections.workspaces.rows import ArtifactVersion, AuthToken, Phase, User
from tests.properties.deciding import Log
from tests.stories import asked_projects, asked_workspaces

Wishes = tuple[Projection, list[Command], list[Command]]

CONTEXTS: dict[str, Wishes] = {
    "projects": (Projects(), asked_projects.STORY, asked_projects.MORE),
    "workspaces": (Workspaces(), asked_workspaces.STORY, asked_workspaces.MORE),
}
MOVES: dict[type[Command], tuple[type[Event], Mapping[Any, frozenset[Any]]]] = {
    of_workspaces.MoveWorkflow: (said.WorkflowStatusChanged, said.WORKFLOW_MOVES),
    of_workspaces.MovePhase: (said.PhaseStatusChanged, said.PHASE_MOVES),
    of_workspaces.MoveArtifact: (said.ArtifactStatusChanged, said.ARTIFACT_MOVES),
}
UNIQUE: list[tuple[type[Row], Callable[[Any], object]]] = [
    (User, lambda row: row.email.lower()),
    (User, lambda row: row.azure_id),
    (AuthToken, lambda row: row.token_hash),
    (Phase, lambda row: (row.workflow_id, row.ordinal)),
    (ArtifactVersion, lambda row: (row.artifact_id, row.version_no)),
]
"""What the database wants to be unique, of which the rules of the projection know nothing."""
contexts = pytest.mark.parametrize("context", CONTEXTS)


def said_raw(command: Command) -> Iterator[Event]:
    """How the move that a command asks for can be said in an event, past the decider."""
    if type(command) in MOVES:
        kind, moves = MOVES[type(command)]
        for before, after in moves.items():
            if command.to_status in after:  # type: ignore[attr-defined]
                yield event_of(kind, command, from_status=before)
    else:
        yield event_of(command.says, command)  # type: ignore[attr-defined]


@contexts
def test_every_event_can_be_asked_for(context: str) -> None:
    projection, story, _ = CONTEXTS[context]
    log = Log(projection, story)
    told = {event.event_type for stream in log.streams.values() for event in stream}
    assert told == {
        kind.event_type
        for kind in default_registry
        if kind.__module__.startswith(f"eventstore.vocabulary.{context}")
    }


@contexts
@settings(max_examples=100)
@given(data=st.data())
def test_what_is_decided_is_applied(context: str, data: st.DataObject) -> None:
    projection, story, more = CONTEXTS[context]
    log = Log(projection, story[: data.draw(st.integers(0, len(story)), "begun")])
    wishes = st.one_of(st.sampled_from(story), st.sampled_from(more))
    for command in data.draw(st.lists(wishes, min_size=15, max_size=60)):
        try:
            log.execute(command)
        except IllegalMove:
            for event in said_raw(command):
                with pytest.raises(EventNotApplied):
                    log.apply(event)
        except (CommandRefused, ValueTaken):
            continue
    for table, unique in UNIQUE:
        values = [unique(row) for row in log.tables.get(table, {}).values() if row is not None]
        assert len(values) == len(set(values)), table.TABLE


@contexts
def test_the_wishes_of_the_laws_are_refused_and_granted(context: str) -> None:
    """So that the laws above say something."""
    projection, story, more = CONTEXTS[context]
    outcomes = {"granted": 0, "refused": 0, "illegal": 0}
    log = Log(projection, story)
    for command in more * 3:
        try:
            log.execute(command)
            outcomes["granted"] += 1
        except IllegalMove:
            outcomes["illegal"] += 1
        except (CommandRefused, ValueTaken):
            outcomes["refused"] += 1
    assert all(count > 3 for count in outcomes.values()), outcomes
