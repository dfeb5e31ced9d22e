"""A rebuild in a process of its own, to be killed from outside.

Arguments: the database's URL, the number of workers, and the rows that each keeps in memory. It
flushes after every page. At the end it says how many events it has folded, and whether it resumed.
"""

from __future__ import annotations

import sys
from threading import Event

from projections.builds import build
from projections.builds.rebuild import RebuildOptions, rebuild
from projections.errors import LeaseHeld
from tests.integration.projections.small_pages import Paged, use_small_pages

if __name__ == "__main__":
    use_small_pages()
    build._FEW_POSITIONS = 0  # type: ignore[misc]
    options = RebuildOptions(
        workers=int(sys.argv[2]),
        rows_in_memory=int(sys.argv[3]),
        lease_seconds=0.3,
        flush_seconds=0.0,
    )
    while True:
        try:
            done = rebuild(sys.argv[1], Paged(), options)
        except LeaseHeld:
            Event().wait(0.02)  # until the one that was killed counts as dead
        else:
            break
    print(done.events, done.resumed)  # noqa: T201
