"""A consumer of the named subscription of a soak, which writes down what it handles and when.

Arguments: the database's URL, the file, and a number.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import monotonic_ns
from typing import TextIO

from eventstore import EventStore
from eventstore.errors import EventStoreError, InvalidEvent, NotFound
from tests.integration.log.facts import open_store
from tests.integration.log.processes import answer

NAME = "soak"


def handle(store: EventStore, log: TextIO) -> None:
    with store.subscriptions.consumer(NAME, batch=50) as consumer:
        for delivery in consumer:
            recorded = delivery.recorded
            log.write(
                f"{monotonic_ns()}\t{recorded.position}\t{recorded.stream_id}\t"
                f"{recorded.stream_version}\n"
            )
            log.flush()
            delivery.ack()


def main() -> None:
    url, path, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    answer("ready")
    with path.with_name(f"{path.name}.{number}").open("w", encoding="utf-8") as log:
        while True:
            try:
                with open_store(url) as store:
                    handle(store, log)
            except (InvalidEvent, NotFound):
                raise
            except EventStoreError:
                continue  # the server is away, or the lease was lost


if __name__ == "__main__":
    main()
