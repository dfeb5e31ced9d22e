"""A projector finds rows by their primary key, however new and unknown its tables are."""

from __future__ import annotations

from collections import Counter
from typing import Any

import psycopg
import pytest

from eventstore.connection.database import connect
from eventstore.connection.session import Session
from projections.row import full_key
from projections.row_json import keys_json
from projections.row_store import RowStore
from projections.session import Connection, plan_for_keys
from tests.integration.projections.running import number
from tests.integration.projections.test_row_store import thing
from tests.integration.projections.things import Part, Thing, Things

ENOUGH = 2_000
"""Rows from which the planner sees that other indexes find many rows in vain."""


def save(conn: Connection, store: RowStore, *numbers: int) -> None:
    rows = {full_key(row): row for row in (thing(id=number(n), name=str(n)) for n in numbers)}
    with conn.transaction():
        store.save(conn, {Thing: dict(rows), Part: {}}, {(Thing, key) for key in rows})


def test_the_primary_key_is_chosen_without_statistics(conn: Session, url: str) -> None:
    with connect(url, role="owner") as owner:
        owner.execute("ALTER TABLE projections.things SET (autovacuum_enabled = off)")
        owner.execute("CREATE INDEX things_retired ON projections.things (tenant_id, retired)")
    store = RowStore(Things())
    plan_for_keys(conn)
    save(conn, store, *range(1, ENOUGH + 1))
    query = store._queries[Thing]["load"].decode().replace("%s", "%(keys)s")
    keys = keys_json(Thing, [("default", number(n)) for n in (1, 2, 3)])
    plan = conn.execute(f"EXPLAIN {query}", {"keys": keys}).fetchall()
    assert "things_pkey" in str(plan)
    assert "things_retired" not in str(plan)


def test_plans_are_made_anew_as_the_tables_grow(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: Counter[str] = Counter()
    execute = psycopg.Connection.execute

    def counted(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        statements[str(query)[-13:]] += 1
        return execute(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Connection, "execute", counted)
    store, anew = RowStore(Things()), []
    for batch in range(1, 18):
        statements.clear()
        save(conn, store, batch)
        if statements["DISCARD PLANS"]:
            anew.append(batch)
    assert anew == [1, 2, 4, 8, 16]
