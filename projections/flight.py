"""A transaction whose statements travel together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import psycopg

from eventstore.database import translated
from eventstore.queries import load
from projections.session import Connection

__all__ = ["one_flight"]

_SQL: Final = load("projections.sql", "flight.sql")


@contextmanager
def one_flight(conn: Connection) -> Iterator[None]:
    """One transaction in one round trip, made of what the block executes; all of it or nothing.

    PostgreSQL makes statements that come without a pause between them one transaction by itself,
    so there is no BEGIN to answer. An error of any of them is raised at the end of the block, at
    the latest; the statements after it are skipped.
    """
    failure: BaseException | None = None
    with translated():
        try:
            with conn.pipeline():
                try:
                    yield
                except BaseException as error:  # noqa: BLE001 - it is raised below
                    # Here it would meet a pipeline that may be broken as well.
                    failure = error
                    with suppress(psycopg.Error):
                        conn.execute(_SQL["undo"])
        except psycopg.Error:
            if failure is None:
                raise
        if failure is not None:
            raise failure
