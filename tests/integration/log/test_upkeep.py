"""The stored watermark, and what is done for the log again and again."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from eventstore import EventStore
from eventstore.connection.database import Connection, connect
from eventstore.upkeep import chores as upkeep
from eventstore.upkeep.chores import Upkeep, store_watermark
from eventstore.upkeep.health import health
from tests.integration.log.clock import Clock
from tests.integration.log.facts import said
from tests.integration.log.raw_append import append
from tests.integration.log.waiting import until


def stored(admin: Connection) -> int:
    row = admin.execute("SELECT watermark FROM eventstore.stored_watermark").fetchone()
    assert row is not None
    return int(row[0])


def age(admin: Connection, seconds: float) -> None:
    """As if it had been stored so long ago."""
    admin.execute(
        "UPDATE eventstore.stored_watermark SET at = clock_timestamp() - make_interval(secs => %s)",
        [seconds],
    )


def test_it_is_never_beyond_the_watermark(
    store: EventStore, database_url: str, appender: Connection, admin: Connection
) -> None:
    age(admin, 1)
    with appender.transaction():
        append(appender, "s-1", 2)
        store.append("s-2", said(3))
        assert store_watermark(store.database) == store.watermark() == 0
    age(admin, 1)
    assert store_watermark(store.database) == store.watermark() == 5
    assert stored(admin) == 5


@pytest.mark.parametrize(
    ("seconds", "moved", "expected"),
    [
        (0.0, True, False), (0.08, True, False), (0.1, True, True), (-0.001, True, True),
        (0.9, False, False), (1.1, False, True), (-0.001, False, True),
    ],
)  # fmt: skip
def test_when_it_is_stored(
    store: EventStore, admin: Connection, seconds: float, moved: bool, expected: bool
) -> None:
    """After a tenth of a second, after one if nothing is new, and if the clock was set back."""
    clock = Clock(admin)
    clock.set(0, minutes=60)
    before = clock.begin(0) + timedelta(minutes=60) - timedelta(seconds=seconds)
    admin.execute("UPDATE eventstore.stored_watermark SET at = %s", [before])
    receipt = store.append("s-1", said(2)) if moved else None
    store_watermark(store.database)
    row = admin.execute("SELECT watermark, at FROM eventstore.stored_watermark").fetchone()
    position = receipt.position if receipt and expected else 0
    assert row == (position, before + timedelta(seconds=seconds if expected else 0))


def test_it_never_goes_back(store: EventStore, admin: Connection) -> None:
    admin.execute("UPDATE eventstore.stored_watermark SET watermark = 100")
    store.append("s-1", said(2))
    age(admin, 5)
    store_watermark(store.database)
    assert stored(admin) == 100


@pytest.mark.parametrize("role", ["appender", "auditor"])
def test_no_tenant_can_store_one(database_url: str, role: str) -> None:
    with (
        connect(database_url, role=role, tenant="default") as tenant,  # type: ignore[arg-type]
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        tenant.execute("SELECT eventstore.store_watermark()")


def test_upkeep_goes_on_by_itself(store: EventStore, admin: Connection) -> None:
    clock = Clock(admin)
    admin.execute(f"DROP TABLE eventstore.events_work_{clock.month(2)}")
    told: list[tuple[str, str]] = []
    with Upkeep(store.database.url, told=lambda *what: told.append(what), months_ahead=3):
        receipt = store.append("s-1", said(3))
        until(lambda: stored(admin) == receipt.position)
        until(lambda: told)
    [(what, names)] = told
    assert what == "made"
    assert len(names.split()) == 5
    assert f"events_work_{clock.month(2)}" in names


def test_what_fails_is_told_once_and_tried_again(store: EventStore, admin: Connection) -> None:
    told: list[tuple[str, str]] = []
    admin.execute("CREATE ROLE keeper_without_rights LOGIN")
    try:
        admin.execute("GRANT eventstore_projector TO keeper_without_rights")
        url = store.database.url.replace("eventstore@", "keeper_without_rights@")
        with Upkeep(url, told=lambda *what: told.append(what)):
            receipt = store.append("s-1", said(3))
            until(lambda: stored(admin) == receipt.position)
            until(lambda: told)
    finally:
        admin.execute("DROP ROLE keeper_without_rights")
    assert [what for what, _ in told] == ["failed"]


def counted(admin: Connection) -> int:
    [(position,)] = admin.execute(
        "SELECT position FROM eventstore.counted WHERE tenant_id = '*'"
    ).fetchall()
    return int(position)


def test_two_count_beside_each_other(
    store: EventStore, admin: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event is counted by one of them; an error is told, and tried again."""
    monkeypatch.setattr(upkeep, "_COUNTS_PAUSE", 0.001)
    told: list[tuple[str, str]] = []
    url = store.database.url
    with Upkeep(url, told=lambda *what: told.append(what)), Upkeep(url, told=lambda *_: None):
        for n in range(50):
            receipt = store.append(f"thing-{n}", said(1))
        until(lambda: counted(admin) == receipt.position)
        admin.execute("ALTER FUNCTION eventstore.add_counts RENAME TO lost")
        receipt = store.append("thing-50", said(1))
        until(lambda: "failed" in dict(told))
        admin.execute("ALTER FUNCTION eventstore.lost RENAME TO add_counts")
        until(lambda: counted(admin) == receipt.position)
    assert [(each.events, each.streams) for each in store.streams.categories()] == [(51, 51)]


def test_how_the_log_is(store: EventStore, admin: Connection) -> None:
    store.append("s-1", said(3))
    with store.database.reading() as connection:
        found = health(connection)
        assert (found.standby, found.watermark, found.months_ahead) == (False, 3, 2)
        assert found.missing_partitions == ()
        assert found.problems == []
        admin.execute(f"DROP TABLE eventstore.events_audit_{Clock(admin).month(1)}")
        found = health(connection)
    assert len(found.missing_partitions) == 1
    assert found.missing_partitions[0].startswith("audit ")
    assert "eventstore partitions ensure" in found.problems[0]
