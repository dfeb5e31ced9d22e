"""Proves that a fold in SQL makes the rows that the rules make, for events of a test's choice.

In one transaction, which is undone: the tables as a rebuild has them while it loads, and a log with
those events alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import Any, Final

from psycopg import sql

from eventstore import RecordedEvent
from eventstore.connection.database import translated
from eventstore.connection.queries import load
from projections.apply.holding import Held, Holding
from projections.builds.sql_fold import SqlFold
from projections.errors import SqlRefused
from projections.projection import Projection, State
from projections.row import full_key
from projections.row_store import RowStore
from projections.session import Connection, open_session
from projections.tables import template

__all__ = ["same_in_sql"]

_SQL: Final = load("projections.sql", "sql_fold.sql")
_SCHEMA: Final = "projections_same_in_sql"


def same_in_sql(
    url: str, projection: Projection, events: Iterable[RecordedEvent], *sizes: int
) -> None:
    """Asserts that SQL makes of these events, in order, what the rules make of them.

    It does so with as many events in a range as each of `sizes` says; by default with one, and with
    all. A range with an event that the rules hold, or that an upcaster has to change for them, has
    to be refused, and no other; what comes after it is the rules' business. `url` is a database
    with the schema, which stays as it is.
    """
    story = list(events)
    with (
        closing(open_session(url, part="test", role="owner")) as owner,
        owner.transaction(force_rollback=True),
    ):
        _make(owner, projection, story)
        for size in sizes or (1, max(len(story), 1)):
            with owner.transaction(force_rollback=True):
                _compare(owner, projection, story, size)


def _make(owner: Connection, projection: Projection, story: list[RecordedEvent]) -> None:
    schema = sql.Identifier(_SCHEMA)
    with translated():
        owner.execute(sql.SQL(_SQL["make_log"]).format(schema=schema), prepare=False)
        with template(owner, projection) as source:
            names = [table.TABLE for table in projection.tables]
            owner.execute(
                _SQL["make_copies"], {"template": source, "schema": _SCHEMA, "tables": names}
            )
        with owner.cursor() as cursor:
            cursor.executemany(
                sql.SQL(_SQL["tell"]).format(schema=schema), [_facts(each) for each in story]
            )


def _facts(recorded: RecordedEvent) -> dict[str, Any]:
    facts = {name: getattr(recorded, name) for name in RecordedEvent._fields}
    return facts | {"data": recorded.data.decode(), "metadata": recorded.metadata.decode()}


def _compare(
    owner: Connection, projection: Projection, story: list[RecordedEvent], size: int
) -> None:
    fold, state, holding, after = SqlFold(projection, _SCHEMA), projection.empty(), Holding(), 0
    for start in range(0, len(story), size):
        some = story[start : start + size]
        until = some[-1].position
        theirs = [
            each.position
            for each in some
            if isinstance(holding.apply(projection, state, each), Held)
            or (
                each.event_type in projection.event_types
                and not fold.knows(each.event_type, each.schema_version)
            )
        ]
        refusal = _refusal(owner, fold, after, until)
        assert theirs or not refusal, f"SQL refuses what the rules apply: {refusal}"
        assert refusal or not theirs, f"SQL applies what the rules hold, at the positions {theirs}"
        if refusal:
            return
        assert _stored(owner, projection) == _plain(state), f"up to position {until}, rows differ"
        after = until


def _refusal(owner: Connection, fold: SqlFold, after: int, until: int) -> SqlRefused | None:
    try:
        with translated(), owner.transaction():
            fold.apply(owner, after, until)
    except SqlRefused as refused:
        return refused
    return None


def _stored(owner: Connection, projection: Projection) -> dict[str, dict[Any, dict[str, Any]]]:
    store = RowStore(projection, _SCHEMA)
    return {
        table.TABLE: {full_key(row): vars(row) for row in store.read(owner, table)}
        for table in projection.tables
    }


def _plain(state: State) -> dict[str, dict[Any, dict[str, Any]]]:
    return {
        table.TABLE: {key: vars(row) for key, row in rows.items() if row is not None}
        for table, rows in state.items()
    }
