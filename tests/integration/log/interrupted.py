"""Ctrl-C for a thread whose append is under way, while other threads' appends queue behind it.

Arguments: the database's URL, a number, and before it who is interrupted, which is always the main
thread: the `leader` (its append is in the database alone), a `follower` (its append queues), or the
`successor` (its append is in the database in one batch with those of others).
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Signal
from threading import Thread

from eventstore import EventStore
from eventstore.connection.database import Limits
from tests.integration.log.facts import Said, open_store
from tests.integration.log.processes import answer, commands
from tests.integration.log.waiting import until

FOLLOWERS = 4
OWN_STREAM = {"leader": "held-1", "follower": "s-9", "successor": "held-2"}
"""Where the main thread appends: the caller holds the streams `held-1` and `held-2` locked."""


def interrupted_append(store: EventStore, stream_id: str) -> str:
    try:
        store.append(stream_id, [Said(text="interrupted")])
    except KeyboardInterrupt:
        return "interrupted"
    return "done"


def queue_length(store: EventStore) -> int:
    return len(store.writer._queue)


def main() -> None:
    url, who = sys.argv[1], sys.argv[2]
    ahead = int(who != "leader")  # how many appends are before the main thread's
    heard = commands()
    with open_store(url) as store, ThreadPoolExecutor(FOLLOWERS + 1) as pool:
        if who == "successor":  # what it waits for is not given up before the others go on
            store.database.limits = Limits(lock=2)
        next(heard)
        over, futures = Signal(), []
        if ahead:
            futures.append(pool.submit(store.append, "held-1", [Said(text="leader")]))
            until(lambda: store.writer._led and queue_length(store) == 0)

        def follow() -> None:
            """Queues the followers once the main thread is where it is to be interrupted."""
            until(lambda: store.writer._led and queue_length(store) == ahead)
            futures.extend(
                pool.submit(store.append, f"s-{number}", [Said()]) for number in range(FOLLOWERS)
            )
            until(lambda: queue_length(store) == FOLLOWERS + ahead)
            answer("queued")
            over.wait()

        helper = Thread(target=follow)
        helper.start()
        outcome = interrupted_append(store, OWN_STREAM[who])
        over.set()
        helper.join()
        versions = [future.result(20).stream_version for future in futures]
        answer([outcome, versions, store.append("s-0", [Said()]).stream_version])


if __name__ == "__main__":
    main()
