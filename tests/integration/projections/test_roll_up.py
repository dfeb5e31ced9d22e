"""Old metrics become days: once, whoever says it how often."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import typer.main

from eventstore import Append, EventStore
from eventstore.cli.options import Options
from eventstore.errors import ConfigurationError, EventStoreError
from eventstore.vocabulary.trust import (
    AgentRegistered,
    SessionStarted,
    TrustMetricRecorded,
    TrustMetricsRolledUp,
)
from projections.audit.verify import verify
from projections.session import Connection
from projections.trust import Trust
from projections.trust.cli import app
from projections.trust.roll_up import RolledUp, roll_up
from tests.integration.projections.running import catch_up, number, replayed, stored

LONG_AGO = datetime(2020, 2, 28, 22, tzinfo=UTC)


def measure(store: EventStore, count: int, *, first: int = 1, at: datetime = LONG_AGO) -> None:
    """Metrics of an agent, an hour apart, of values 1, 2, 3 and so on."""
    session = number(1)
    store.append_many(
        [
            Append(
                f"metric-{n}",
                [
                    TrustMetricRecorded(
                        metric_id=number(1000 + n),
                        session_id=session,
                        agent_id="ann",
                        metric_type="accuracy",
                        metric_value=n % 100,
                    )
                ],
                occurred_at=at + timedelta(hours=n - first),
            )
            for n in range(first, first + count)
        ]
    )


@pytest.fixture
def measured(store: EventStore, url: str) -> EventStore:
    """Four metrics of two old days, and one of today."""
    store.append(
        "agent-ann",
        [
            AgentRegistered(agent_id="ann", name="Ann", persona_type="qa"),
            SessionStarted(session_id=number(1), agent_id="ann"),
        ],
    )
    measure(store, 4)
    measure(store, 1, first=5, at=datetime.now(UTC))
    assert catch_up(url, Trust()) == {}
    return store


def days(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "SELECT day::text, metric_count, total, average, minimum, maximum, roll_ups "
        "FROM trust_metrics_daily ORDER BY day"
    ).fetchall()


def left(conn: Connection) -> int:
    found = conn.execute("SELECT count(*) FROM trust_metrics").fetchone()
    assert found is not None
    return int(found[0])


BOTH = [("2020-02-28", 2, 3.0, 1.5, 1.0, 2.0, 1), ("2020-02-29", 2, 7.0, 3.5, 3.0, 4.0, 1)]


def test_old_days_are_rolled_up(measured: EventStore, url: str, conn: Connection) -> None:
    done = roll_up(measured, url)
    assert (done.days, done.metrics, done.left) == (2, 4, 0)
    assert done.last_position is not None
    assert catch_up(url, Trust()) == {}
    assert days(conn) == BOTH
    assert left(conn) == 1, "today's"
    assert stored(conn, Trust()) == replayed(conn, Trust())
    assert verify(url, Trust()).wrong == 0
    assert roll_up(measured, url) == RolledUp(0, 0, 0, None)


def test_to_say_it_again_says_nothing_more(measured: EventStore, url: str) -> None:
    """Before the tables show the first time."""
    first, again = roll_up(measured, url), roll_up(measured, url)
    assert first == again
    said = list(measured.read_all(event_types=[TrustMetricsRolledUp.event_type]))
    assert len(said) == 2


def test_many_at_once_say_it_once(measured: EventStore, url: str, conn: Connection) -> None:
    barrier = Barrier(4)

    def run(_: int) -> RolledUp:
        barrier.wait()
        return roll_up(measured, url)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(run, range(4)))
    assert len(set(found)) == 1
    assert catch_up(url, Trust()) == {}
    assert days(conn) == BOTH


def test_who_knows_of_less_is_refused(measured: EventStore, url: str, conn: Connection) -> None:
    """A metric of that day came late: whoever has not seen the first roll-up says nothing."""
    assert roll_up(measured, url).left == 0
    measure(measured, 1, first=6, at=LONG_AGO - timedelta(hours=1))
    # The tables get the late metric, and not yet what was rolled up before it.
    conn.execute(
        "INSERT INTO trust_metrics SELECT tenant_id, %s, session_id, agent_id, metric_type, 6, "
        "'{}', %s, created_at, updated_at, position FROM trust_metrics LIMIT 1",
        [number(1006), LONG_AGO - timedelta(hours=1)],
    )
    done = roll_up(measured, url)
    assert (done.days, done.metrics, done.left) == (2, 5, 1)
    conn.execute("DELETE FROM trust_metrics WHERE metric_id = %s", [number(1006)])
    assert catch_up(url, Trust()) == {}
    assert roll_up(measured, url).metrics == 1
    assert catch_up(url, Trust()) == {}
    assert days(conn)[0] == ("2020-02-28", 3, 9.0, 3.0, 1.0, 6.0, 2)


def test_a_day_of_many_metrics_takes_several_events(
    measured: EventStore, url: str, conn: Connection
) -> None:
    store = measured
    noon = datetime(2021, 1, 1, 12, tzinfo=UTC)
    for first in range(100, 350):
        measure(store, 1, first=first, at=noon)
    assert catch_up(url, Trust()) == {}
    assert roll_up(store, url).metrics == 254
    assert catch_up(url, Trust()) == {}
    day = days(conn)[-1]
    values = [n % 100 for n in range(100, 350)]
    assert day == ("2021-01-01", 250, sum(values), sum(values) / 250, 0.0, 99.0, 3)
    assert stored(conn, Trust()) == replayed(conn, Trust())


def test_other_tenants_metrics_are_theirs(measured: EventStore, url: str) -> None:
    with EventStore.open(url, tenant="acme") as other:
        assert roll_up(other, url) == RolledUp(0, 0, 0, None)


def test_a_negative_age_makes_no_sense(measured: EventStore, url: str) -> None:
    with pytest.raises(ValueError, match="negative"):
        roll_up(measured, url, age=timedelta(days=-1))


@pytest.fixture
def call(measured: EventStore, url: str, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs `eventstore trust …`; returns what it says in JSON."""
    del measured

    def run(*words: str) -> Any:
        capsys.readouterr()
        options = Options(database_url=url, json=True)
        typer.main.get_command(app).main(list(words), obj=options, standalone_mode=False)
        return json.loads(capsys.readouterr().out)

    return run


def test_the_command(call: Any, url: str, conn: Connection) -> None:
    would = call("roll-up", "--dry-run")
    assert would == {
        "days": 2, "metrics": 4, "left": 0, "last_position": None, "dry_run": True,
    }  # fmt: skip
    assert call("roll-up", "--dry-run", "--older-than", "40000d")["days"] == 0
    assert call("roll-up", "--older-than", "720h")["metrics"] == 4
    assert catch_up(url, Trust()) == {}
    assert days(conn) == BOTH


@pytest.mark.parametrize("age", ["30", "d", "-1d", "1w", ""])
def test_an_age_is_a_number_and_a_unit(call: Any, age: str) -> None:
    with pytest.raises(EventStoreError, match="30d") as refused:
        call("roll-up", f"--older-than={age}")
    assert isinstance(refused.value, ConfigurationError)
