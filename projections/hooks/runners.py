"""The hooks of one process: a runner for each on each shard that the process has held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Event as Signal
from time import monotonic
from types import TracebackType
from typing import Final, Self

from projections.checkpoint import Lease
from projections.errors import HookFailed
from projections.hooks.hook import Hook
from projections.hooks.place import Place
from projections.hooks.runner import Runner
from projections.log import LOG
from projections.projection import Projection
from projections.row_store import RowStore
from projections.session import Connection

__all__ = ["Following", "Runners"]

_HANDOVER: Final = 0.3
"""The part of a lease for which its holder waits for calls under way before it gives it back."""
_FAREWELL: Final = 5.0
"""Seconds that calls under way get at the end of the process."""
_LOOK: Final = 0.05
"""Seconds between two looks at whether to stop."""


class Following:
    """The hooks that follow a lease at the moment."""

    def __init__(self, runners: list[Runner], lease: Lease) -> None:
        self._runners, self._lease = runners, lease

    def catch_up(self, conn: Connection, stop: Signal) -> None:
        """Returns when each was told of what is committed, or has failed; keeps the lease.

        Raises LeaseLost.
        """
        for runner in self._runners:
            signal = runner.wake()
            while not runner.settled(signal, _LOOK) and not stop.is_set():
                if self._lease.heartbeat_in <= 0.0:
                    self._lease.heartbeat(conn)

    def wake(self, events: int) -> None:
        """Something was committed."""
        for runner in self._runners:
            runner.wake()


class Runners:
    """Runs hooks from `with` until the block ends. `failed` is called for each call that fails."""

    def __init__(
        self,
        url: str,
        hooks: Iterable[Hook] = (),
        *,
        failed: Callable[[str, str, int], None] = lambda projection, hook, shard: None,
    ) -> None:
        self._url, self._failed = url, failed
        self._hooks = tuple(hooks)
        self._runners: dict[tuple[str, int], list[Runner]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        deadline = monotonic() + _FAREWELL
        for (projection, shard), runners in self._runners.items():
            for runner in runners:
                if not runner.close(max(0.0, deadline - monotonic())):
                    LOG.warning(
                        "hook left behind in a call, which will be made again",
                        projection=projection,
                        shard=shard,
                        hook=runner.hook.name,
                    )

    @contextmanager
    def following(
        self, conn: Connection, projection: Projection, lease: Lease
    ) -> Iterator[Following]:
        """Lets the hooks of a shard follow its lease while the block lasts.

        On return none of them is missing in projections.hooks, so that no event which is applied
        from now on escapes them. Raises LeaseLost.
        """
        runners = self._of(projection.name, lease.shard)
        store = RowStore(projection)
        for runner in runners:
            place = Place.under(lease, runner.hook)
            place.claim(conn)
            runner.follow(place, store)
        following = Following(runners, lease)
        lease.on_advance.append(following.wake)
        try:
            yield following
        except BaseException:
            for runner in runners:
                runner.rest()
            raise
        else:
            # The next holder should not tell what is being told at this moment.
            deadline = monotonic() + lease.seconds * _HANDOVER
            for runner in runners:
                runner.rest(0.0)
            for runner in runners:
                runner.rest(max(0.0, deadline - monotonic()))
        finally:
            lease.on_advance.remove(following.wake)

    def errors(self) -> dict[str, HookFailed]:
        """Why hooks failed that have not succeeded since, by `PROJECTION/SHARD hook NAME`."""
        return {
            f"{projection}/{shard} hook {runner.hook.name}": runner.error
            for (projection, shard), runners in self._runners.items()
            for runner in runners
            if runner.error is not None
        }

    def calls(self) -> dict[tuple[str, int, str], float]:
        """For how many seconds each hook has been in the call under way, 0 for none.

        By projection, shard and name.
        """
        now = monotonic()
        return {
            (projection, shard, runner.hook.name): max(0.0, now - (runner.calling_since or now))
            for (projection, shard), runners in self._runners.copy().items()
            for runner in runners
        }

    def _of(self, projection: str, shard: int) -> list[Runner]:
        """The runners of a shard, made when it is held for the first time."""
        found = self._runners.get((projection, shard))
        if found is None:
            found = self._runners[projection, shard] = [
                Runner(
                    self._url,
                    hook,
                    shard,
                    LOG,
                    failed=lambda hook=hook: self._failed(projection, hook.name, shard),  # type: ignore[misc]
                )
                for hook in self._hooks
                if hook.projection == projection
            ]
        return found
