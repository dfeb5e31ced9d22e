"""The laws of deciding: what a command is granted the projection applies, in any order of wishes.

The tables are then as the database wants them, as far as that is about several rows: what has to be
unique is, and what is referred to is there. And what is refused as an illegal move the projection
refuses as well, however it is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore import Command, Event
from eventstore.commands import packaging as of_packages
from eventstore.commands import work as of_work
from eventstore.commands.event_of import event_of
from eventstore.errors import CommandRefused, ValueTaken
from eventstore.refusals import IllegalMove
from eventstore.registry import default_registry
from eventstore.vocabulary import packaging, work
from projections.errors import EventNotApplied
from projections.packaging import Packaging
from projections.packaging.rows import AgentState, KnowledgeItem, Package
from projections.projection import Projection
from projections.row import Row
from projections.work import (
    Attempt,
    Capability,
    Connector,
    Schema,
    Tool,
    Work,
    WorkflowTemplate,
    WorkItem,
)
from tests.properties.deciding import Log
from tests.properties.wishes import WISHES
from tests.stories import asked_packaging, asked_work

CONTEXTS: dict[str, tuple[Projection, list[Command]]] = {
    "packaging": (Packaging(), asked_packaging.STORY),
    "work": (Work(), asked_work.STORY),
}
contexts = pytest.mark.parametrize("context", CONTEXTS)

UNIQUE: list[tuple[type[Row], tuple[str, ...], dict[str, Any]]] = [
    (Package, ("publisher", "name", "version"), {"deleted_at": None}),
    (Attempt, ("work_item_id", "attempt_no"), {}),
    (WorkflowTemplate, ("name", "template_version"), {}),
    (Connector, ("name",), {}),
    (Tool, ("connector_id", "name", "version"), {}),
    (Capability, ("name",), {}),
    (Schema, ("document_type", "schema_version"), {}),
    (Schema, ("document_type",), {"active": True}),
]
"""The unique indexes: a table, what is unique in it, and among which rows."""
REFERENCES: list[tuple[type[Row], str, type[Row]]] = [
    (KnowledgeItem, "source_package_id", Package),
    (AgentState, "current_package_id", Package),
]
"""The foreign keys that the rules of the projection leave to the database."""


def rows(log: Log, table: type[Row]) -> list[Any]:
    return [row for row in log.tables.get(table, {}).values() if row is not None]


def check_tables(log: Log) -> None:
    for table, columns, among in UNIQUE:
        of_them = [
            tuple(getattr(row, column) for column in columns)
            for row in rows(log, table)
            if all(getattr(row, name) == value for name, value in among.items())
        ]
        assert len(of_them) == len(set(of_them)), f"{table.TABLE} {columns} twice"
    for table, column, parent in REFERENCES:
        there = {row.id for row in rows(log, parent)} | {None}
        assert {getattr(row, column) for row in rows(log, table)} <= there


def said_raw(command: Any, log: Log) -> Iterator[Event]:
    """How the move that a command asks for can be said in an event, past the decider."""
    kind: type[Event]
    moves: dict[Any, frozenset[Any]]
    match command:
        case of_packages.MovePackage():
            kind, moves = packaging.PackageStatusChanged, packaging.PACKAGE_MOVES
        case of_work.MoveWorkOrder():
            kind, moves = work.WorkOrderStatusChanged, work.WORK_ORDER_MOVES
        case of_work.MoveConnector():
            kind, moves = work.ConnectorStatusChanged, work.CONNECTOR_MOVES
        case of_work.MoveWorkItem() | of_work.StartAttempt():
            (item,) = (r for r in rows(log, WorkItem) if r.id == command.work_item_id)
            wanted = getattr(command, "to_status", "PROCESSING")
            for earlier, later in work.WORK_ITEM_MOVES.items():
                if wanted in later:
                    yield work.WorkItemStatusChanged(
                        work_item_id=item.id,
                        work_order_id=item.work_order_id,
                        from_status=earlier,
                        to_status=wanted,
                    )
            return
        case of_work.EndAttempt():
            yield event_of(work.AttemptEnded, command)
            return
        case of_work.EndRun():
            yield event_of(work.RunEnded, command)
            return
    for before, afters in moves.items():
        if command.to_status in afters:
            yield event_of(kind, command, from_status=before)


@contexts
def test_every_event_can_be_asked_for(context: str) -> None:
    log = Log(*CONTEXTS[context])
    check_tables(log)
    told = {event.event_type for stream in log.streams.values() for event in stream}
    assert told == {
        kind.event_type
        for kind in default_registry
        if kind.__module__.startswith(f"eventstore.vocabulary.{context}.")
        and not kind.event_type.endswith("_embedded")  # that is the embedder's to say
    }


@contexts
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_what_is_decided_is_applied(context: str, data: st.DataObject) -> None:
    projection, story = CONTEXTS[context]
    log = Log(projection, data.draw(st.sampled_from([[], story]), "begun"))
    # Of a few subjects, so that wishes meet.
    subjects = data.draw(st.lists(st.sampled_from(WISHES[context]), min_size=1, max_size=3))
    for command in data.draw(st.lists(st.one_of(subjects), min_size=15, max_size=30)):
        try:
            log.execute(command)
        except IllegalMove:
            for event in said_raw(command, log):
                with pytest.raises(EventNotApplied):
                    log.apply(event)
        except (CommandRefused, ValueTaken):
            continue
    check_tables(log)
