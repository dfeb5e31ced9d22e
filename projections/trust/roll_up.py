"""Rolls old metrics up: from then on a day is one row of trust_metrics_daily.

A fold knows no clock, so it is events that say what is rolled up. Whoever says it twice says the
same, and whoever says something else of a day at the same time is refused: the ids of the events
follow from what they name, and the stream of a day has to be where the tables say.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from math import fsum
from operator import itemgetter
from typing import Any, Final, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from psycopg import IsolationLevel

from eventstore import EventStore
from eventstore.connection.database import translated
from eventstore.connection.queries import load
from eventstore.errors import ConcurrencyConflict
from eventstore.vocabulary.trust import (
    MAX_METRICS,
    MetricType,
    TrustMetricsRolledUp,
    roll_up_stream,
)
from projections.session import open_session

__all__ = ["AGE", "AGENT", "RolledUp", "roll_up"]

AGE: Final = timedelta(days=30)
"""How long metrics are kept one by one."""
AGENT: Final = "trust-roll-up"
"""Who says that metrics are rolled up."""

_SQL: Final = load("projections.trust", "roll_up.sql")
_NAMESPACE: Final = uuid5(NAMESPACE_URL, "urn:eventstore:trust-roll-up")
_READ_AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class RolledUp:
    """What was rolled up, or would be in a dry run."""

    days: int
    """Days, of each agent and type."""
    metrics: int
    left: int
    """Days that somebody else was rolling up at the same time; the next time finds what is left."""
    last_position: int | None
    """Of the events; None when there were none."""


class _Day(NamedTuple):
    agent_id: str
    metric_type: MetricType
    day: date
    roll_ups: int
    """How many events the tables know of: stream_version of the day's stream."""


def roll_up(
    store: EventStore, url: str, *, age: timedelta = AGE, dry_run: bool = False
) -> RolledUp:
    """Rolls up the store's tenant's metrics of days that ended more than `age` ago.

    `url` is the database of the read models. Safe to run twice, or several at once. Raises
    ValueError when `age` is negative, and what append raises.
    """
    if age < timedelta(0):
        raise ValueError(f"age {age} is negative: these metrics are yet to come")
    days = metrics = left = 0
    last: int | None = None
    for day, events in _due(url, store.tenant, age):
        days += 1
        metrics += sum(len(event.metric_ids) for event in events)
        if dry_run:
            continue
        try:
            for number, event in enumerate(events):
                receipt = store.append(
                    roll_up_stream(day.metric_type, day.day, day.agent_id),
                    [event],
                    expected_version=day.roll_ups + number,
                    agent=AGENT,
                )
                last = max(receipt.positions[0], last or 0)
        except ConcurrencyConflict:
            left += 1
    return RolledUp(days, metrics, left, last)


def _due(
    url: str, tenant: str, age: timedelta
) -> Iterator[tuple[_Day, list[TrustMetricsRolledUp]]]:
    """Each day with the events that roll it up."""
    with closing(open_session(url, part="roll-up", role="auditor")) as conn:
        conn.isolation_level, conn.read_only = IsolationLevel.REPEATABLE_READ, True
        with translated(), conn.transaction(), conn.cursor(name="due") as cursor:
            cursor.itersize = _READ_AT_ONCE
            cursor.execute(_SQL["due"], {"tenant": tenant, "age": age})
            for key, found in groupby(cursor, key=itemgetter(0, 1, 2, 3)):
                day = _Day(*key)
                metrics = [(metric_id, value) for *_, metric_id, value in found]
                parts = range(0, len(metrics), MAX_METRICS)
                yield day, [_event(tenant, day, metrics[i : i + MAX_METRICS]) for i in parts]


def _event(tenant: str, day: _Day, metrics: list[tuple[UUID, float]]) -> TrustMetricsRolledUp:
    ids, values = [each for each, _ in metrics], [value for _, value in metrics]
    facts: list[Any] = [tenant, day.agent_id, day.metric_type, day.day, *ids]
    return TrustMetricsRolledUp(
        agent_id=day.agent_id,
        metric_type=day.metric_type,
        day=day.day,
        metric_ids=ids,
        total=fsum(values),
        minimum=min(values),
        maximum=max(values),
    ).with_id(uuid5(_NAMESPACE, "/".join(map(str, facts))))
