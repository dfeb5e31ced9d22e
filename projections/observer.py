"""What goes along with the workers of a process: the hooks that follow their commits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from projections.checkpoint import Lease
from projections.errors import HookFailed
from projections.hooks.hook import Hook
from projections.hooks.runners import Following, Runners
from projections.projection import Projection
from projections.session import Connection

__all__ = ["Observer"]


class Observer:
    """Goes along from `with` until the block ends; workers tell it what they do."""

    def __init__(self, url: str, hooks: Iterable[Hook] = ()) -> None:
        self._runners = Runners(url, hooks)

    def __enter__(self) -> Self:
        self._runners.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._runners.__exit__(kind, error, traceback)

    def hook_errors(self) -> dict[str, HookFailed]:
        """Why hooks failed that have not succeeded since, by name."""
        return self._runners.errors()

    @contextmanager
    def holding(
        self, conn: Connection, projection: Projection, lease: Lease
    ) -> Iterator[Following]:
        """While a worker holds this lease; raises LeaseLost."""
        with self._runners.following(conn, projection, lease) as following:
            yield following
