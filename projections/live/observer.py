"""What goes along with the workers of a process, and does not hold them up.

Hooks follow what they commit; metrics and health tell operators how they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from eventstore import telemetry
from eventstore.recorded import RecordedEvent
from projections.checkpoint import Lease
from projections.errors import HookFailed
from projections.hooks.hook import Hook
from projections.hooks.runners import Following, Runners
from projections.log import LOG
from projections.monitor.health import Health
from projections.monitor.look import Looker
from projections.monitor.pulse import Pulse
from projections.monitor.web import Answer, Web, json_answer, text_answer
from projections.projection import Projection
from projections.session import Connection

if TYPE_CHECKING:
    from projections.monitor.metrics import Metrics

__all__ = ["Observer"]


class Observer:
    """Goes along from `with` until the block ends; workers tell it what they do.

    `http` is the address of its pages, None for none. Raises ConfigurationError.
    """

    def __init__(
        self,
        url: str,
        projections: Sequence[Projection] = (),
        *,
        hooks: Iterable[Hook] = (),
        http: str | None = None,
    ) -> None:
        self.pulse = Pulse()
        self._leases: dict[tuple[str, int], Lease] = {}
        self._runners = Runners(url, hooks, failed=self._count_error)
        self._metrics: Metrics | None = None
        self._web: Web | None = None
        if http is not None:
            from projections.monitor.metrics import Metrics

            looker = Looker(url, projections)
            self._metrics = Metrics(looker, self._leases, self._runners)
            self._web = Web(http, _pages(self._metrics, Health(looker, self.pulse, self._leases)))
            LOG.info("listening", address=self._web.address)

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(self._runners)
            if self._web is not None:
                opened.enter_context(self._web)
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened.close()

    @contextmanager
    def holding(
        self, conn: Connection, projection: Projection, lease: Lease
    ) -> Iterator[Following]:
        """While a worker holds this lease; raises LeaseLost."""
        unit = (lease.projection, lease.shard)
        count = self._counting(lease)
        with self._runners.following(conn, projection, lease) as following:
            self._leases[unit] = lease
            lease.on_advance.append(count)
            try:
                yield following
            finally:
                lease.on_advance.remove(count)
                del self._leases[unit]

    @contextmanager
    def batch(self, lease: Lease, events: Sequence[RecordedEvent]) -> Iterator[None]:
        """Around the application of a batch."""
        about = {"projection": lease.projection, "shard": str(lease.shard)}
        causes = (recorded.metadata for recorded in events)
        with telemetry.operation("project", len(events), about=about, causes=causes):
            if self._metrics is None:
                yield
                return
            with self._metrics.batch_duration.labels(*about.values()).time():
                yield

    def hook_errors(self) -> dict[str, HookFailed]:
        """Why hooks failed that have not succeeded since, by name."""
        return self._runners.errors()

    def _counting(self, lease: Lease) -> Callable[[int], None]:
        """Counts the events that are committed under a lease."""
        if self._metrics is None:
            return lambda events: None
        return self._metrics.events_applied.labels(lease.projection, str(lease.shard)).inc

    def _count_error(self, projection: str, hook: str, shard: int) -> None:
        if self._metrics is not None:
            self._metrics.hook_errors.labels(projection, str(shard), hook).inc()


def _pages(metrics: Metrics, health: Health) -> dict[str, Callable[[], Answer]]:
    return {
        "/metrics": lambda: text_answer(metrics.text()),
        "/healthz": lambda: json_answer(*health.alive()),
        "/readyz": lambda: json_answer(*health.ready()),
    }
