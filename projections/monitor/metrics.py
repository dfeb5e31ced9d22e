"""What a daemon measures, for Prometheus: counts of its own work, and the state of all it knows.

Counts and times are this process's own, to be summed over the daemons; positions, lags and states
come from the database, and are the same at whichever daemon they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from projections.hooks.runners import Runners
from projections.monitor.look import Looker
from projections.monitor.status import HookStatus, ProjectionStatus, Status

__all__ = ["Metrics"]

_UNIT: Final = ("projection", "shard")
_HOOK: Final = ("projection", "shard", "hook")
_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds; a batch is one to some thousand events."""


class Metrics:
    """The metrics of one daemon."""

    def __init__(
        self, looker: Looker, leases: dict[tuple[str, int], Any], runners: Runners
    ) -> None:
        self._registry = CollectorRegistry()
        self.events_applied = Counter(
            "eventstore_projection_events_applied",
            "Events that this process has applied.",
            _UNIT,
            registry=self._registry,
        )
        self.batch_duration = Histogram(
            "eventstore_projection_batch_duration_seconds",
            "Time from a batch's events to the commit of its rows.",
            _UNIT,
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self.hook_errors = Counter(
            "eventstore_hook_errors",
            "Calls of a hook by this process that failed.",
            _HOOK,
            registry=self._registry,
        )
        self._registry.register(_State(looker, leases, runners))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def text(self) -> bytes:
        """All of them in the text format of Prometheus."""
        return generate_latest(self._registry)


class _State(Collector):
    """The state of projections and hooks at the moment of the scrape."""

    def __init__(
        self, looker: Looker, leases: dict[tuple[str, int], Any], runners: Runners
    ) -> None:
        self._looker, self._leases, self._runners = looker, leases, runners

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """All gauges; those that the database knows are missing while it does not answer."""
        found = self._looker.look().status
        up = _Gauge("database_up", "1 if the database answers and has this code's schema.", ())
        up.set(0 if found is None else 1)
        held = _Gauge("projection_lease_held", "1 if this process holds the lease.", _UNIT)
        for unit in self._leases.copy():
            held.set(1, *unit)
        calls = _Gauge("hook_call_seconds", "Age of this process's call under way; 0: none.", _HOOK)
        for hook, seconds in self._runners.calls().items():
            calls.set(seconds, *hook)
        if found is None:
            return [up.family, held.family, calls.family]
        live = [unit for unit in found.projections if unit.build == "live"]
        for each in live:
            if (each.projection, each.shard) not in self._leases:
                held.set(0, each.projection, each.shard)
        return [
            up.family,
            held.family,
            calls.family,
            *_of_the_log(found),
            *_of_units(live),
            *_of_hooks((unit, hook) for unit in live for hook in unit.hooks),
            *_of_rebuilds(found),
        ]


def _of_the_log(found: Status) -> Iterable[GaugeMetricFamily]:
    watermark = _Gauge("watermark_position", "Below it nothing can still appear.", ())
    watermark.set(found.watermark)
    append = _Gauge(
        "oldest_append_in_flight_seconds",
        "Age of the append that holds the watermark back; 0 when there is none.",
        (),
    )
    append.set((found.held_back_by and found.held_back_by.seconds) or 0.0)
    missing = _Gauge("partitions_missing", "Missing until the end of next month.", ())
    missing.set(len(found.log.missing_partitions))
    ahead = _Gauge("partition_months_ahead", "Months for which every class has partitions.", ())
    ahead.set(found.log.months_ahead)
    stored = _Gauge("stored_watermark_position", "Below it standbys can read in order.", ())
    stored.set(found.log.stored_watermark)
    age = _Gauge("stored_watermark_age_seconds", "Since it was last stored.", ())
    age.set(found.log.stored_seconds)
    return [each.family for each in (watermark, append, missing, ahead, stored, age)]


def _of_units(units: Iterable[ProjectionStatus]) -> Iterable[GaugeMetricFamily]:
    position = _Gauge("projection_position", "The last position applied.", _UNIT)
    events = _Gauge("projection_lag_events", "Its events that wait, counted up to 100,000.", _UNIT)
    seconds = _Gauge("projection_lag_seconds", "How long the first of them has waited.", _UNIT)
    failures = _Gauge(
        "projection_failures", "Events that are held: failed, or waiting.", (*_UNIT, "state")
    )
    state = _Gauge("projection_state", "1 for the state that it is in.", (*_UNIT, "state"))
    for unit in units:
        key = (unit.projection, unit.shard)
        position.set(unit.position, *key)
        events.set(unit.lag_events, *key)
        seconds.set(unit.lag_seconds, *key)
        failures.set(unit.failed, *key, "failed")
        failures.set(unit.waiting, *key, "waiting")
        state.set(1, *key, unit.state)
    return [each.family for each in (position, events, seconds, failures, state)]


def _of_hooks(
    hooks: Iterable[tuple[ProjectionStatus, HookStatus]],
) -> Iterable[GaugeMetricFamily]:
    events = _Gauge("hook_lag_events", "Applied events that it was not told of yet.", _HOOK)
    seconds = _Gauge("hook_lag_seconds", "How long the first of them is in the log.", _HOOK)
    attempts = _Gauge("hook_failed_attempts", "How often in a row it has failed.", _HOOK)
    for unit, hook in hooks:
        key = (unit.projection, unit.shard, hook.hook)
        events.set(hook.lag_events + hook.late, *key)
        seconds.set(hook.lag_seconds, *key)
        attempts.set(hook.attempts, *key)
    return [each.family for each in (events, seconds, attempts)]


def _of_rebuilds(found: Status) -> Iterable[GaugeMetricFamily]:
    progress = _Gauge(
        "projection_rebuild_progress_ratio", "How far a rebuild is through the log.", _UNIT
    )
    for unit in found.projections:
        if unit.build == "rebuild":
            ratio = min(1.0, unit.position / max(found.watermark, 1))
            progress.set(ratio, unit.projection, unit.shard)
    return [progress.family]


class _Gauge:
    """A gauge under the prefix of the store, with labels of any type."""

    def __init__(self, name: str, help_text: str, labels: tuple[str, ...]) -> None:
        self.family = GaugeMetricFamily(f"eventstore_{name}", help_text, labels=labels)

    def set(self, value: float, *labels: str | int) -> None:
        self.family.add_metric([str(label) for label in labels], value)
