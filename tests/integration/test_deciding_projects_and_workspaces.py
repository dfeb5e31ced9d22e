"""Commands of projects and workspaces on a real log: with rivals, late, and gone past."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from eventstore import Command, Event, EventStore
from eventstore.commands import projects, workspaces
from eventstore.errors import EventStoreError
from eventstore.refusals import SessionEnded
from eventstore.vocabulary import projects as said_of_projects
from eventstore.vocabulary import workspaces as said_of_workspaces
from projections.projects import Projects
from projections.session import Connection, open_session
from projections.workspaces import Workspaces
from tests.integration.projections.running import catch_up, replayed, stored
from tests.stories import asked_projects, asked_workspaces

WRITERS = 6
PLACE, PROJECT = asked_workspaces.PLACE, asked_projects.PROJECT


@pytest.fixture
def stores(database_url: str) -> Iterator[list[EventStore]]:
    """Several stores, each with a connection and a memory of its own."""
    opened = [EventStore.open(database_url) for _ in range(WRITERS)]
    yield opened
    for each in opened:
        each.close()


def at_once(stores: list[EventStore], commands: Sequence[Command]) -> list[str]:
    """What became of each: done, or the name of the error."""

    def run(number: int) -> str:
        try:
            stores[number % WRITERS].execute(commands[number])
        except EventStoreError as error:
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(run, range(len(commands))))


def failures(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "SELECT position, split_part(error, ':', 1) FROM projections.failures ORDER BY position"
    ).fetchall()


def tables_are_right(url: str, held: int = 0) -> None:
    """The tables are what a replay makes of the log, but for so many events that are held."""
    assert catch_up(url, Projects(), Workspaces()) == {}
    with open_session(url, part="test") as conn:
        assert len(failures(conn)) == held
        for projection in (Projects(), Workspaces()):
            assert stored(conn, projection) == replayed(conn, projection)


def test_whatever_can_be_asked_fills_the_tables(database_url: str) -> None:
    with EventStore.open(database_url) as store:
        for command in [*asked_projects.STORY, *asked_workspaces.STORY]:
            store.execute(command, agent="planner")
    tables_are_right(database_url)
    with open_session(database_url, part="test") as conn:
        for projection in (Projects(), Workspaces()):
            empty = {name for name, rows in stored(conn, projection).items() if not rows}
            assert empty <= {"templates"}, empty  # the only one was removed


def test_an_address_goes_to_one_of_those_who_ask_at_once(
    stores: list[EventStore], database_url: str
) -> None:
    commands = [
        workspaces.RegisterUser(
            user_id=f"u{number}", azure_id=f"a{number}", email=address, display_name="n"
        )
        for number, address in enumerate(["Ann@x.org", "ann@X.org"] * 4)
    ]
    outcomes = at_once(stores, commands)
    assert sorted(outcomes) == ["ValueTaken"] * 7 + ["done"]
    winner = f"u{outcomes.index('done')}"
    stores[0].execute(
        workspaces.ChangeUserDetails(user_id=winner, email="b@x.org", display_name="n")
    )
    assert at_once(stores, [commands[outcomes.index("ValueTaken")]]) == ["done"]
    tables_are_right(database_url)


def test_nothing_is_made_in_what_is_deleted_or_archived_meanwhile(
    stores: list[EventStore], database_url: str
) -> None:
    """An append is decided on two streams: whichever is quicker, both are right."""
    for command in [*asked_projects.STORY[:3], *asked_workspaces.PEOPLE, *asked_workspaces.SPACES]:
        stores[0].execute(command)
    wishes: list[Command] = []
    for _ in range(8):
        wishes.append(
            workspaces.CreateArtifact(
                artifact_id=uuid4(), workspace_id=PLACE, name="n", artifact_type="prd"
            )
        )
        wishes.append(asked_projects.requested(uuid4()))
    wishes.insert(6, workspaces.DeleteWorkspace(workspace_id=PLACE))
    wishes.insert(7, projects.ArchiveProject(project_id=PROJECT))
    outcomes = at_once(stores, wishes)
    assert set(outcomes) <= {"done", "DoesNotExist", "NotAllowed"}
    assert outcomes[6:8] == ["done", "done"]
    recorded = [type(each.event) for each in stores[0].read_all()]
    for ending, making in (
        (said_of_workspaces.WorkspaceDeleted, said_of_workspaces.ArtifactCreated),
        (said_of_projects.ProjectArchived, said_of_projects.ModificationRequested),
    ):
        last_end = len(recorded) - 1 - recorded[::-1].index(ending)
        assert making not in recorded[last_end:]
    assert outcomes.count("done") == sum(
        recorded.count(kind)
        for kind in (said_of_workspaces.ArtifactCreated, said_of_projects.ModificationRequested)
    ) + len(outcomes[6:8])
    tables_are_right(database_url)


def test_a_session_is_over_when_its_time_is_and_not_when_it_is_recorded(database_url: str) -> None:
    begin = datetime(2026, 1, 5, 8, tzinfo=UTC)
    end = begin + timedelta(hours=1)
    session: dict[str, Any] = {"session_id": UUID(int=9)}
    with EventStore.open(database_url) as store:
        store.execute(asked_workspaces.registered("ann"))
        store.execute(
            workspaces.StartUserSession(**session, user_id="ann", expires_at=end, at=begin)
        )
        late = end - timedelta(microseconds=1)
        receipt = store.execute(workspaces.RecordPresence(**session, at=late), occurred_at=end)
        with pytest.raises(SessionEnded, match="expired since 2026-01-05"):
            store.execute(workspaces.RecordPresence(**session, at=end))
        with pytest.raises(SessionEnded):
            store.execute(workspaces.RecordPresence(**session))  # now
        recorded = list(store.read_stream(receipt.stream_id))[-1]
        assert recorded.occurred_at == late
        past: Event = said_of_workspaces.UserSessionSeen(**session)
        store.append(receipt.stream_id, [past], occurred_at=end)
    tables_are_right(database_url, held=1)


def test_what_goes_past_the_deciders_is_held_and_leaves_the_tables_right(
    database_url: str,
) -> None:
    with EventStore.open(database_url) as store:
        for command in [*asked_projects.STORY, *asked_workspaces.PEOPLE, *asked_workspaces.SPACES]:
            store.execute(command)
        raw: list[tuple[str, Event]] = [
            (
                f"workspace-{PLACE}",
                said_of_workspaces.MemberRemoved(workspace_id=PLACE, user_id="bob"),
            ),
            (
                f"modification-{asked_projects.APPLIED}",
                said_of_projects.ModificationRejected(modification_id=asked_projects.APPLIED),
            ),
        ]
        positions = [store.append(stream, [event]).position for stream, event in raw]
    tables_are_right(database_url, held=2)
    with open_session(database_url, part="test") as conn:
        assert failures(conn) == [(position, "IllegalTransition") for position in positions]
        owner = stored(conn, Workspaces())["workspace_members"]
        assert ("default", PLACE, "bob") in owner
