"""How the tables of metrics follow from the events of trust."""

from __future__ import annotations

from datetime import UTC
from math import fsum
from uuid import UUID

from eventstore import RecordedEvent
from eventstore.vocabulary.trust import TrustMetricRecorded, TrustMetricsRolledUp
from projections.errors import Contradiction
from projections.projection import Projection, Rows, on
from projections.trust.rows import Agent, TrustMetric, TrustMetricDaily
from projections.trust.rules.sessions import own_session

__all__ = ["MetricRules"]


class MetricRules(Projection, name="trust", tables=(TrustMetric, TrustMetricDaily)):
    """Metrics are kept one by one, until an event says that they are rolled up."""

    @on(TrustMetricRecorded)
    def measured(self, event: TrustMetricRecorded, recorded: RecordedEvent, rows: Rows) -> None:
        own_session(event, rows)
        rows.add(
            TrustMetric(
                metric_id=event.metric_id,
                session_id=event.session_id,
                agent_id=event.agent_id,
                metric_type=event.metric_type,
                metric_value=event.metric_value,
                measurement_context=event.measurement_context,
                recorded_at=recorded.occurred_at,
            )
        )

    @on(TrustMetricsRolledUp)
    def rolled_up(self, event: TrustMetricsRolledUp, recorded: RecordedEvent, rows: Rows) -> None:
        values = [_taken(metric_id, event, rows) for metric_id in event.metric_ids]
        for column, actual in (
            ("total", fsum(values)), ("minimum", min(values)), ("maximum", max(values))
        ):  # fmt: skip
            _require_same(TrustMetricDaily.TABLE, event.day, column, actual, getattr(event, column))
        daily = rows.find(TrustMetricDaily)
        if daily is None:
            rows.see(Agent)  # its parent
            rows.add(
                TrustMetricDaily(
                    agent_id=event.agent_id,
                    metric_type=event.metric_type,
                    day=event.day,
                    metric_count=len(values),
                    total=event.total,
                    average=event.total / len(values),
                    minimum=event.minimum,
                    maximum=event.maximum,
                )
            )
            return
        daily.metric_count += len(values)
        daily.total += event.total
        daily.average = daily.total / daily.metric_count
        daily.minimum = min(daily.minimum, event.minimum)
        daily.maximum = max(daily.maximum, event.maximum)
        daily.roll_ups += 1


def _taken(metric_id: UUID, event: TrustMetricsRolledUp, rows: Rows) -> float:
    """The value of a metric, whose row goes."""
    metric = rows.see(TrustMetric, metric_id)
    day = metric.recorded_at.astimezone(UTC).date()
    for column, actual, claimed in (
        ("agent_id", metric.agent_id, event.agent_id),
        ("metric_type", metric.metric_type, event.metric_type),
        ("recorded_at", day, event.day),
    ):
        _require_same(TrustMetric.TABLE, metric_id, column, actual, claimed)
    rows.remove(TrustMetric, metric_id)
    return metric.metric_value


def _require_same(table: str, key: object, column: str, actual: object, claimed: object) -> None:
    if actual != claimed:
        raise Contradiction(table, key, column, actual, claimed)
