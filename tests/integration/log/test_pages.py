"""Reads in pages: as large as their events allow, and no page is planned anew."""

from __future__ import annotations

import pytest

from eventstore import Append, EventStore
from eventstore.reading import read
from eventstore.reading.read import FIRST_PAGE, PAGE
from tests.integration.log.facts import Said, said


def test_pages_of_large_events_are_small(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that memory holds a page of any log."""
    sizes: list[int] = []
    page = read.log_page

    def counted(*arguments: object, **more: object) -> object:
        rows = page(*arguments, **more)  # type: ignore[arg-type]
        sizes.append(len(rows))
        return rows

    monkeypatch.setattr(read, "log_page", counted)
    text = "x" * 40_000
    store.import_events(Append("s-1", [Said(text=text)]) for _ in range(FIRST_PAGE + 250))
    store.import_events(Append("s-1", [fact]) for fact in said(PAGE + 500))
    assert len(list(store.read_all())) == FIRST_PAGE + 250 + PAGE + 500
    assert sizes[0] == FIRST_PAGE
    assert 90 < sizes[1] < 110
    assert max(sizes) == PAGE
    wanted, sizes[:] = sizes.copy(), []
    with store.subscribe() as subscription:
        for _ in range(sum(wanted)):
            next(subscription)
    assert sizes == wanted


def test_a_statement_is_planned_once(store: EventStore) -> None:
    store.append("s-1", said(3))
    for number in range(10):
        assert len(list(store.read_stream("s-1"))) == 3
        assert len(list(store.read_all(number))) == max(0, 3 - number)
    query = """
        SELECT generic_plans, custom_plans FROM pg_prepared_statements
         WHERE name LIKE 'flight%' AND statement ~ 'FROM eventstore.(log_page|stream_page)'
    """
    found = store.database.read_log(lambda session: session.execute(query).fetchall())
    assert len(found) == 2
    assert all(generic > 0 and custom == 0 for generic, custom in found)


def test_a_kept_plan_reads_no_whole_table(store: EventStore) -> None:
    """The plan was made when the table was empty, and is still right when it is not."""
    assert not list(store.read_stream("s-7"))
    store.import_events(Append(f"s-{number % 500}", said(1)) for number in range(5_000))
    before = scans(store)
    for number in range(20):
        assert len(list(store.read_stream(f"s-{number}"))) == 10
    assert scans(store) == before


def scans(store: EventStore) -> int:
    query = """
        SELECT coalesce(sum(seq_scan), 0)::bigint FROM pg_stat_user_tables
         WHERE schemaname = 'eventstore' AND relname LIKE 'events\\_%'
    """

    def counted(session: object) -> int:
        session.execute("SELECT pg_stat_force_next_flush()")  # type: ignore[attr-defined]
        session.execute("SELECT 1")  # type: ignore[attr-defined]
        row = session.execute(query).fetchone()  # type: ignore[attr-defined]
        return int(row[0])

    return store.database.read_log(counted)
