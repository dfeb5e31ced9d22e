"""Who waits for whom over tags, as fixed schedules; and what goes wrong without each part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest

from eventstore import Append, EventStore, Query
from eventstore.database import Connection, connect
from tests.integration.log.condition_mutants import mutant
from tests.integration.log.facts import said
from tests.integration.log.raw_append import append_all, append_tagged
from tests.integration.log.waiting import until

MANY = [f"m:{number}" for number in range(100)]
"""More tags than the server has locks for, of one transaction on the average."""
Write = Callable[[Connection], list[int]]


@pytest.fixture
def first(database_url: str) -> Iterator[Connection]:
    """An appender whose transaction is left open."""
    with connect(database_url, role="appender", tenant="default") as connection:
        yield connection


@pytest.fixture
def second(database_url: str) -> Iterator[Connection]:
    """An appender that comes while that of `first` is open."""
    with connect(database_url, role="appender", tenant="default") as connection:
        yield connection


def plain(stream_id: str, *tags: str) -> Write:
    """An append with tags."""
    return lambda connection: append_all(connection, [Append(stream_id, said(1), tags=tags)])


def shortly(stream_id: str, *tags: str) -> Write:
    """The same by the short way that a lone append takes."""
    return lambda connection: append_tagged(connection, stream_id, tags)


def unless(excluded: Sequence[str], stream_id: str, *tags: str) -> Write:
    """An append with tags, unless there is an event that has all of the excluded ones."""
    query = Query(tags=excluded)
    part = Append(stream_id, said(1), tags=tags[:64], fail_if_any=query)
    rest = [Append(stream_id, said(1), tags=[tag]) for tag in tags[64:]]
    return lambda connection: append_all(connection, [part, *rest])


def many(stream_id: str, *tags: str) -> Write:
    """An append whose many events have each a tag."""
    parts = [Append(stream_id, said(1), tags=[tag]) for tag in (*tags, *MANY)]
    return lambda connection: append_all(connection, parts)


class Blocked:
    """Whether a session waits for a lock, by the server's own account."""

    def __init__(self, admin: Connection) -> None:
        self.admin = admin

    def __call__(self, connection: Connection) -> bool:
        query = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
        row = self.admin.execute(query, [connection.info.backend_pid]).fetchone()
        return bool(row and row[0])


@pytest.fixture
def blocked(admin: Connection) -> Blocked:
    return Blocked(admin)


def outcome(future: Future[list[int]]) -> str:
    error = future.exception(timeout=30)
    return "done" if error is None else str(getattr(error, "sqlstate", error))


def waits(first: Connection, second: Connection, blocked: Blocked, one: Write, other: Write) -> str:
    """Writes both while the first is uncommitted; the outcome of the second, which has to wait."""
    with ThreadPoolExecutor(1) as pool:
        with first.transaction():
            one(first)
            later = pool.submit(other, second)
            until(lambda: blocked(second) or later.done())
            assert not later.done(), "the second did not wait for the first"
        return outcome(later)


def goes_on(first: Connection, second: Connection, one: Write, other: Write) -> None:
    """Writes both while the first is uncommitted; the second must not wait."""
    with first.transaction():
        one(first)
        second.execute("SET lock_timeout = '5s'")
        other(second)


SKEW = unless(["right"], "left-1", "left"), unless(["left"], "right-1", "right")
NAMES = unless(["name:x"], "a-1", "name:x", "y"), unless(["name:x"], "b-1", "name:x")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        SKEW,
        NAMES,
        (plain("a-1", "right"), SKEW[0]),
        (shortly("a-1", "right"), SKEW[0]),
        (plain("a-1", "x", "y"), unless(["x", "y"], "b-1")),
        (plain("a-1", "x", "y"), unless(["y"], "b-1", "z")),
        (many("a-1", "x"), unless(["x"], "b-1")),
        (unless(["m:1"], "a-1", *MANY), unless(["m:1"], "b-1")),
        (unless(["m:1"], "a-1", *MANY), unless(["m:99"], "b-1")),
    ],
    ids=["skew", "names", "plain", "short", "both tags", "one of its tags", "many tags",
         "many and unless", "one of many"],
)  # fmt: skip
def test_a_condition_sees_who_came_first(
    first: Connection, second: Connection, blocked: Blocked, one: Write, other: Write
) -> None:
    assert waits(first, second, blocked, one, other) == "ES008"


@pytest.mark.parametrize(
    "other",
    [
        plain("b-1", "x"),
        shortly("b-1", "x"),
        many("b-1", "x"),
        unless(["z"], "b-1", "x"),
        unless(["z"], "b-1", *MANY),
    ],
    ids=["few tags", "the short way", "many tags", "a condition", "many tags on condition"],
)
def test_who_comes_later_has_the_higher_position(
    first: Connection, second: Connection, blocked: Blocked, store: EventStore, other: Write
) -> None:
    """So that in the log, read in order, a condition holds where its append stands."""
    assert waits(first, second, blocked, unless(["x"], "a-1"), other) == "done"
    streams = [recorded.stream_id for recorded in store.read_all()]
    assert (streams[0], set(streams[1:])) == ("a-1", {"b-1"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (plain("a-1", "x", "y"), plain("b-1", "y", "x")),
        (many("a-1"), many("b-1")),
        (many("a-1"), plain("b-1", *MANY[:3])),
        (unless(["x"], "a-1", "x"), unless(["y"], "b-1", "y")),
        (unless(["x"], "a-1", "x"), plain("b-1", "y")),
        (unless(["x", "y"], "a-1", "x"), plain("b-1")),
        (many("a-1", "x"), plain("b-1")),
    ],
    ids=["few tags", "many tags", "many and few", "two conditions", "other tags", "no tags",
         "many and none"],
)  # fmt: skip
def test_others_go_on(first: Connection, second: Connection, one: Write, other: Write) -> None:
    second.execute("SET lock_timeout = '5s'")
    with first.transaction():
        one(first)
        other(second)


def test_who_waits_for_a_tag_holds_no_position(
    first: Connection, second: Connection, admin: Connection, admin_url: str, store: EventStore
) -> None:
    """Otherwise no reader could read on while it waits."""
    writes = plain("b-1", "x"), shortly("b-1", "x"), unless(["x"], "c-1")
    with (
        psycopg.connect(admin_url) as holder,
        ThreadPoolExecutor(1) as pool,
    ):
        holder.execute("SELECT eventstore.lock_tags('default', '{}', '{x}')")
        for number, write in enumerate(writes, start=1):
            later = pool.submit(write, second)
            until(lambda: Blocked(admin)(second))
            plain("a-1")(first)
            assert len(list(store.read_all())) == number
            admin.execute("SELECT pg_cancel_backend(%s)", [second.info.backend_pid])
            assert outcome(later) == "57014"


def test_the_table_of_locks_is_not_filled(first: Connection, admin: Connection) -> None:
    held = "SELECT count(*) FROM pg_locks WHERE pid = %s AND locktype = 'advisory'"
    of_position = 1
    for write, of_tags in ((plain("a-1", *MANY[:64]), 64), (many("b-1"), 0)):
        with first.transaction():
            write(first)
            row = admin.execute(held, [first.info.backend_pid]).fetchone()
            assert row == (of_tags + of_position,)


def test_who_is_lost_in_the_middle_leaves_nothing(
    first: Connection, second: Connection, blocked: Blocked, admin: Connection, store: EventStore
) -> None:
    """Its locks go with it, and so does what it wrote: the next one finds nothing in its way."""
    first.execute("BEGIN")
    NAMES[0](first)
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(NAMES[1], second)
        until(lambda: blocked(second))
        admin.execute("SELECT pg_terminate_backend(%s)", [first.info.backend_pid])
        assert outcome(later) == "done"
    first.close()
    assert [recorded.stream_id for recorded in store.read_all()] == ["b-1"]


# The mutants --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("no lock", *SKEW),
        ("no lock", *NAMES),
        ("a shared lock", *SKEW),
        ("a shared lock", *NAMES),
        ("no lock by append", plain("a-1", "right"), SKEW[0]),
        ("no lock by append_several", shortly("a-1", "right"), SKEW[0]),
        ("no gate", many("a-1", "x"), unless(["x"], "b-1")),
    ],
)
def test_without_it_both_are_recorded(
    first: Connection,
    second: Connection,
    admin: Connection,
    blocked: Blocked,
    name: str,
    one: Write,
    other: Write,
) -> None:
    with mutant(admin, name), pytest.raises(AssertionError, match="did not wait"):
        waits(first, second, blocked, one, other)


@pytest.mark.parametrize(("one", "other"), [SKEW, NAMES], ids=["skew", "names"])
def test_a_look_before_the_locks_sees_nothing(
    first: Connection,
    second: Connection,
    admin: Connection,
    blocked: Blocked,
    one: Write,
    other: Write,
) -> None:
    with mutant(admin, "the lock after the look"):
        assert waits(first, second, blocked, one, other) == "done"
