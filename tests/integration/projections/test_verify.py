"""A verification finds whatever is not what the events say."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from eventstore import EventStore
from projections.apply.held_rows import HeldRow, page
from projections.audit.verify import verify
from projections.errors import RulesDiffer
from projections.session import Connection
from tests.integration.projections.running import catch_up, number, running
from tests.integration.projections.things import (
    AmountAdded,
    Cured,
    Forbidden,
    Overdrawn,
    PartAdded,
    ThingMade,
    Things,
)


@pytest.fixture
def filled(store: EventStore, url: str) -> str:
    for n in range(1, 6):
        thing = number(n)
        store.append(
            f"thing-{n}",
            [
                ThingMade(thing_id=thing, name=str(n), amount=0.1, info={"x": 1e17}),
                AmountAdded(thing_id=thing, amount=0.2),
                PartAdded(thing_id=thing, part_no=1, label="p"),
            ],
        )
    catch_up(url, Things())
    return url


def test_all_is_well(filled: str, store: EventStore) -> None:
    found = verify(filled, Things())
    assert (found.rows, found.wrong, found.differences) == (10, 0, ())
    assert (found.position, found.events) == (store.watermark(), 15)


def test_what_came_after_the_checkpoint_does_not_count(filled: str, store: EventStore) -> None:
    store.append("thing-9", [ThingMade(thing_id=number(9), name="9")])
    assert verify(filled, Things()).wrong == 0


@pytest.mark.parametrize(
    ("tampering", "problem", "columns"),
    [
        ("UPDATE things SET note = 'x' WHERE name = '3'", "different", {"note": ("x", None)}),
        (
            "UPDATE things SET amount = 0.3 WHERE name = '3'",
            "different",
            {"amount": (0.3, 0.1 + 0.2)},
        ),
        ("UPDATE things SET position = 1 WHERE name = '3'", "different", {"position": (1, 9)}),
        ("DELETE FROM parts WHERE position = 9", "missing", {}),
        (
            "INSERT INTO parts VALUES ('default', '00000000-0000-0000-0000-000000000003', 7, 'x', "
            "now(), now(), 1)",
            "unexpected",
            {},
        ),
    ],
)
def test_a_row_that_was_tampered_with_is_found(
    filled: str, conn: Connection, tampering: str, problem: str, columns: dict[str, object]
) -> None:
    conn.execute(tampering)
    found = verify(filled, Things())
    assert found.wrong == 1
    (difference,) = found.differences
    assert (difference.problem, difference.columns) == (problem, columns)
    assert number(3) in difference.key


def test_only_so_many_are_shown(
    filled: str, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.audit.verify.SHOWN", 3)
    conn.execute("UPDATE things SET note = 'x'")
    found = verify(filled, Things())
    assert (found.wrong, len(found.differences)) == (5, 3)


def test_it_is_undisturbed_by_the_projector(filled: str, store: EventStore) -> None:
    stop = threading.Event()

    def append() -> None:
        while not stop.is_set():
            store.append("thing-1", [AmountAdded(thing_id=number(1), amount=1)])

    thread = threading.Thread(target=append)
    with running(filled, Things()):
        thread.start()
        try:
            for _ in range(5):
                assert verify(filled, Things()).wrong == 0
        finally:
            stop.set()
            thread.join()


def test_it_is_right_in_the_middle_of_a_retry(
    filled: str, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is held is tried again in chunks: some of it is in the tables, some not yet."""
    for n in (1, 2):
        store.append(f"thing-{n}", [Forbidden(thing_id=number(n))])
        for _ in range(5):
            store.append(f"thing-{n}", [AmountAdded(thing_id=number(n), amount=1)])
    store.append("thing-3", [Overdrawn(thing_id=number(3))])
    store.append("thing-3", [AmountAdded(thing_id=number(3), amount=1)])
    assert catch_up(filled, Things()) == {}
    found: list[tuple[int, int, int]] = []

    def chunk(*arguments: Any) -> list[HeldRow]:
        said = verify(filled, Cured())
        found.append((said.held, said.wrong, said.failed))
        return page(*arguments)

    monkeypatch.setattr("projections.apply.retry._CHUNK", 2)
    monkeypatch.setattr("projections.apply.retry.page", chunk)
    assert catch_up(filled, Cured()) == {}
    assert [held for held, _, _ in found[:8]] == [14, 12, 10, 8, 6, 4, 2, 0]
    assert {(wrong, failed) for _, wrong, failed in found} == {(0, 0)}


def test_rows_of_other_rules_are_not_compared(filled: str) -> None:
    class Newer(Things, name="things", tables=Things.tables, version=2):
        pass

    with pytest.raises(RulesDiffer):
        verify(filled, Newer())


def test_a_projection_that_never_ran(url: str) -> None:
    assert verify(url, Things()).rows == 0


def test_the_snapshot_is_given_back(filled: str, admin_url: str) -> None:
    verify(filled, Things())
    with psycopg.connect(admin_url) as admin:
        left = admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%verify%'"
        ).fetchone()
    assert left == (0,)
