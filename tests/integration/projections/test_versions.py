"""Versions of a projection side by side, with tables of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from eventstore import EventStore
from eventstore.connection.database import connect
from eventstore.schema import migrate
from projections.audit import drift
from projections.builds.rebuild import rebuild
from projections.catalogue import PROJECTIONS
from projections.errors import NotInstalled, RebuildRefused, RulesDiffer
from projections.session import Connection
from tests.integration.projections.running import (
    catch_up,
    checkpoint,
    number,
    replayed,
    running,
    stored,
    until,
)
from tests.integration.projections.things import PartAdded, ThingMade, Things
from tests.integration.projections.things_anew import FUNCTION, ThingsAnew

OLD, NEW = Things(), ThingsAnew()


class Twin(ThingsAnew, name="twin", tables=ThingsAnew.tables):
    """Another projection, which wants tables of the same names."""


@pytest.fixture
def owner(url: str) -> Iterator[Connection]:
    with connect(url, role="owner") as opened:
        opened.execute(FUNCTION)
        yield opened


def fill(store: EventStore, first: int = 1, count: int = 10) -> None:
    for n in range(first, first + count):
        thing = number(n)
        store.append(
            f"thing-{n}",
            [
                ThingMade(thing_id=thing, name=f"thing {n}", amount=n),
                PartAdded(thing_id=thing, part_no=1, label="one"),
            ],
        )


def live_tables(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "SELECT table_name, projection_version FROM live_tables "
        "WHERE projection = 'things' ORDER BY 1"
    ).fetchall()


def tables_in(conn: Connection, schema: str) -> set[str]:
    found = conn.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' "
        "AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s)",
        [schema],
    )
    return {name for (name,) in found}


def test_a_rebuild_to_other_tables_and_back(
    store: EventStore, url: str, conn: Connection, owner: Connection
) -> None:
    fill(store)
    assert catch_up(url, OLD) == {}
    assert rebuild(url, NEW).projection_version == 7
    assert stored(conn, NEW) == replayed(conn, NEW)
    assert live_tables(conn) == [("labels", 7), ("things", 7)]
    assert "parts" not in tables_in(conn, "projections")
    assert tables_in(conn, "projections_old_things") == {"things", "parts"}
    assert drift.check(owner, [NEW]).drifts == ()
    fill(store, 11)
    assert catch_up(url, NEW) == {}
    assert stored(conn, NEW) == replayed(conn, NEW)
    rebuild(url, OLD)
    assert stored(conn, OLD) == replayed(conn, OLD)
    assert live_tables(conn) == [("parts", 1), ("things", 1)]
    assert tables_in(conn, "projections_old_things") == {"things", "labels"}
    assert drift.check(owner, [OLD]).drifts == ()


def test_a_projection_without_tables_gets_them_by_its_first_rebuild(
    store: EventStore, url: str, conn: Connection, owner: Connection
) -> None:
    owner.execute("DROP TABLE things, parts")
    owner.execute("DELETE FROM live_tables WHERE projection = 'things'")
    fill(store)
    failures = catch_up(url, NEW)
    assert isinstance(failures["things"], NotInstalled)
    assert "projections rebuild things" in str(failures["things"])
    with pytest.raises(NotInstalled):
        drift.check(owner, [NEW])
    rebuild(url, NEW)
    assert catch_up(url, NEW) == {}
    assert stored(conn, NEW) == replayed(conn, NEW)
    assert live_tables(conn) == [("labels", 7), ("things", 7)]
    assert tables_in(conn, "projections_old_things") == set()


def test_a_projector_goes_by_the_rules_of_the_live_rows(
    store: EventStore, url: str, conn: Connection, owner: Connection
) -> None:
    """Before a rebuild to the newest, and, without a restart, after it."""
    fill(store)
    with running(url, NEW, OLD) as daemon:
        until(lambda: len(stored(conn, OLD)["parts"]) == 10, "the rows of the old rules")
        there = checkpoint(conn, "things")
        assert there is not None
        assert there["projection_version"] == 1
        rebuild(url, NEW)
        fill(store, 11)
        until(lambda: len(stored(conn, NEW)["labels"]) == 20, "the rows of the new rules")
    assert daemon.failures == {}
    assert stored(conn, NEW) == replayed(conn, NEW)


@pytest.mark.parametrize("ran_before", [False, True])
def test_tables_of_a_version_that_nobody_knows_wait_for_a_rebuild(
    store: EventStore, url: str, conn: Connection, ran_before: bool
) -> None:
    if ran_before:
        catch_up(url, OLD)
    fill(store)
    refused = catch_up(url, NEW)["things"]
    assert isinstance(refused, RulesDiffer)
    assert (refused.found, refused.ours) == (1, 7)
    assert stored(conn, OLD)["things"] == {}


@pytest.mark.parametrize("whose", ["the projection things", "no projection"])
def test_a_name_that_is_taken_is_not_taken_over(
    url: str, conn: Connection, owner: Connection, whose: str
) -> None:
    if whose == "no projection":
        owner.execute("DELETE FROM live_tables WHERE projection = 'things'")
    with pytest.raises(RebuildRefused, match=f"projections.things is there, .* to {whose}"):
        rebuild(url, Twin())
    assert tables_in(conn, "projections") >= {"things", "parts"}


def test_a_dropped_table_comes_back_by_a_rebuild(
    store: EventStore, url: str, conn: Connection, owner: Connection
) -> None:
    fill(store)
    owner.execute("DROP TABLE parts")
    rebuild(url, OLD)
    assert stored(conn, OLD) == replayed(conn, OLD)


def test_down_and_up_with_tables_of_later_versions(
    store: EventStore, url: str, conn: Connection, owner: Connection
) -> None:
    """What an older schema doesn't know goes; what it makes is made again."""
    fill(store)
    rebuild(url, NEW)
    owner.execute("UPDATE live_tables SET projection_version = 2 WHERE projection = 'work'")
    migrate.downgrade(url, "0003_read_models")
    there = tables_in(conn, "projections")
    assert "things" not in there
    assert {"packages", "work_orders", "work_items", "attempts", "agents"} <= there
    assert checkpoint(conn, "things") is None
    migrate.upgrade(url)
    for projection in PROJECTIONS:
        assert drift.check(owner, [projection]).drifts == ()
