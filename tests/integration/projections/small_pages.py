"""Things whose log is read in small pages, by the processes of a build too."""

from __future__ import annotations

import sys

from projections.builds import log_pages
from tests.integration.projections.building import ShardedThings
from tests.integration.projections.things import Things

__all__ = ["Paged", "use_small_pages"]


class Paged(ShardedThings, name="things", tables=Things.tables, shard_by="thing_id"):
    """The same rules."""


def use_small_pages() -> None:
    """From now on, in this process."""
    log_pages._PAGE = 50  # type: ignore[misc]


if sys.argv[0] == "-c":  # a process of a build, which imports this for the rules
    use_small_pages()
