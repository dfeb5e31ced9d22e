"""Statements that travel together are one transaction, and no error leaves a trace of them."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from eventstore.connection.database import connect
from eventstore.connection.flight import fly
from eventstore.connection.session import Session


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    with connect(database_url, role="projector") as opened:
        opened.execute("CREATE TEMPORARY TABLE noted (n integer PRIMARY KEY, said text)")
        yield opened


def noted(session: Session) -> list[tuple[int, str | None]]:
    return session.execute("SELECT n, said FROM noted ORDER BY n").fetchall()


NOTE = "INSERT INTO noted VALUES (%(n)s, %(said)s)"


def test_each_statement_gives_its_rows(session: Session) -> None:
    found = fly(
        session,
        [
            (NOTE, {"n": 1, "said": "50 %"}),
            ("SELECT said, n, n %% 2 FROM noted WHERE n = %s", [1]),
            (NOTE + " RETURNING said", {"n": 2, "said": None}),
        ],
    )
    assert found == [[], [("50 %", 1, 1)], [(None,)]]


def test_one_name_stands_for_one_value_wherever_it_is(session: Session) -> None:
    query = "SELECT %(b)s::integer - %(a)s::integer, %(b)s::integer"
    assert fly(session, [(query, {"a": 1, "b": 3})], binary=True) == [[(2, 3)]]


def test_an_error_takes_back_everything(session: Session) -> None:
    note = (NOTE, {"n": 1, "said": "x"})
    with pytest.raises(psycopg.errors.UniqueViolation):
        fly(session, [note, note, (NOTE, {"n": 2, "said": "y"})])
    assert noted(session) == []
    fly(session, [note])
    assert noted(session) == [(1, "x")]


def test_it_prepares_again_what_the_server_was_told_to_forget(session: Session) -> None:
    """The driver does that after a transaction was undone."""
    fly(session, [("SELECT 1", []), (NOTE, {"n": 1, "said": "x"})])
    session.execute("DEALLOCATE ALL")
    fly(session, [("SELECT 2", [])])
    fly(session, [(NOTE, {"n": 2, "said": "y"}), (NOTE, {"n": 3, "said": "z"})])
    fly(session, [("SELECT 3", []), ("SELECT 1", []), ("SELECT 2", [])])
    assert [n for n, _ in noted(session)] == [1, 2, 3]


def test_values_that_need_the_driver_and_transactions_of_the_caller(session: Session) -> None:
    query = "SELECT n FROM unnest(%s::integer[]) AS n"
    assert fly(session, [(query, [[1, 2]]), (query, [[3]])]) == [[(1,), (2,)], [(3,)]]
    with session.transaction(force_rollback=True):
        fly(session, [(NOTE, {"n": 1, "said": "x"})])
    assert noted(session) == []


def test_text_is_never_cut_short(session: Session) -> None:
    with pytest.raises(psycopg.DataError):
        fly(session, [(NOTE, {"n": 1, "said": "x\0y"})])
    assert noted(session) == []


def test_a_cut_connection_is_told(session: Session, admin: psycopg.Connection[object]) -> None:
    fly(session, [("SELECT 1", [])])
    admin.execute("SELECT pg_terminate_backend(%s)", [session.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        fly(session, [("SELECT 1", []), ("SELECT 2", [])])
    assert session.closed
