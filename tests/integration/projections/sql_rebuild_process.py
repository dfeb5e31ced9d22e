"""A rebuild in SQL in a process of its own, which waits to be killed between two ranges.

Arguments: the database's URL, and the events after which it says so and waits.
"""

from __future__ import annotations

import sys

from projections.builds import sql_build
from projections.builds.progress import Progress
from projections.builds.rebuild import RebuildOptions, rebuild
from tests.integration.projections.orders import OrdersInSql


def report(progress: Progress) -> None:
    if progress.done >= int(sys.argv[2]):
        print(progress.position, flush=True)  # noqa: T201
        sys.stdin.read()


if __name__ == "__main__":
    sql_build._FIRST = sql_build._LEAST = sql_build._MOST = 10
    rebuild(sys.argv[1], OrdersInSql(), RebuildOptions(lease_seconds=0.3), report=report)
