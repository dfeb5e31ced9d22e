"""A projection, live: what it applies, and how it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import psycopg
import pytest

from eventstore import EventStore, RecordedEvent
from eventstore.connection.database import connect
from projections.apply.applier import Applier
from projections.errors import RulesDiffer
from projections.projection import Rows, on
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
from tests.integration.projections.things import (
    AmountAdded,
    Noise,
    PartAdded,
    PartRemoved,
    ThingMade,
    ThingRenamed,
    ThingRetired,
    Things,
)


def made(n: int, name: str | None = None) -> ThingMade:
    return ThingMade(thing_id=number(n), name=name or f"thing {n}")


def test_events_become_rows(store: EventStore, url: str, conn: Connection) -> None:
    a, b = number(1), number(2)
    store.append("thing-a", [made(1, "a"), PartAdded(thing_id=a, part_no=1, label="p1")])
    store.append("thing-b", [made(2, "b"), AmountAdded(thing_id=b, amount=2.5)])
    store.append("thing-a", [PartAdded(thing_id=a, part_no=n, label=f"p{n}") for n in (2, 3)])
    store.append("thing-a", [PartRemoved(thing_id=a, part_no=2), ThingRetired(thing_id=a)])
    assert catch_up(url, Things()) == {}
    things = conn.execute("SELECT name, amount, part_count, retired FROM things ORDER BY 1")
    assert things.fetchall() == [("a", 0, 2, True), ("b", 2.5, 0, False)]
    parts = conn.execute("SELECT part_no, label FROM parts ORDER BY 1")
    assert parts.fetchall() == [(1, "p1"), (3, "p3")]
    there = checkpoint(conn, "things")
    assert there is not None
    assert (there["position"], there["applied"]) == (store.watermark(), 8)
    assert (there["state"], there["holder"]) == ("stopped", None)


def test_rows_are_stamped_by_their_events(store: EventStore, url: str, conn: Connection) -> None:
    receipt = store.append("thing-a", [made(1), AmountAdded(thing_id=number(1), amount=1)])
    catch_up(url, Things())
    first, last = store.read_stream("thing-a")
    row = conn.execute("SELECT created_at, updated_at, position FROM things").fetchone()
    assert row == (first.occurred_at, last.occurred_at, receipt.positions[-1])


def test_it_follows(store: EventStore, url: str, conn: Connection) -> None:
    def there(n: int) -> bool:
        query = "SELECT FROM things WHERE id = %s"
        return conn.execute(query, [number(n)]).fetchone() is not None

    with running(url, Things()):
        for n in range(1, 4):
            store.append(f"thing-{n}", [made(n)])
            until(partial(there, n), "the row")


def test_the_checkpoint_follows_a_log_of_other_events(
    store: EventStore, url: str, conn: Connection
) -> None:
    with running(url, Things()):
        store.append("noise-1", [Noise()])
        there = until(
            lambda: (checkpoint(conn, "things") or {}).get("position") == store.watermark(),
            "the checkpoint",
        )
        assert there


def test_small_batches_give_the_same_rows(store: EventStore, url: str, conn: Connection) -> None:
    for n in range(1, 30):
        store.append(f"thing-{n}", [made(n), AmountAdded(thing_id=number(n), amount=0.1)])
        store.append("thing-1", [AmountAdded(thing_id=number(1), amount=0.1)])
    assert catch_up(url, Things(), batch=3) == {}
    assert stored(conn, Things()) == replayed(conn, Things())


def test_a_batch_that_fails_only_as_a_batch_goes_through(
    store: EventStore, url: str, conn: Connection
) -> None:
    """Two things swap names by way of a third: at no moment do two have the same."""
    store.append("thing-1", [made(1, "left"), made(2, "right")])
    assert catch_up(url, Things()) == {}
    store.append(
        "thing-1",
        [
            ThingRenamed(thing_id=number(1), name="between"),
            ThingRenamed(thing_id=number(2), name="left"),
            ThingRenamed(thing_id=number(1), name="right"),
        ],
    )
    assert catch_up(url, Things()) == {}
    names = conn.execute("SELECT name FROM things ORDER BY id").fetchall()
    assert names == [("right",), ("left",)]


def test_a_name_that_was_given_up_can_be_taken_in_the_same_batch(
    store: EventStore, url: str, conn: Connection
) -> None:
    store.append("thing-1", [made(1, "a")])
    catch_up(url, Things())
    store.append("thing-1", [ThingRetired(thing_id=number(1)), made(2, "a")])
    assert catch_up(url, Things()) == {}
    assert conn.execute("SELECT count(*) FROM things WHERE name = 'a'").fetchone() == (2,)


def test_other_rules_do_not_go_on_from_these_rows(store: EventStore, url: str) -> None:
    store.append("thing-1", [made(1)])
    catch_up(url, Things())

    class Newer(Things, name="things", tables=Things.tables, version=2):
        pass

    error = catch_up(url, Newer())["things"]
    assert isinstance(error, RulesDiffer)
    assert "rebuild things" in str(error)


def test_it_comes_back_after_its_connections_were_cut(
    store: EventStore, url: str, conn: Connection, admin_url: str
) -> None:
    def has_rows(count: int) -> bool:
        return conn.execute("SELECT count(*) FROM things").fetchone() == (count,)

    with running(url, Things()), psycopg.connect(admin_url, autocommit=True) as admin:
        for n in range(1, 6):
            store.append(f"thing-{n}", [made(n)])
            until(partial(has_rows, n), "the row")
            cut = admin.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE application_name ~ '^eventstore (things|tail)'"
            ).fetchone()
            assert cut is not None
            assert cut[0] > 0
        store.append("thing-9", [made(9)])
        until(partial(has_rows, 6), "the row after the last cut")
    assert stored(conn, Things()) == replayed(conn, Things())


def test_batches_grow_again_after_a_lost_connection(
    store: EventStore, url: str, conn: Connection, admin_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That event may have been too much for one transaction; those behind it are not."""
    told: list[int] = []

    class Cutting(Things, name="things", tables=Things.tables):
        @on(ThingMade)
        def made(self, event: ThingMade, recorded: RecordedEvent, rows: Rows) -> None:
            if not told:
                told.append(1)
                store.append("thing-2", [made(n) for n in range(2, 502)])
                with psycopg.connect(admin_url) as admin:
                    admin.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE application_name ~ '^eventstore things'"
                    )
            super().made(event, recorded, rows)

    batches: list[int] = []
    apply = Applier.apply

    def counted(
        applier: Applier, conn: Connection, events: Sequence[RecordedEvent], to: int
    ) -> Any:
        batches.append(len(events))
        return apply(applier, conn, events, to)

    monkeypatch.setattr(Applier, "apply", counted)
    with running(url, Cutting()):
        store.append("thing-1", [made(1)])
        until(lambda: (checkpoint(conn, "things") or {}).get("applied") == 501, "all are applied")
    assert batches[0] == 1
    assert sum(batches) == 502
    assert len(batches) < 20


def test_a_tenant_sees_its_own_rows_only(store: EventStore, url: str) -> None:
    store.append("thing-1", [made(1, "ours")])
    with EventStore.open(url, tenant="other") as others:
        others.append("thing-1", [made(1, "theirs")])
    assert catch_up(url, Things()) == {}
    seen = {}
    for tenant in ("default", "other"):
        with connect(url, role="auditor", tenant=tenant) as auditor:
            seen[tenant] = auditor.execute("SELECT name FROM things").fetchall()
    assert seen == {"default": [("ours",)], "other": [("theirs",)]}
