"""A consumer in a process of its own, whose side effects are lines of a file.

Arguments: the database's URL, the subscription, the file, of how many events one fails at first.
Each effect is written before its acknowledgement is, with one write, so that a kill leaves whole
lines: `position stream stream_version ok`.
"""

from __future__ import annotations

import os
import random
import sys

from eventstore.subscriptions import Delivery
from tests.integration.log.facts import open_store


def main() -> None:
    url, subscription, path, one_in = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    effects = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    chance = random.Random(os.getpid())

    def handle(delivery: Delivery) -> None:
        at = delivery.recorded
        fails = chance.randrange(one_in) == 0
        line = f"{at.position} {at.stream_id} {at.stream_version} {'no' if fails else 'ok'}\n"
        os.write(effects, line.encode())
        if fails:
            raise RuntimeError("this time it failed")

    with open_store(url) as store:
        store.subscriptions.consume(subscription, handle, batch=chance.choice((10, 100, 500)))


if __name__ == "__main__":
    main()
