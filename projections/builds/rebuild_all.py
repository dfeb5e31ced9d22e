"""Several projections rebuilt at once, in the same processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event as Signal
from typing import Final

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from projections.builds.build import open_long
from projections.builds.processes import Processes, cores, wait_for
from projections.builds.progress import Progress
from projections.builds.rebuild import RebuildOptions, Rebuilt, rebuild
from projections.projection import Projection

__all__ = ["rebuild_all"]

_SQL: Final = load("projections.sql", "builds.sql")


def rebuild_all(
    url: str,
    projections: Iterable[Projection],
    options: RebuildOptions | None = None,
    *,
    report: Callable[[Projection, Progress], None] = lambda projection, progress: None,
) -> list[Rebuilt]:
    """Rebuilds several projections at once; as many shards at a time as there are cores.

    Each projection stands for itself: when one fails the others are finished, and then its error
    is raised. Raises what `rebuild` raises.
    """
    chosen = list(projections)
    interrupted = Signal()

    def one(projection: Projection) -> Rebuilt:
        def tell(progress: Progress) -> None:
            if interrupted.is_set():
                raise KeyboardInterrupt
            report(projection, progress)

        how = options or RebuildOptions()
        return rebuild(url, projection, how, report=tell, processes=processes)

    with (
        Processes(cores()) as processes,
        ThreadPoolExecutor(max(len(chosen), 1), thread_name_prefix="rebuild") as pool,
    ):
        try:
            futures = {each: pool.submit(one, each) for each in _longest_first(url, chosen)}
            wait_for(futures.values())
        except BaseException:
            interrupted.set()
            processes.stop()
            raise
    return [futures[each].result() for each in chosen]


def _longest_first(url: str, projections: list[Projection]) -> list[Projection]:
    if len(projections) < 2:
        return projections
    with closing(open_long(url, projections[0])) as conn, translated():
        applied: dict[str, int] = dict(conn.execute(_SQL["applied"]).fetchall())
    return sorted(projections, key=lambda each: -applied.get(each.name, 0))
