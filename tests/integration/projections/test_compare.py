"""Other rules over the same log: what would be otherwise, and nothing is."""

from __future__ import annotations

from typing import Any

import pytest

from eventstore import EventStore
from projections.audit.change import Change
from projections.audit.compare import compare, load_rules
from projections.errors import CompareRefused, RulesNotFound
from projections.packaging import Packaging
from projections.session import Connection
from tests.integration.projections.building import ShardedThings, fill
from tests.integration.projections.other_rules import Broken, Doubled, Graded, Rekeyed, Same
from tests.integration.projections.running import catch_up, number, stored
from tests.integration.projections.things import AmountAdded, ThingMade, ThingRetired, Things

MODULE = "tests.integration.projections.other_rules"


@pytest.fixture(params=["memory", "tables", "spilled", "processes"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    if request.param == "memory":
        return {}
    monkeypatch.setattr("projections.builds.build._FEW_POSITIONS", 0)
    if request.param == "processes":
        return {"workers": 2, "rows_in_memory": 3}
    monkeypatch.setattr("projections.builds.build.can_travel", lambda task: False)
    if request.param == "tables":
        return {}
    monkeypatch.setattr("projections.builds.log_pages._PAGE", 10)
    return {"rows_in_memory": 3}


@pytest.fixture
def filled(store: EventStore, url: str) -> str:
    """Twelve things: nine with all that fill makes, three with a name only, one of them retired."""
    fill(store, 1, 4)
    for n in (5, 6, 7):
        store.append(f"thing-{n}", [ThingMade(thing_id=number(n), name=f"thing {n}")])
    store.append("thing-5", [ThingRetired(thing_id=number(5))])
    fill(store, 8, 5)
    store.append("thing-2", [AmountAdded(thing_id=number(2), amount=1)])
    assert catch_up(url, Things()) == {}
    return url


def test_the_same_rules_differ_in_nothing(filled: str, way: dict[str, Any]) -> None:
    found = compare(filled, ShardedThings(), Same(), **way)
    assert found.equal
    assert found.changes == ()
    assert [(each.table, each.rows, each.counts) for each in found.tables] == [
        ("things", 12, {}),
        ("parts", 9, {}),
    ]


def test_every_kind_of_change(filled: str, conn: Connection, way: dict[str, Any]) -> None:
    before = stored(conn, Things())
    heard: list[Change] = []
    found = compare(filled, ShardedThings(), Doubled(), each=heard.append, **way)
    assert not found.equal
    assert {each.table: each.counts for each in found.tables} == {
        "things": {"changed": 2, "removed": 1},
        "parts": {"added": 1},
    }
    changes = {(each.table, each.key[1:], each.kind): each.columns for each in found.changes}
    assert changes["things", (number(2),), "changed"] == {"amount": (1.1, 2.1)}
    assert changes["things", (number(1),), "changed"] == {"part_count": (1, 2)}
    assert changes["things", (number(5),), "removed"]["name"] == ("thing 5", None)
    assert changes["parts", (number(1), 1), "added"]["label"] == (None, "one")
    assert heard == list(found.changes)
    assert stored(conn, Things()) == before


def test_other_columns_and_tables(filled: str, way: dict[str, Any]) -> None:
    found = compare(filled, ShardedThings(), Graded(), **way)
    things, parts, tallies = found.tables
    assert (things.sides, things.counts) == ("both", {})
    assert "grade" in things.columns_only_other
    assert "retired" in things.columns_only_live
    assert (parts.sides, parts.rows, parts.counts) == ("live", 9, {"removed": 9})
    assert (tallies.sides, tallies.rows, tallies.counts) == ("other", 12, {"added": 12})
    assert found.held == 0
    added = [each for each in found.changes if each.table == "tallies" and each.key[1] == number(1)]
    assert added[0].columns["parts"] == (None, 2)


def test_rules_that_fail_are_listed(filled: str, way: dict[str, Any]) -> None:
    found = compare(filled, ShardedThings(), Broken(), **way)
    assert not found.equal
    assert found.held == len(found.failures) + 1  # the amount behind thing 2's first one
    assert {each.event_type for each in found.failures} == {"things.amount_added"}
    assert "no amounts here" in found.failures[0].error
    assert [each.position for each in found.failures] == sorted(
        each.position for each in found.failures
    )


def test_the_first_are_kept_all_are_heard(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.audit.compare.SHOWN", 2)
    heard: list[Change] = []
    found = compare(filled, ShardedThings(), Graded(), each=heard.append)
    assert (len(found.changes), len(heard)) == (2, 21)


def test_other_keys_are_refused(filled: str) -> None:
    with pytest.raises(CompareRefused, match="the key of things is id, and not name"):
        compare(filled, Things(), Rekeyed())


def test_uneven_shards_need_rules_sharded_alike(filled: str, conn: Connection) -> None:
    conn.execute("UPDATE checkpoints SET shards = 2")
    conn.execute(
        "INSERT INTO checkpoints (projection, shard, shards, projection_version, position) "
        "VALUES ('things', 1, 2, 1, 7)"
    )
    with pytest.raises(CompareRefused, match="different positions"):
        compare(filled, ShardedThings(), Graded())
    assert compare(filled, ShardedThings(), Same()).position == 7


def test_of_a_projection_that_never_ran(url: str, store: EventStore) -> None:
    fill(store, 1, 2)
    assert compare(url, Things(), Doubled()).equal


def test_rules_are_found_by_name() -> None:
    assert isinstance(load_rules(f"{MODULE}:Doubled"), Doubled)
    assert isinstance(load_rules("projections.packaging:Packaging"), Packaging)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nonsense", "module:Class"),
        (":Class", "module:Class"),
        ("no.such.module:Class", "ModuleNotFoundError"),
        (f"{MODULE}:Nobody", "AttributeError"),
        (f"{MODULE}:NOTHING", "no Projection"),
        (f"{MODULE}:Tally", "no Projection|TypeError"),
        ("projections.projection:Projection", "no Projection"),
    ],
)
def test_what_is_no_rules_is_said(name: str, reason: str) -> None:
    with pytest.raises(RulesNotFound, match=reason) as caught:
        load_rules(name)
    assert caught.value.exit_code == 3
