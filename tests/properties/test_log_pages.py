"""Pages that look into few partitions hold what pages of the whole log hold.

Over logs of several tenants whose clocks went back and forth, in partitions some of which are
sealed, some half sealed, some detached and attached again. What the log is, a plain query says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import hypothesis.strategies as st
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings

from eventstore import Query
from eventstore.connection.database import Connection, connect
from eventstore.reading import read
from eventstore.reading.read_query import query_page

_MONTHS: Final = 4
"""That are over; one more is this month."""
_CLASSES: Final = ("audit", "work")
_TENANTS: Final = ("one", "two")
_TYPES: Final = ("page.said", "page.asked", "page.rare")


class Entry(NamedTuple):
    """An event as drawn: `gap` is how many positions nobody took before it."""

    gap: int
    month: int
    retention_class: str
    tenant: str
    event_type: str


class Part(NamedTuple):
    """What happens to a month of a class, in this order."""

    sealed: bool
    mapped: bool
    detached: bool
    attached: bool


def _mostly(usual: st.SearchStrategy[Any], seldom: st.SearchStrategy[Any]) -> Any:
    return st.integers(0, 4).flatmap(lambda n: usual if n else seldom)


@st.composite
def _logs(draw: st.DrawFn) -> list[Entry]:
    """Mostly in the order of the months, as clocks go; some events are where a clock was wrong."""
    entries = [
        Entry(
            draw(_mostly(st.just(0), st.integers(1, 30))),
            month,
            draw(st.sampled_from(_CLASSES)),
            draw(st.sampled_from(_TENANTS)),
            draw(_mostly(st.sampled_from(_TYPES[:2]), st.just(_TYPES[2]))),
        )
        for month in sorted(draw(st.lists(st.integers(0, _MONTHS), min_size=4, max_size=40)))
    ]
    for at in draw(st.lists(st.integers(0, len(entries) - 1), max_size=4)):
        entries[at] = entries[at]._replace(month=draw(st.integers(0, _MONTHS)))
    return entries


@st.composite
def _histories(draw: st.DrawFn) -> list[Part]:
    """Upkeep goes month by month; what is beyond some month is as it may be."""
    kept = draw(st.integers(0, _MONTHS)) * len(_CLASSES)
    yes_or_no = st.booleans()
    return [
        Part(
            sealed=number < kept or draw(yes_or_no),
            mapped=number < kept or draw(yes_or_no),
            detached=draw(_mostly(st.just(False), st.just(True))),
            attached=draw(yes_or_no),
        )
        for number in range(_MONTHS * len(_CLASSES))
    ]


def _month(number: int) -> datetime:
    now = datetime.now(UTC)
    months = 12 * now.year + now.month - 1 - _MONTHS + number
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def _names() -> list[str]:
    return [f"events_{c}_{_month(n):%Y_%m}" for n in range(_MONTHS) for c in _CLASSES]


@pytest.fixture
def log(database_url: str, admin_url: str) -> Iterator[Connection]:
    """The superuser, in a database with some months that are over, and this one."""
    with closing(connect(database_url, role="owner")) as owner:
        here = {f"events_{c}_{_month(_MONTHS):%Y_%m}" for c in _CLASSES}
        for (name,) in owner.execute("SELECT name FROM eventstore.partitions").fetchall():
            if name not in here:  # planning takes most of the time
                owner.execute(f"DROP TABLE eventstore.{name}")
        for name in _names():
            owner.execute(f"CREATE TABLE eventstore.{name} (LIKE eventstore.events INCLUDING ALL)")
            owner.execute(f"SELECT eventstore.protect_log('eventstore.{name}')")
            owner.execute(f"SELECT eventstore.attach_partition('{name}')")
    with psycopg.connect(admin_url) as connection:
        connection.adapters.register_loader("json", psycopg.types.string.ByteaBinaryLoader)
        yield connection


def _fill(log: Connection, entries: list[Entry]) -> list[int]:
    """Appends them, as the superuser alone can do it: at any time."""
    rows, position = [], 0
    for number, entry in enumerate(entries):
        position += 1 + entry.gap
        rows.append(
            {
                "position": position,
                "at": _month(entry.month).replace(day=1 + number % 28),
                "data": json.dumps({"key": f"k{number % 5}"}),
                **entry._asdict(),
            }
        )
    log.cursor().executemany(
        """
        INSERT INTO eventstore.events (
            position, tenant_id, event_id, stream_id, category, stream_version, event_type,
            schema_version, correlation_id, retention_class, data, data_hash, metadata,
            occurred_at, recorded_at, tags)
        VALUES (%(position)s, %(tenant)s, uuidv7(), 'page-1', 'page', %(position)s, %(event_type)s,
                1, uuidv7(), %(retention_class)s, %(data)s, '', '{}', %(at)s, %(at)s,
                CASE WHEN %(position)s %% 3 = 0 THEN '{third}'::text[] ELSE '{}' END)
        """,
        rows,
    )
    return [row["position"] for row in rows]


def _keep(log: Connection, history: list[Part]) -> None:
    """Does to the partitions what upkeep and operators do."""
    for name, part in zip(_names(), history, strict=True):
        if part.sealed:
            log.execute("SELECT eventstore.seal_partition(%s)", [name])
            if part.mapped:
                log.execute("SELECT eventstore.map_partition(%s)", [name])
        if part.detached:
            parent = name[:-8]
            log.execute(f"ALTER TABLE eventstore.{parent} DETACH PARTITION eventstore.{name}")
    log.execute("SELECT eventstore.move_sealed_until()")
    for name, part in zip(_names(), history, strict=True):
        if part.detached and part.attached:
            log.execute("SELECT eventstore.attach_partition(%s)", [name])


def _as_reader(log: Connection, role: str, tenant: str) -> None:
    log.execute("SET LOCAL SESSION AUTHORIZATION eventstore")
    log.execute("SELECT set_config('role', %s, true)", [f"eventstore_{role}"])
    log.execute("SELECT set_config('eventstore.tenant', %s, true)", [tenant])


def _plainly(log: Connection, condition: str, *values: object) -> list[int]:
    query = f"SELECT position FROM eventstore.events WHERE {condition} ORDER BY position"
    return [row[0] for row in log.execute(query, values)]


Page = Callable[[int, int, int], Any]


def _same(page: Page, wanted: list[int], after: int, until: int, size: int) -> None:
    """Page for page: full but for the last, nothing skipped, nothing twice."""
    wanted = [position for position in wanted if after < position <= until]
    for begin in range(0, len(wanted) + 1, size):
        found = [event.position for event in page(after, until, size)]
        assert found == wanted[begin : begin + size]
        if found:
            after = found[-1]


@given(st.data())
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_pages_hold_what_the_log_holds(log: Connection, data: st.DataObject) -> None:
    with log.transaction(force_rollback=True):
        positions = _fill(log, data.draw(_logs(), label="log"))
        _keep(log, data.draw(_histories(), label="history"))
        place = st.integers(0, positions[-1] + 1)
        after, until = data.draw(place, label="after"), data.draw(place, label="until")
        sizes = st.integers(1, len(positions) + 1)
        size = data.draw(sizes, label="size")
        _as_reader(log, "projector", "")
        everything = _plainly(log, "true")
        _same(lambda *p: read.page_after(log, *p), everything, after, until, size)
        _same(lambda *p: read.page_after(log, *p), everything, 0, 2**62, data.draw(sizes))
        some = list(_TYPES[1:])
        shard = "event_type = ANY (%s) AND eventstore.shard_of(data ->> 'key', 2) = 1"
        _same(
            lambda *p: read.shard_page_after(
                log, *p, field="key", shard=1, shards=2, event_types=some
            ),
            _plainly(log, shard, some), after, until, size,
        )  # fmt: skip
        at = data.draw(st.lists(place, unique=True), label="at")
        there = [event.position for event in read.events_at(log, at)]
        assert there == sorted({*at} & {*everything})
        _as_reader(log, "auditor", "one")
        own = _plainly(log, "true")
        assert own == [p for p in everything if p in own]
        _same(lambda *p: read.page_after(log, *p), own, after, until, size)
        _same(lambda *p: read.log_page(log, "one", *p).all(), own, after, until, size)
        assert read.page_after(log, 0, 2**62, tenant="two") == []
        rare = _plainly(log, "event_type = 'page.rare'")
        _same(
            lambda *p: read.log_page(log, "one", *p, event_types=["page.rare"]).all(),
            rare, after, until, size,
        )  # fmt: skip
        query = Query(types=["page.rare"]) | Query(tags=["third"])
        _same(
            lambda *p: query_page(log, query, *p, tenant="one").all(),
            _plainly(log, "event_type = 'page.rare' OR tags @> '{third}'"), after, until, size,
        )  # fmt: skip
