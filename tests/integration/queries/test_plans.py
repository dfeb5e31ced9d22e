"""Every named query finds its rows by an index, for an auditor whose rows are one tenant's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from eventstore import EventStore
from eventstore.connection.queries import load
from eventstore.embedded import EmbeddedServer
from tests.integration.queries.asked import CONTEXTS, Asked, asked, pages
from tests.integration.queries.conftest import ROWS

LARGE: Final = 2_500
"""Rows: fewer than a large table has, and more than any question needs."""


@pytest.fixture(scope="module")
def store(server: EmbeddedServer, filled: str) -> Iterator[EventStore]:
    with EventStore.open(server.url(filled)) as opened:
        yield opened


def test_every_query_is_served_by_indexes(store: EventStore) -> None:
    heard, silent = asked(store, ROWS)
    assert silent == [], "a question without an answer shows nothing of its plan"
    assert {(each.context, each.query) for each in heard} == {
        (path.parent.name, query)
        for path in Path(str(files("projections"))).glob("*/queries.sql")
        for query in load(f"projections.{path.parent.name}", "queries.sql")
    }
    with store.database.reading() as conn:
        assert conn.execute("SELECT current_user").fetchone() == ("eventstore_auditor",)
        problems = [
            f"{each.context}: {each.query}: {problem}"
            for each in heard
            for problem in [*in_plan(conn, each), *in_functions(conn, each)]
        ]
    assert problems == []


def in_plan(conn: psycopg.Connection[Any], question: Asked) -> Iterator[str]:
    """Where its plan reads, or sorts, more than any question needs."""
    sql = CONTEXTS[question.context].SQL[question.query]
    explained = conn.execute(
        b"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + sql.encode(),
        {"tenant": "default", **question.values},
    ).fetchone()
    assert explained is not None
    for node in nodes(explained[0][0]["Plan"]):
        rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        rows += node.get("Rows Removed by Index Recheck", 0)
        rows *= node["Actual Loops"]
        table = node.get("Relation Name")
        where = f"{node['Node Type']} of {table or node.get('Sort Key', '')}"
        if rows > LARGE and (table is None or is_large(conn, table)):
            yield f"{where}: {rows:,} rows"
        if node["Node Type"] == "Seq Scan" and is_large(conn, node["Relation Name"]):
            yield f"{where}, which is large"


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A node of a plan, and all below it."""
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def is_large(conn: psycopg.Connection[Any], table: str) -> bool:
    found = conn.execute(
        "SELECT reltuples > %s FROM pg_class WHERE oid = to_regclass(%s)", (LARGE, table)
    ).fetchone()
    return found is not None and bool(found[0])


def in_functions(conn: psycopg.Connection[Any], question: Asked) -> Iterator[str]:
    """What was read in large tables as they count it: in functions too, where no plan looks."""
    sql = CONTEXTS[question.context].SQL[question.query]
    counted = (
        "SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) "
        "FROM pg_stat_xact_user_tables WHERE schemaname = 'projections'"
    )
    with conn.transaction(force_rollback=True):
        before = dict(conn.execute(counted).fetchall())
        conn.execute(sql, {"tenant": "default", **question.values})
        after = conn.execute(counted).fetchall()
    for table, read in after:
        read -= before.get(table, 0)
        if read > LARGE and is_large(conn, table):
            yield f"{read:,} rows of {table} read"


def test_pages_join_to_the_whole(store: EventStore) -> None:
    for context, kind in CONTEXTS.items():
        for number, (page, key) in enumerate(pages(context, kind(store), ROWS)):
            if key is None:
                continue
            whole = page(None, limit=20)
            joined: list[Any] = list(page(None, limit=3))
            while len(joined) < len(whole):
                following = page(key(joined[-1]), limit=3)
                assert following, f"{context}, page {number}: it ends too early"
                joined += following
            assert joined[: len(whole)] == list(whole), f"{context}, page {number}"
            if len(whole) < 20:
                assert not page(key(whole[-1]), limit=3), f"{context}, page {number}"
