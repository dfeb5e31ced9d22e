"""Reading by a query: what it costs, who sees what, and how the commands ask for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from eventstore import Append, EventStore, Query
from eventstore.cli.main import main
from eventstore.connection.database import Connection, connect
from eventstore.connection.queries import load
from eventstore.errors import ConditionFailed, InvalidEvent
from tests.integration.log.facts import Asked, Said, said

LOOKUP = load("eventstore.sql", "read_query.sql")["tagged_positions"]
FETCH = load("eventstore.sql", "read.sql")["events_at"]
RARE, COMMON = "package:7f3a", "kind:package"


@pytest.fixture
def auditor(database_url: str) -> Iterator[Connection]:
    with connect(database_url, role="auditor", tenant="default") as connection:
        yield connection


def grow(store: EventStore, streams: int) -> None:
    """Events with a common tag, and three with a rare one besides."""
    parts = [Append(f"s-{n}", said(4), tags=[COMMON, f"n:{n}"]) for n in range(streams)]
    parts[1:1] = [Append("rare-1", said(3), tags=[COMMON, RARE])]
    store.append_many(parts)


def cost(auditor: Connection, query: Query) -> tuple[int, int, int]:
    """Of a page of ten: the events, the pages of memory touched, and the rows read by scans."""
    arguments = {"tenant": "default", "query": query.as_json(), "after": 0, "until": 2**62,
                 "limit": 10}  # fmt: skip
    scanned = """
        SELECT sum(seq_tup_read) FROM pg_stat_xact_user_tables
         WHERE relname NOT IN ('sealed_until', 'sealed_partitions')
    """
    explain, touched = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ", 0
    with auditor.transaction():
        [before] = auditor.execute(scanned).fetchone() or [0]
        found = auditor.execute(LOOKUP, arguments).fetchall()
        positions = [position for (position,) in found]
        for sql in (LOOKUP, FETCH):
            row: Any = auditor.execute(
                explain + sql, {**arguments, "positions": positions}
            ).fetchone()
            plan = row[0][0]["Plan"]
            touched += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        [after] = auditor.execute(scanned).fetchone() or [0]
    return int(plan["Actual Rows"]), touched, int(after - before)


def test_a_query_is_of_one_tenant(auditor: Connection) -> None:
    """The form for all tenants has no place for it, and must not leave it out unsaid."""
    for others in "NULL, 0, 9, 9", "'default', 0, 9, 9, field => 'text', shards => 2":
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            auditor.execute(f"SELECT FROM eventstore.log_page({others}, query => '[]')")


COSTLY = [
    (Query(tags=[RARE]), 9),
    (Query(tags=[RARE, COMMON]), 9),
    (Query(types=[Said], tags=[COMMON, RARE]) | Query(types=[Asked], tags=[RARE]), 9),
    (Query(types=["log.none"], tags=[RARE]), 0),
    (Query(tags=[COMMON]), 10),
]


def test_a_page_costs_what_it_finds(
    store: EventStore, auditor: Connection, admin: Connection
) -> None:
    """However long the log and common the other tags."""
    grow(store, 20)
    grow(store, 20)
    for query, _ in COSTLY:
        cost(auditor, query)  # the session reads the catalogue
    small = [cost(auditor, query) for query, _ in COSTLY]
    grow(store, 800)
    admin.execute("ANALYZE eventstore.events, eventstore.event_tags")
    cost(auditor, COSTLY[0][0])  # the session plans anew
    for (query, found), (_, before, _) in zip(COSTLY, small, strict=True):
        events, touched, scanned = cost(auditor, query)
        assert events == found
        assert scanned == 0
        # The rarest of the tags is found out by counting up to a thousand of each.
        assert touched <= before + 60, query


def test_events_that_were_archived_are_passed_over(store: EventStore, admin: Connection) -> None:
    """A page without them is not taken for the last one."""
    for number in range(6):
        store.append(f"s-{number}", [Asked() if number in (1, 2, 3) else Said()], tags=["x"])
    leaf = admin.execute(
        "SELECT tableoid::regclass::text FROM eventstore.events WHERE event_type = 'log.asked'"
    ).fetchone()
    assert leaf is not None
    admin.execute(f"ALTER TABLE eventstore.events_conversation DETACH PARTITION {leaf[0]}")
    query = Query(tags=["x"])
    for limit in (1, 2, 3, 10):
        found = list(store.read_all(query=query, limit=limit))
        assert [recorded.position for recorded in found] == [1, 5, 6][:limit]
    with store.subscribe(query=query) as following:
        pages = [following.fetch(2), following.fetch(2), following.fetch(2)]
        assert [[r.position for r in page] for page in pages] == [[1, 5], [6], []]
    with pytest.raises(ConditionFailed, match="position 2"):  # it happened all the same
        store.append("s-7", [Said()], fail_if_any=Query(types=[Asked], tags=["x"]))


def test_a_query_stands_alone(shared: EventStore) -> None:
    for ask in (shared.read_all, shared.subscribe):
        with pytest.raises(InvalidEvent, match="alone"):
            ask(query=Query(tags=["x"]), categories=["a"])
        with pytest.raises(InvalidEvent, match="alone"):
            ask(query=Query(tags=["x"]), event_types=["a"])
        with pytest.raises(InvalidEvent, match="no Query"):
            ask(query="x")  # type: ignore[arg-type]


def test_other_tenants_see_nothing(
    store: EventStore, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store.append("a-1", said(1), tags=["x"])
    with connect(database_url, role="auditor", tenant="other") as auditor:
        query = "SELECT * FROM eventstore.tagged('default', NULL, '{x}', 0, 9, 9)"
        assert auditor.execute(query).fetchall() == []


def test_commands_ask_by_tag(
    store: EventStore, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store.append("a-1", said(2), tags=["hall:1", "seat:7"])
    store.append("b-1", [Asked()], tags=["hall:1"])
    store.append("a-1", [Asked()])

    def listed(*words: str) -> Any:
        assert main(["events", "list", *words, "--json", "--database-url", database_url]) == 0
        return json.loads(capsys.readouterr().out)

    def positions(*words: str) -> list[int]:
        return [each["position"] for each in listed(*words)]

    assert listed("--tag", "seat:7")[0]["tags"] == ["hall:1", "seat:7"]
    assert positions("--tag", "hall:1") == [1, 2, 3]
    assert positions("--tag", "hall:1", "--reverse") == [3, 2, 1]
    assert positions("--tag", "hall:1", "--tag", "seat:7", "--after", "1") == [2]
    assert positions("--tag", "hall:1", "--type", "log.asked") == [3]
    assert positions("--tag", "hall:1", "--category", "a", "--limit", "1") == [1]
    assert positions("--tag", "hall:1", "--stream", "b-1") == [3]
    assert positions("--tag", "none") == []
    assert main(["events", "list", "--tag", "", "--database-url", database_url]) == 5
    assert "query.tags" in capsys.readouterr().err
    assert main(["events", "list", "--tag", "seat:7", "--database-url", database_url]) == 0
    assert "hall:1, seat:7" in capsys.readouterr().out
