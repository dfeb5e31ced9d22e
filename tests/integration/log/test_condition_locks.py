"""Who waits for whom over tags, as fixed schedules; and what goes wrong without each part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from eventstore import Append, EventStore, Query
from eventstore.connection.database import Connection, connect
from eventstore.embedded import EmbeddedServer
from tests.integration.log.condition_mutants import mutant
from tests.integration.log.facts import said
from tests.integration.log.raw_append import append_all, append_tagged
from tests.integration.log.waiting import until

MANY = [f"m:{number}" for number in range(100)]
"""More tags than the server has locks for, of one transaction on the average."""
Write = Callable[[Connection, str], list[int]]
"""Appends on a connection; the text makes its streams and tags those of one test."""


@pytest.fixture(scope="module")
def first(shared: EventStore) -> Iterator[Connection]:
    """An appender whose transaction is left open."""
    with connect(shared.database.url, role="appender", tenant="default") as connection:
        yield connection


@pytest.fixture(scope="module")
def second(shared: EventStore) -> Iterator[Connection]:
    """An appender that comes while that of `first` is open."""
    with connect(shared.database.url, role="appender", tenant="default") as connection:
        connection.execute("SET lock_timeout = '20s'")
        yield connection


@pytest.fixture(scope="module")
def eye(server: EmbeddedServer, shared: EventStore) -> Iterator[Connection]:
    """The superuser, who sees who waits."""
    url = server.admin_url(str(conninfo_to_dict(shared.database.url)["dbname"]))
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def own() -> str:
    """What a test's streams and tags begin with."""
    return f"{uuid4()}-"


def plain(stream: str, *tags: str) -> Write:
    """An append with tags."""
    return lambda connection, own: append_all(
        connection, [Append(own + stream, said(1), tags=[own + tag for tag in tags])]
    )


def shortly(stream: str, *tags: str) -> Write:
    """The same by the short way that a lone append takes."""
    return lambda connection, own: append_tagged(
        connection, own + stream, [own + tag for tag in tags]
    )


def many(stream: str, *tags: str) -> Write:
    """An append whose many events have each a tag."""
    return lambda connection, own: append_all(
        connection,
        [Append(own + stream, said(1), tags=[own + tag]) for tag in (*tags, *MANY)],
    )


def unless(excluded: Sequence[str], stream: str, *tags: str) -> Write:
    """An append with tags, however many, unless an event has all of the excluded ones."""

    def write(connection: Connection, own: str) -> list[int]:
        each = [own + tag for tag in tags]
        query = Query(tags=[own + tag for tag in excluded])
        part = Append(own + stream, said(1), tags=each[:64], fail_if_any=query)
        rest = [Append(own + stream, said(1), tags=[tag]) for tag in each[64:]]
        return append_all(connection, [part, *rest])

    return write


class Schedule:
    """Two writes, of which the second comes while the first is not committed."""

    def __init__(self, first: Connection, second: Connection, eye: Connection, own: str) -> None:
        self.first, self.second, self.eye, self.own = first, second, eye, own

    def blocked(self) -> bool:
        """Whether the second session waits for a lock, by the server's own account."""
        query = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
        row = self.eye.execute(query, [self.second.info.backend_pid]).fetchone()
        return bool(row and row[0])

    def waits(self, one: Write, other: Write) -> str:
        """The outcome of the second; fails unless it waited for the first."""
        with ThreadPoolExecutor(1) as pool:
            with self.first.transaction():
                one(self.first, self.own)
                later = pool.submit(other, self.second, self.own)
                until(lambda: self.blocked() or later.done())
                assert not later.done(), "the second did not wait for the first"
            return outcome(later)

    def goes_on(self, one: Write, other: Write) -> None:
        """Fails if the second waits."""
        with self.first.transaction():
            one(self.first, self.own)
            with ThreadPoolExecutor(1) as pool:
                later = pool.submit(other, self.second, self.own)
                until(lambda: self.blocked() or later.done())
                waited = not later.done()
                if waited:
                    self.eye.execute("SELECT pg_cancel_backend(%s)", [self.second.info.backend_pid])
            assert not waited
            later.result()


@pytest.fixture
def schedule(first: Connection, second: Connection, eye: Connection, own: str) -> Schedule:
    return Schedule(first, second, eye, own)


def outcome(future: Future[list[int]]) -> str:
    error = future.exception(timeout=30)
    return "done" if error is None else str(getattr(error, "sqlstate", error))


SKEW = unless(["right"], "left", "left"), unless(["left"], "right", "right")
NAMES = unless(["name"], "a", "name", "y"), unless(["name"], "b", "name")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        SKEW,
        NAMES,
        (plain("a", "right"), SKEW[0]),
        (shortly("a", "right"), SKEW[0]),
        (plain("a", "x", "y"), unless(["x", "y"], "b")),
        (plain("a", "x", "y"), unless(["y"], "b", "z")),
        (many("a", "x"), unless(["x"], "b")),
        (unless(["m:1"], "a", *MANY), unless(["m:1"], "b")),
        (unless(["m:1"], "a", *MANY), unless(["m:99"], "b")),
    ],
    ids=["skew", "names", "plain", "short", "both tags", "one of its tags", "many tags",
         "many and unless", "one of many"],
)  # fmt: skip
def test_a_condition_sees_who_came_first(schedule: Schedule, one: Write, other: Write) -> None:
    assert schedule.waits(one, other) == "ES008"


@pytest.mark.parametrize(
    "other",
    [plain("b", "x"), shortly("b", "x"), many("b", "x"), unless(["z"], "b", "x"),
     unless(["z"], "b", *MANY)],
    ids=["few tags", "the short way", "many tags", "a condition", "many tags on condition"],
)  # fmt: skip
def test_who_comes_later_has_the_higher_position(
    schedule: Schedule, shared: EventStore, own: str, other: Write
) -> None:
    """So that in the log, read in order, a condition holds where its append stands."""
    start = shared.watermark()
    assert schedule.waits(unless(["x"], "a"), other) == "done"
    streams = [recorded.stream_id for recorded in shared.read_all(after=start)]
    assert (streams[0], set(streams[1:])) == (f"{own}a", {f"{own}b"})


@pytest.mark.parametrize("tags", [["x"], ["x", *MANY]], ids=["few tags", "many tags"])
def test_so_has_an_import(
    first: Connection, eye: Connection, shared: EventStore, own: str, tags: list[str]
) -> None:
    waiting = "SELECT count(*) > 0 FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"

    def blocks() -> bool:
        return bool((eye.execute(waiting, [first.info.backend_pid]).fetchone() or [False])[0])

    parts = [Append(f"{own}b", said(1), tags=[own + tag]) for tag in tags]
    start = shared.watermark()
    with ThreadPoolExecutor(1) as pool:
        with first.transaction():
            unless(["x"], "a")(first, own)
            later = pool.submit(shared.import_events, parts)
            until(lambda: blocks() or later.done())
            assert not later.done(), "the import did not wait"
        later.result()
    streams = [recorded.stream_id for recorded in shared.read_all(after=start)]
    assert (streams[0], set(streams[1:])) == (f"{own}a", {f"{own}b"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (plain("a", "x", "y"), plain("b", "y", "x")),
        (many("a"), many("b")),
        (many("a"), plain("b", *MANY[:3])),
        (unless(["x"], "a", "x"), unless(["y"], "b", "y")),
        (unless(["x"], "a", "x"), plain("b", "y")),
        (unless(["x", "y"], "a", "x"), plain("b")),
        (many("a", "x"), plain("b")),
    ],
    ids=["few tags", "many tags", "many and few", "two conditions", "other tags", "no tags",
         "many and none"],
)  # fmt: skip
def test_others_go_on(schedule: Schedule, one: Write, other: Write) -> None:
    schedule.goes_on(one, other)


@pytest.mark.parametrize(
    "write",
    [plain("b", "x"), shortly("b", "x"), unless(["x"], "b")],
    ids=["plain", "short", "a condition"],
)
def test_who_waits_for_a_tag_holds_no_position(
    schedule: Schedule, shared: EventStore, own: str, write: Write
) -> None:
    """Otherwise no reader could read on while it waits."""
    with psycopg.connect(schedule.eye.info.dsn) as holder, ThreadPoolExecutor(1) as pool:
        holder.execute("SELECT eventstore.lock_tags('default', '{}', ARRAY[%s])", [f"{own}x"])
        later = pool.submit(write, schedule.second, own)
        until(schedule.blocked)
        [position] = plain("a")(schedule.first, own)
        assert shared.watermark() == position
        schedule.eye.execute("SELECT pg_cancel_backend(%s)", [schedule.second.info.backend_pid])
        assert outcome(later) == "57014"


def test_who_waits_for_a_stream_holds_none_behind_it(
    schedule: Schedule, shared: EventStore, own: str
) -> None:
    """Not even one that was there already, while it waits for another that comes into being."""
    shared.append(f"{own}old", said(1))
    both = [
        Append(f"{own}new", said(1), fail_if_any=Query(tags=[f"{own}x"])),
        Append(f"{own}old", said(1)),
    ]
    with ThreadPoolExecutor(1) as pool:
        with schedule.first.transaction():
            plain("new")(schedule.first, own)
            later = pool.submit(append_all, schedule.second, both)
            until(schedule.blocked)
            plain("old")(schedule.first, own)
        assert outcome(later) == "done"


def test_the_table_of_locks_is_not_filled(first: Connection, eye: Connection, own: str) -> None:
    held = "SELECT count(*) FROM pg_locks WHERE pid = %s AND locktype = 'advisory'"
    of_position = 1
    for write, of_tags in ((plain("a", *MANY[:64]), 64), (many("b"), 0)):
        with first.transaction():
            write(first, own)
            row = eye.execute(held, [first.info.backend_pid]).fetchone()
            assert row == (of_tags + of_position,)


def test_who_is_lost_in_the_middle_leaves_nothing(
    second: Connection, eye: Connection, shared: EventStore, own: str
) -> None:
    """Its locks go with it, and so does what it wrote: the next one finds nothing in its way."""
    lost = connect(shared.database.url, role="appender", tenant="default")
    lost.execute("BEGIN")
    NAMES[0](lost, own)
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(NAMES[1], second, own)
        until(Schedule(lost, second, eye, own).blocked)
        eye.execute("SELECT pg_terminate_backend(%s)", [lost.info.backend_pid])
        assert outcome(later) == "done"
    lost.close()
    found = shared.read_all(query=Query(tags=[f"{own}name"]))
    assert [recorded.stream_id for recorded in found] == [f"{own}b"]


# The mutants --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("no lock", *SKEW),
        ("no lock", *NAMES),
        ("a shared lock", *SKEW),
        ("a shared lock", *NAMES),
        ("no lock by append", plain("a", "right"), SKEW[0]),
        ("no lock by append_several", shortly("a", "right"), SKEW[0]),
        ("no gate", many("a", "x"), unless(["x"], "b")),
    ],
)
def test_without_it_both_are_recorded(
    schedule: Schedule, name: str, one: Write, other: Write
) -> None:
    with (
        mutant(schedule.eye, name),
        pytest.raises(AssertionError, match="did not wait"),
    ):
        schedule.waits(one, other)


@pytest.mark.parametrize(("one", "other"), [SKEW, NAMES], ids=["skew", "names"])
def test_a_look_before_the_locks_sees_nothing(schedule: Schedule, one: Write, other: Write) -> None:
    with mutant(schedule.eye, "the lock after the look"):
        assert schedule.waits(one, other) == "done"
