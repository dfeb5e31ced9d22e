"""Commands of packaging on a real log, with others at the same moment."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from eventstore import EventStore
from eventstore.commands.packaging import (
    DeletePackage,
    MovePackage,
    RegisterPackage,
    ReportAgentState,
    RestorePackage,
    package_stream,
)
from eventstore.errors import ValueTaken
from eventstore.vocabulary.packaging import PackageRegistered, PackageStatusChanged
from projections.packaging import Package, Packaging
from projections.session import Connection
from tests.integration.commands.executing import at_once, held
from tests.integration.projections.running import stored


def register(name: str, package_id: UUID | None = None) -> RegisterPackage:
    return RegisterPackage(
        package_id=package_id or uuid4(), name=name, version="1", publisher="acme"
    )


def test_one_package_gets_the_name(
    stores: list[EventStore], database_url: str, conn: Connection
) -> None:
    for name in ("a", "b", "c"):
        found = at_once(stores, [register(name) for _ in stores])
        assert sorted(found) == ["ValueTaken"] * (len(stores) - 1) + ["done"]
    assert held(database_url, conn, Packaging()) == []
    assert len(stored(conn, Packaging())[Package.TABLE]) == 3


def test_a_name_goes_from_a_deleted_package_to_one_other(
    store: EventStore, database_url: str, conn: Connection
) -> None:
    first, second = uuid4(), uuid4()
    store.execute(register("a", first))
    store.execute(DeletePackage(package_id=first))
    store.execute(register("a", second))
    with pytest.raises(ValueTaken) as caught:
        store.execute(RestorePackage(package_id=first))
    assert caught.value.held_by == package_stream(second)
    store.execute(DeletePackage(package_id=second))
    store.execute(RestorePackage(package_id=first))
    assert held(database_url, conn, Packaging()) == []


def test_a_package_moves_once(stores: list[EventStore]) -> None:
    package = uuid4()
    stores[0].execute(register("a", package))
    moves = [MovePackage(package_id=package, to_status="analyzing") for _ in stores]
    assert sorted(at_once(stores, moves)) == ["IllegalMove"] * (len(stores) - 1) + ["done"]


def test_no_agent_is_at_a_package_that_was_deleted_meanwhile(stores: list[EventStore]) -> None:
    """Of the two orders in which it can have happened, the log shows one."""
    package = uuid4()
    stores[0].execute(register("a", package))
    at_it = ReportAgentState(agent_name="ann", state="working", current_package_id=package)
    found = at_once(stores[:2], [at_it, DeletePackage(package_id=package)])
    assert found in (["done", "done"], ["DoesNotExist", "done"])
    said = [recorded.event_type for recorded in stores[0].read_all()]
    if found == ["done", "done"]:
        assert said.index("packaging.agent_state_changed") < said.index("packaging.package_deleted")


def test_what_is_said_past_the_deciders_is_held(
    store: EventStore, database_url: str, conn: Connection
) -> None:
    package, twin = uuid4(), uuid4()
    store.execute(register("a", package))
    store.append(
        package_stream(package),
        [PackageStatusChanged(package_id=package, from_status="testing", to_status="failed")],
    )
    store.append(
        package_stream(twin),
        [PackageRegistered(package_id=twin, name="a", version="1", publisher="acme")],
    )
    store.execute(register("b"))
    assert sorted(held(database_url, conn, Packaging())) == [
        "packaging.package_registered",
        "packaging.package_status_changed",
    ]
    rows = stored(conn, Packaging())[Package.TABLE].values()
    assert sorted((row["name"], row["status"]) for row in rows) == [("a", "draft"), ("b", "draft")]
