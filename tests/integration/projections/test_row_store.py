"""Rows come back from the database as they went, and a batch costs the same round trips always."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstore import Event, EventStore
from eventstore.connection import flight
from eventstore.encoding.vector import Vector
from eventstore.reading.read import page_after, watermark
from projections.apply.batch import apply_events
from projections.apply.holding import Holding
from projections.checkpoint import Lease, acquire
from projections.row import Key, Row, full_key
from projections.row_store import RowStore
from projections.session import Connection, open_session
from tests.integration.projections.running import number
from tests.integration.projections.things import Part, PartAdded, Thing, ThingMade, Things

WHEN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
floats = st.floats(allow_nan=False, allow_infinity=False)
integers = st.integers(-(2**63), 2**63 - 1)
vectors = st.builds(
    Vector,
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=5
    ).filter(any),
)
json_values = st.recursive(
    st.none() | st.booleans() | integers | floats | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def thing(**values: Any) -> Thing:
    row = Thing(**{"id": number(1), "name": "n", "tags": [], "info": {}, **values})
    row.tenant_id, row.created_at, row.updated_at, row.position = "default", WHEN, WHEN, 7
    return row


@pytest.fixture
def loading(url: str) -> Iterator[Connection]:
    """The owner's connection, and tables as a build loads them: without protection."""
    with open_session(url, part="test", role="owner") as owner:
        owner.execute("CREATE SCHEMA loading")
        owner.execute("CREATE TABLE loading.things (LIKE projections.things)")
        owner.execute("ALTER TABLE loading.things ALTER loud DROP NOT NULL")
        yield owner


def round_trip(conn: Connection, row: Thing) -> dict[str, Any]:
    store = RowStore(Things())
    key = full_key(row)
    with conn.transaction():
        store.save(conn, {Thing: {key: row}, Part: {}}, {(Thing, key)})
    found = store.load(conn, [(Thing, key)])[Thing][key]
    assert found is not None
    return vars(found)


def same(found: Any, wanted: Any) -> bool:
    """Equal, and of the same type, all the way down."""
    if type(found) is not type(wanted):
        return False
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(same(found[k], wanted[k]) for k in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    return bool(found == wanted)


THINGS = st.builds(
    thing,
    name=texts.filter(bool),
    amount=floats,
    price=st.decimals(allow_nan=False, allow_infinity=False, places=5),
    big=st.integers(0, 2**63 - 1),
    tags=st.lists(texts, max_size=4),
    info=st.dictionaries(texts, json_values, max_size=4),
    seen_at=st.none()
    | st.datetimes(datetime(1, 1, 2), datetime(9998, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    note=st.none() | texts,
    meaning=st.none() | vectors,
    retired=st.booleans(),
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(row=THINGS)
def test_a_row_comes_back_as_it_went(conn: Connection, row: Thing) -> None:
    found = round_trip(conn, row)
    assert same(found, vars(row)), f"{found} is not {vars(row)}"


@pytest.mark.parametrize(
    "value",
    [1e16, 1e22, 1.2345678901234567e18, 2.0**63, math.nextafter(1e16, 0), 1.7e308, 5e-324, -1e300],
)
def test_a_float_stays_a_float_in_json(conn: Connection, value: float) -> None:
    """Jsonb writes 1e+16 as an integer, and 1.2345678901234568e+18 as another one."""
    found = round_trip(conn, thing(info={"deep": [{"x": value}], "text": "1e+16"}, amount=value))
    assert same(found["info"], {"deep": [{"x": value}], "text": "1e+16"})
    assert found["amount"] == value


def test_money_keeps_its_digits(conn: Connection) -> None:
    assert str(round_trip(conn, thing(price=Decimal("12.340")))["price"]) == "12.340"


def test_what_is_not_there_is_absent(conn: Connection) -> None:
    state = RowStore(Things()).load(conn, [(Thing, ("default", number(404)))])
    assert state == {Thing: {}, Part: {}}


def test_a_row_of_another_tenant_is_another_row(conn: Connection) -> None:
    ours, theirs = thing(name="ours"), thing(name="theirs")
    theirs.tenant_id = "other"
    store = RowStore(Things())
    rows: dict[Key, Row | None] = {full_key(row): row for row in (ours, theirs)}
    with conn.transaction():
        store.save(conn, {Thing: rows, Part: {}}, {(Thing, key) for key in rows})
    found = store.load(conn, [(Thing, full_key(ours))])[Thing]
    assert [vars(row) for row in found.values() if row] == [vars(ours)]


def test_round_trips_do_not_grow_with_the_batch(
    store: EventStore, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def story(first: int, count: int) -> None:
        for n in range(first, first + count):
            events: list[Event] = [ThingMade(thing_id=number(n), name=str(n))]
            events += [PartAdded(thing_id=number(n), part_no=p, label="p") for p in (1, 2)]
            store.append(f"thing-{n}", events)

    lease = acquire(conn, Things(), seconds=60)
    assert isinstance(lease, Lease)
    statements: Counter[str] = Counter()
    execute = psycopg.Connection.execute

    def counted(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        if self is conn:
            statements[str(query)] += 1
        return execute(self, query, *args, **kwargs)

    put = flight._put

    def counted_put(session: Any, name: bytes, *args: Any) -> None:
        if session is conn:
            statements[name.decode()] += 1
        put(session, name, *args)

    monkeypatch.setattr(psycopg.Connection, "execute", counted)
    monkeypatch.setattr(flight, "_put", counted_put)

    def applied(count: int) -> Counter[str]:
        """The statements that one batch of that many things takes."""
        statements.clear()
        until = watermark(conn)
        events = page_after(conn, lease.position, until, 10_000)
        assert len(events) == 3 * count
        apply_events(conn, RowStore(Things()), lease, Holding(), events, until)
        return statements.copy()

    story(1, 1)
    few = applied(1)
    story(2, 200)
    many = applied(200)
    assert few == many
    # The watermark, the page; two loads; checkpoint, two writes; the plans forgotten.
    assert sum(many.values()) == 8
    assert conn.execute("SELECT count(*) FROM projections.parts").fetchone() == (402,)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(row=THINGS)
def test_a_row_that_was_copied_comes_back_as_it_went(loading: Connection, row: Thing) -> None:
    """By COPY alone: what the way by JSON would make of it does not count."""
    store, key = RowStore(Things(), "loading"), full_key(row)
    with loading.transaction():
        store.remove(loading, Thing, [key])
        store._copy(loading, Thing, [row])
    found = vars(store.load(loading, [(Thing, key)])[Thing][key])
    assert same(found, vars(row)), f"{found} is not {vars(row)}"


def test_what_copy_does_not_take_is_converted_by_the_server(loading: Connection) -> None:
    row = thing(price=1.5, note=datetime(2026, 1, 2, tzinfo=UTC))
    store, key = RowStore(Things(), "loading"), full_key(row)
    store.insert(loading, Thing, [row])
    found = store.load(loading, [(Thing, key)])[Thing][key]
    assert isinstance(found, Thing)
    assert (found.price, found.note) == (Decimal("1.5"), "2026-01-02T00:00:00+00:00")


def test_ids_are_uuids_again(conn: Connection) -> None:
    assert isinstance(round_trip(conn, thing())["id"], UUID)
