"""Measured properties of agents' work, each by itself and later a day at a time."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from eventstore.event import Event
from eventstore.vocabulary.fields import AgentId, Json

__all__ = [
    "MAX_METRICS",
    "METRIC_CEILINGS",
    "MetricType",
    "TrustMetricRecorded",
    "TrustMetricsRolledUp",
    "check_range",
    "roll_up_stream",
]

MetricType = Literal["accuracy", "autonomy", "complexity"]

METRIC_CEILINGS: Final[dict[MetricType, float]] = {
    "accuracy": 100,
    "autonomy": 100,
    "complexity": 10,
}
"""The highest value of each type; the lowest is 0."""

MAX_METRICS: Final = 100
"""Metrics that one event rolls up."""


def check_range(metric_type: MetricType, value: float) -> None:
    """Raises ValueError for a value that a metric of that type can't have."""
    ceiling = METRIC_CEILINGS[metric_type]
    if not 0 <= value <= ceiling:
        raise ValueError(f"{metric_type} {value} is not in 0..{ceiling}")


class TrustMetricRecorded(Event, event_type="trust.trust_metric_recorded", retention="decision"):
    """A property of an agent's work was measured."""

    metric_id: UUID
    session_id: UUID
    agent_id: AgentId
    metric_type: MetricType
    metric_value: float
    """0 to 100 for accuracy and autonomy, 0 to 10 for complexity."""
    measurement_context: Json = Field(default_factory=dict)

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        check_range(self.metric_type, self.metric_value)
        return self


def roll_up_stream(metric_type: MetricType, day: date, agent_id: str) -> str:
    """Where it is said that an agent's metrics of a day were rolled up."""
    return f"trust_metrics-{metric_type}/{day}/{agent_id}"


class TrustMetricsRolledUp(Event, event_type="trust.trust_metrics_rolled_up", retention="audit"):
    """Metrics of one type, agent and day are kept as one from now on, together with earlier ones.

    The numbers are those of the named metrics alone.
    """

    agent_id: AgentId
    metric_type: MetricType
    day: date
    """The day in UTC on which all of them were recorded."""
    metric_ids: Annotated[list[UUID], Field(min_length=1, max_length=MAX_METRICS)]
    total: float
    """The sum of their values, correctly rounded (as math.fsum gives it)."""
    minimum: float
    maximum: float

    @model_validator(mode="after")
    def _of_these(self) -> Self:
        if len(set(self.metric_ids)) < len(self.metric_ids):
            raise ValueError("a metric is named twice")
        if not self.minimum <= self.maximum:
            raise ValueError(f"minimum {self.minimum} is over maximum {self.maximum}")
        return self
