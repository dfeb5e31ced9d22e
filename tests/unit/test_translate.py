"""Which error of the driver is which of the store's, where the server said no SQLSTATE."""

from __future__ import annotations

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from eventstore.connection.database import lost, translate
from eventstore.errors import DatabaseFault, StoreUnavailable


@pytest.mark.parametrize("kind", [psycopg.OperationalError, psycopg.DatabaseError, PoolTimeout])
def test_who_gets_no_answer_has_lost_the_server(kind: type[Exception]) -> None:
    fault = translate(kind("server closed the connection unexpectedly"))
    assert isinstance(fault, StoreUnavailable)
    assert lost(fault)
    assert "server closed the connection" in str(fault)


@pytest.mark.parametrize("kind", [psycopg.ProgrammingError, psycopg.NotSupportedError])
def test_a_mistake_of_the_client_is_no_lost_server(kind: type[Exception]) -> None:
    assert isinstance(translate(kind("no such placeholder")), DatabaseFault)
