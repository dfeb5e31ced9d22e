"""A subscriber that writes down the position of each event, and goes on after the last it wrote.

Arguments: the database's URL, and the file. The file is its checkpoint, with the hash of the last
event, so a reader that takes over from one that was killed repeats nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

from eventstore import Checkpoint, EventStore
from eventstore.errors import HistoryDiverged, StoreUnavailable
from tests.integration.log.facts import open_store
from tests.integration.log.processes import answer


def last_written(path: Path) -> Checkpoint:
    """The last whole line; what a kill left of another is cut off."""
    if not path.exists():
        return Checkpoint(0)
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    path.write_bytes(whole)
    lines = whole.splitlines()
    return Checkpoint.parse(lines[-1].decode()) if lines else Checkpoint(0)


def follow(store: EventStore, path: Path) -> None:
    after = last_written(path)
    with path.open("a", encoding="utf-8") as log, store.subscribe(after) as subscription:
        for _ in subscription:
            log.write(f"{subscription.checkpoint}\n")
            if not subscription.buffered:
                log.flush()


def main() -> None:
    url, path = sys.argv[1], Path(sys.argv[2])
    answer("ready")
    while True:
        try:
            with open_store(url) as store:
                follow(store, path)
        except HistoryDiverged:
            raise
        except StoreUnavailable:
            continue


if __name__ == "__main__":
    main()
