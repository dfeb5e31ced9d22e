"""kill -9 of the projector, at length: at random, and before every statement of its batches."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from eventstore import EventStore
from eventstore.connection.database import connect
from tests.integration.projections.killing import (
    assert_exactly_once,
    kill_at_random,
    projector,
    tell,
)
from tests.integration.projections.killing_holders import (
    killed_while_it_holds,
    killed_while_it_retries,
    tell_of_poison,
)
from tests.integration.projections.things import DDL

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


@pytest.fixture
def url(database_url: str) -> str:
    """A database with the tables of `things`."""
    with connect(database_url, role="owner") as conn, conn.transaction():
        conn.execute(DDL)
    return database_url


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_random(url: str, seed: int) -> None:
    kill_at_random(url, 12, seed)
    assert_exactly_once(url)


def test_killed_before_every_statement(url: str) -> None:
    """Two batches of eight statements after the lease; each time another thing is told."""
    with EventStore.open(url) as store:
        for statement in range(1, 22):
            tell(store, 100 * statement, 4)
            with projector(url, batch=20, die_before=statement) as process:
                assert process.wait(60) == -signal.SIGKILL
    assert_exactly_once(url)


@pytest.mark.parametrize(
    ("killed", "at_least"), [(killed_while_it_holds, 30), (killed_while_it_retries, 12)]
)
def test_killed_before_every_statement_about_held_events(
    url: str, killed: Callable[[str, int], bool], at_least: int
) -> None:
    tell_of_poison(url)
    statement = 1
    while killed(url, statement):
        statement += 1
    assert statement > at_least
